"""Whole numbers in addresses: a row's id, or no such row."""

from __future__ import annotations

import re

from gateway.lib.errors import NotFound

_ID = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


def row_id(text: str) -> int:
    if not _ID.fullmatch(text):
        raise NotFound()
    return int(text)
