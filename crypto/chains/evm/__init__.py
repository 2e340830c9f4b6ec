"""Ethereum and its kin by web3.py: one adapter, the differences are data of `Network`."""
