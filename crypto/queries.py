"""Reads about crypto: nothing is visible but through `scope`."""

from __future__ import annotations
