"""Solana by JSON-RPC at the commitment `finalized`: what is told here does not change any more. Heights are slots."""
