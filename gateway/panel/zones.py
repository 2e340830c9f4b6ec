"""The reader's time zone, as its browser said (static/js/zone.js); UTC until then, and for any nonsense."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

from django.http import HttpRequest

UTC = ZoneInfo("UTC")
_NAME = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}", re.ASCII)


def zone_of(request: HttpRequest) -> ZoneInfo:
    name = request.COOKIES.get("zone", "")
    if len(name) > 64 or not _NAME.fullmatch(name):
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC
