"""An adapter for a payment company called Acme: JSON over HTTPS, a key in a header, callbacks signed with HMAC-SHA256.

    PAYMENT_ADAPTERS=acme.ACME  LIVE_PAYMENT_PROVIDER=acme  ACME_URL=https://api.acme.example  ACME_KEY=…  ACME_SECRET=…

Every `POST` of Acme's carries our reference, and a second one with the same reference is answered as the first.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from gateway.lib.http import NotSent, OutboundError, OutboundRequest, fetch
from gateway.lib.providers import Outcome, ProviderDown, ProviderTimeout, Result
from payments.errors import BadCallback
from payments.providers.base import Callback, Charge, Chargeback, Reversal
from payments.providers.cards import CardDetails

# Acme's words for where a charge or a refund stands, and ours. A word that is not here raises: it is then unknown.
_RESULTS: dict[str, Result] = {
    "new": "pending", "sent": "pending", "at_the_bank": "pending", "authorised": "succeeded", "paid": "succeeded",
    "declined": "failed",
}


class Acme:
    name = "acme"
    captures_at_once = False
    decided_by_people = False

    def tokenise(self, card: CardDetails) -> str:
        sent = {name: getattr(card, name) for name in ("number", "month", "year", "cvv", "name")}
        return str(_call("POST", "/tokens", sent)["token"])

    def authorise(self, charge: Charge) -> Outcome:
        return _outcome(_call("POST", "/charges", {
            "reference": charge.reference, "amount": charge.amount.minor, "currency": charge.amount.currency,
            "method": charge.method, "vpa": charge.vpa, "token": charge.token, "capture": charge.capture,
            "return_url": charge.return_url,
        }))

    def capture(self, charge: Charge) -> Outcome:
        return _outcome(_call("POST", f"/charges/{charge.reference}/capture", {"amount": charge.amount.minor}))

    def refund(self, reversal: Reversal) -> Outcome:
        return _outcome(_call("POST", "/refunds", {
            "reference": reversal.reference, "charge": reversal.charge_reference, "amount": reversal.amount.minor,
        }))

    def status(self, reference: str) -> Outcome:
        answer = _call("GET", f"/by-reference/{reference}")
        # Only what Acme says about the reference itself means that it never heard of it; a stray 404 does not.
        return Outcome("absent") if answer.get("error") == "unknown_reference" else _outcome(answer)

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> Callback | Chargeback:
        expected = hmac.new(os.environ["ACME_SECRET"].encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(headers.get("x-acme-signature", "").encode("utf-8", "replace"), expected.encode()):
            raise BadCallback()
        told = json.loads(body)
        if "dispute" in told:
            return _chargeback(told["id"], told["dispute"])
        return Callback(told["id"], told["charge"]["reference"], _outcome(told["charge"]))


def _chargeback(event_id: str, told: Mapping[str, Any]) -> Chargeback:
    """Any other word than these two raises, and is then asked for again."""
    returned = {"taken": False, "won": True}[told["state"]]
    reason = str(told.get("reason", ""))
    return Chargeback(event_id, told["charge"], told["id"], told["amount"], told["currency"], reason, returned)


def _call(method: str, path: str, sent: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Acme's answer. Raises `ProviderDown` when nothing was sent, `ProviderTimeout` when nobody knows."""
    request = OutboundRequest(
        os.environ["ACME_URL"] + path, method=method, body=b"" if sent is None else json.dumps(sent).encode(),
        headers={"Authorization": f"Bearer {os.environ['ACME_KEY']}", "Content-Type": "application/json"},
        timeout=settings.PROVIDER_TIMEOUT_SECONDS, allow_loopback=settings.DEMO,
    )
    try:
        response = fetch(request)
    except NotSent as error:
        raise ProviderDown(str(error)) from error
    except OutboundError as error:
        raise ProviderTimeout(str(error)) from error
    if response.cut or response.status >= 500 or response.status == 429:
        raise ProviderTimeout(f"HTTP {response.status} {response.cut}")
    answer = json.loads(response.body)
    if not isinstance(answer, dict):
        raise ProviderTimeout("not an object")
    return answer


def _outcome(told: Mapping[str, Any]) -> Outcome:
    """Whatever Acme says that it moved is told on, so that the gateway can see if it is not what was asked; and where
    the payer must go, which Acme says for as long as a charge is at_the_bank."""
    return Outcome(
        _RESULTS[told["state"]], reference=str(told.get("id", "")), utr=str(told.get("utr", "")),
        code=str(told.get("code", "")), message=str(told.get("message", "")),
        amount_minor=told.get("amount"), currency=str(told.get("currency", "")),
        step_url=str(told.get("redirect", "")),
    )


ACME = Acme()
