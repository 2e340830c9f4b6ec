"""Reads about crypto, one module a subject. Nothing of a merchant's is visible but through `accounts.actors.scope`."""

from crypto.queries.wallets import hot_wallet

__all__ = ["hot_wallet"]
