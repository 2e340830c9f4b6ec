"""Webhooks: the merchant manages its own endpoints; operators look at those of their merchants, and both send again
what did not arrive. An api_user has no such pages."""
