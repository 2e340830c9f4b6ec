"""Requests of the signed contract, signed before they are sent: wrk itself is too slow at it."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from pathlib import Path

PATH = "/api/v1/payin/generate/link"
_SECRET = ("bench" * 8).encode()


def write(target: Path, keys: Path, count: int) -> None:
    """`count` lines of access key, timestamp, signature and body, by tabs; good for five minutes from now."""
    names, now = keys.read_text().split(), time.time_ns() // 1_000_000
    with target.open("w") as file:
        for number in range(count):
            key, moment = names[number % len(names)], str(now)
            body = json.dumps({
                "user_id": "u", "order_id": f"{now}-{number}", "amount": 500, "method": "UPI", "redirect_url": "https://a.example",
            })
            message = f"POST\n{PATH}\n{body}\n{moment}\n".encode()
            file.write(f"{key}\t{moment}\t{hmac.new(_SECRET, message, hashlib.sha256).hexdigest()}\t{body}\n")
