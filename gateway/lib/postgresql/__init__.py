"""Django's PostgreSQL backend with two shortcuts; see `base`."""
