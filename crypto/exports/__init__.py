"""Exports of a merchant's records: chosen (`selecting`), written (`writing`, `pdf`), driven and kept (`services`)."""
