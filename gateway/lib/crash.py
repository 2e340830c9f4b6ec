"""Named points at which a test may end the process, as a power cut would: no cleanup, no exception, no rollback.

Does nothing unless the environment says `CRASH_AT=<name>`, and never in production.
"""

from __future__ import annotations

import os

from django.conf import settings

EXIT_CODE = 137


def crash_point(name: str) -> None:
    if os.environ.get("CRASH_AT") == name and settings.DEMO:
        os._exit(EXIT_CODE)
