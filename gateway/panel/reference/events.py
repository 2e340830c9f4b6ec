"""The webhooks of a contract: its events, a sample of each as a test delivery sends it, and how to verify one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from gateway.panel.reference.operations import pretty
from webhooks.models import Event
from webhooks.queries import event_names
from webhooks.rendering import render_sample

# The original's own samples, where it has them.
_OWN: dict[str, dict[str, Any]] = {
    "portal/payment.completed": {
        "event": "payment.completed", "order_id": "TXN-2026-001", "amount": 5000, "currency": "INR",
        "status": "completed", "payer": "Jane Smith", "transaction_id": "pay_8Zc1YtQ0vXw2LmNb", "utr": "609512345678",
        "timestamp": "2026-04-05T06:00:00.000Z",
    },
}


@dataclass(frozen=True, slots=True)
class Sample:
    name: str
    text: str


def of(contract: str) -> list[Sample]:
    return [Sample(name, pretty(_sample(contract, name))) for name in event_names(contract)]


def _sample(contract: str, name: str) -> dict[str, Any]:
    """What a test delivery sends, without its mark."""
    _, text = render_sample(contract, Event(public_id="evt_0000000000000000"), [name])
    return _OWN.get(f"{contract}/{name}") or _unmarked(json.loads(text))


def _unmarked(payload: dict[str, Any]) -> dict[str, Any]:
    inner = {key: _unmarked(value) if key == "data" else value for key, value in payload.items() if key != "test"}
    return inner


VERIFY_PYTHON = '''\
import hashlib, hmac

def is_genuine(raw_body: bytes, signature: str, secret: str) -> bool:
    """raw_body: the bytes as received, before any JSON parser. signature: the X-Signature header."""
    expected = hmac.new(secret.encode(), raw_body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, signature)
'''
VERIFY_NODE = """\
const crypto = require("node:crypto");

// rawBody: the Buffer as received (express.raw), before any JSON parser. signature: the X-Signature header.
function isGenuine(rawBody, signature, secret) {
  const expected = crypto.createHmac("sha256", secret).update(rawBody).digest("hex");
  return signature.length === expected.length &&
    crypto.timingSafeEqual(Buffer.from(expected), Buffer.from(signature));
}
"""
VERIFY_PHP = """\
// $rawBody: file_get_contents('php://input'), before any JSON parser. $signature: the X-Signature header.
function is_genuine(string $rawBody, string $signature, string $secret): bool
{
    return hash_equals(hash_hmac('sha256', $rawBody, $secret), $signature);
}
"""
VERIFY = (("Python", VERIFY_PYTHON), ("Node.js", VERIFY_NODE), ("PHP", VERIFY_PHP))
