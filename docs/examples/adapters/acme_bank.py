"""An adapter for payouts through Acme's bank: JSON over HTTPS, a key in a header, callbacks signed with HMAC-SHA256.

    PAYOUT_ADAPTERS=acme_bank.ACME_BANK  LIVE_PAYOUT_PROVIDER=acme_bank
    ACME_BANK_URL=https://bank.acme.example  ACME_BANK_KEY=…  ACME_BANK_SECRET=…

A second transfer with the same reference is answered as the first. Without `read_callback` it would be asked instead.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from gateway.lib.callbacks import BadCallback, Callback
from gateway.lib.http import NotSent, OutboundError, OutboundRequest, fetch
from gateway.lib.providers import Outcome, ProviderDown, ProviderTimeout, Result
from payouts.providers.base import Transfer

# The bank's words, and ours: a transfer that came back is one that failed. Any other word raises: it is then unknown.
_RESULTS: dict[str, Result] = {"queued": "pending", "paid": "succeeded", "refused": "failed", "returned": "failed"}


class AcmeBank:
    name = "acme_bank"

    def pay(self, transfer: Transfer) -> Outcome:
        return _outcome(_call("POST", "/transfers", {
            "reference": transfer.reference, "amount": transfer.amount.minor, "currency": transfer.amount.currency,
            "method": transfer.method, "name": transfer.beneficiary_name, "account": transfer.account_number,
            "ifsc": transfer.ifsc,
        }))

    def status(self, reference: str) -> Outcome:
        answer = _call("GET", f"/transfers/{reference}")
        return Outcome("absent") if answer.get("error") == "unknown_reference" else _outcome(answer)

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> Callback:
        expected = hmac.new(os.environ["ACME_BANK_SECRET"].encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(headers.get("x-acme-signature", "").encode("utf-8", "replace"), expected.encode()):
            raise BadCallback()
        told = json.loads(body)
        return Callback(told["id"], told["transfer"]["reference"], _outcome(told["transfer"]))


def _call(method: str, path: str, sent: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The bank's answer. Raises `ProviderDown` when nothing was sent, `ProviderTimeout` when nobody knows."""
    request = OutboundRequest(
        os.environ["ACME_BANK_URL"] + path, method=method, body=b"" if sent is None else json.dumps(sent).encode(),
        headers={"Authorization": f"Bearer {os.environ['ACME_BANK_KEY']}", "Content-Type": "application/json"},
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
    """`utr` of a transfer that came back is that of its return."""
    return Outcome(
        _RESULTS[told["state"]], reference=str(told.get("id", "")), utr=str(told.get("utr", "")),
        code=str(told.get("code", "")), message=str(told.get("message", "")),
        amount_minor=told.get("amount"), currency=str(told.get("currency", "")),
    )


ACME_BANK = AcmeBank()
