"""A chain whose blocks come by `mine` alone, and a signer's keys."""

from __future__ import annotations

import pytest

# BIP-39's own first vector of 12 words; nobody owns anything under it.
WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"


@pytest.fixture(autouse=True)
def _blocks_by_hand(settings):
    settings.SIMULATED_BLOCK_SECONDS = 0


@pytest.fixture
def signer(settings, monkeypatch):
    """This process holds the keys of `WORDS`."""
    from crypto.keys import wallet

    settings.PROCESS = "signer"
    monkeypatch.setenv("CRYPTO_MNEMONIC", WORDS)
    wallet.forget()
    yield
    wallet.forget()


@pytest.fixture
def network(db):
    """`network("BSC")`"""
    from crypto.models import Network

    return lambda code: Network.objects.get(code=code)
