"""Whether a container's process is still at its work: `python -m gateway.liveness web`, or `… SECONDS` for the others.

Web is asked over HTTP. Workers and the scheduler say it themselves, by touching `LIVENESS_FILE` (if it is set) as their
loop turns; a file that nobody has touched for so many seconds is a process that hangs. Needs no broker to ask.
"""

from __future__ import annotations

import os
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit


def touch() -> None:
    if name := os.environ.get("LIVENESS_FILE"):
        try:
            Path(name).touch()
        except OSError:
            pass  # a full disk ends no worker; the check sees the old time


def is_alive(seconds: float) -> bool:
    try:
        return time.time() - Path(os.environ["LIVENESS_FILE"]).stat().st_mtime < seconds
    except OSError:
        return False


def web_answers() -> bool:
    """As the proxy asks: by the public name, since no other may be allowed."""
    host = urlsplit(os.environ.get("PUBLIC_URL", "")).hostname or "127.0.0.1"
    url = f"http://127.0.0.1:{os.environ.get('PORT', '8000')}/healthz"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Host": host}), timeout=3) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def main(arguments: list[str]) -> int:
    (what,) = arguments
    return 0 if (web_answers() if what == "web" else is_alive(float(what))) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
