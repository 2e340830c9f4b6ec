"""The sandbox: a payment provider that needs no account anywhere, with its own books in `SandboxCharge`.

It answers every first call with `pending` and decides SANDBOX_PAYMENT_DELAY_SECONDS later, so that `processing` can
be seen. UPI: `success@upi` and any other VPA succeed, `failure@upi` fails, `pending@upi` waits for a person,
`norefund@upi` succeeds and then refuses its refunds. Cards: see `_CARDS`; every other valid number succeeds. One asks
for a step at the bank, which is a page of ours (gateway/pay/sandbox_bank.py): the payer's answer there decides.
"""

from __future__ import annotations

import hmac
import secrets
import string
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db.models import F
from django.utils import timezone

from gateway.lib.ids import random_text
from gateway.lib.money import Money
from gateway.lib.providers import Outcome, Result
from gateway.lib.secrets import digest
from gateway.lib.strict_json import loads_object
from payments.errors import BadCallback
from payments.models import SandboxCharge
from payments.providers.base import Callback, Charge, Chargeback, Reversal
from payments.providers.cards import CardDetails

_CARDS = {
    "4000000000000002": "card_declined",
    "4000000000000069": "expired_card",
    "4000000000000119": "processor_error",
    "4000000000003220": "bank_step",
}
_VPAS = {
    "failure@upi": ("fail", "payment_declined"),
    "pending@upi": ("wait", ""),
    "norefund@upi": ("succeed", "no_refund"),
}
_MESSAGES = {
    "card_declined": "The card was declined by its bank.",
    "expired_card": "The card has expired.",
    "processor_error": "The card's processor could not be reached.",
    "payment_declined": "The payer's bank declined the payment.",
    "refund_declined": "The payer's bank declined the refund.",
    "authentication_failed": "The payer was not confirmed by the card's bank.",
}
_STEP_KEYS = Signer(salt="sandbox bank")
_STATUSES: dict[str, Result] = {"succeeded": "succeeded", "failed": "failed", "pending": "pending"}


class Sandbox:
    name = "sandbox"
    captures_at_once = True
    decided_by_people = False

    def tokenise(self, card: CardDetails) -> str:
        return f"tok_{_CARDS.get(card.number, 'valid')}_{random_text(24)}"

    def authorise(self, charge: Charge) -> Outcome:
        decision, code = _decision(charge)
        # The slow processor takes half as long again, and still answers within the sandbox's 2 s.
        slow = 1.5 if code == "processor_error" else 1.0
        return self._ask(charge.reference, "charge", charge.amount, decision, code, slow, charge.return_url)

    def capture(self, charge: Charge) -> Outcome:
        return self.status(charge.reference)

    def refund(self, reversal: Reversal) -> Outcome:
        refuses = SandboxCharge.objects.filter(reference=reversal.charge_reference, code="no_refund").exists()
        decision, code = ("fail", "refund_declined") if refuses else ("succeed", "")
        return self._ask(reversal.reference, "refund", reversal.amount, decision, code, 1.0)

    def status(self, reference: str) -> Outcome:
        row = SandboxCharge.objects.filter(reference=reference).first()
        return _answer(row) if row else Outcome("absent")

    def _ask(
        self, reference: str, kind: str, amount: Money, decision: str, code: str, slow: float, return_url: str = ""
    ) -> Outcome:
        delay = timedelta(seconds=settings.SANDBOX_PAYMENT_DELAY_SECONDS * slow)
        row, new = SandboxCharge.objects.get_or_create(
            reference=reference,
            defaults=_fresh(kind, amount, decision, code)
            | {"decide_at": timezone.now() + delay, "return_url": return_url},
        )
        if not new:
            SandboxCharge.objects.filter(pk=row.pk).update(times_asked=F("times_asked") + 1)
        return _answer(row)

    def decide(self, reference: str, amount: Money, *, succeed: bool) -> Callback:
        """What the page's Simulate buttons do at the provider's side; returns the callback it would send."""
        decision, code = ("succeed", "") if succeed else ("fail", "payment_declined")
        row, new = SandboxCharge.objects.get_or_create(
            reference=reference, defaults=_fresh("charge", amount, decision, code) | {"times_asked": 0}
        )
        if not new and (row.decision in ("wait", "step") or row.decide_at > timezone.now()):
            row.decision, row.code = decision, code
        row.decide_at = timezone.now()
        row.save(update_fields=["decision", "code", "decide_at"])
        return Callback(f"{reference}:{row.decision}", reference, _answer(row))

    def step(self, key: str) -> SandboxCharge | None:
        """The charge whose step at the bank `key` opens, whether it is still to be taken or not."""
        try:
            reference = _STEP_KEYS.unsign(key)
        except BadSignature:
            return None
        return SandboxCharge.objects.filter(reference=reference).first()

    def take_step(self, row: SandboxCharge, *, approve: bool) -> bool:
        """The payer answers at the bank, once. Nobody is told: whoever wants to know asks."""
        decision, code = ("succeed", "") if approve else ("fail", "authentication_failed")
        open_row = SandboxCharge.objects.filter(pk=row.pk, decision="step")
        return bool(open_row.update(decision=decision, code=code, decide_at=timezone.now()))

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> Callback | Chargeback:
        given = headers.get("x-sandbox-signature", "").encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(given, sign(body).encode()):
            raise BadCallback()
        try:
            return _callback(loads_object(body))
        except (ValueError, KeyError, TypeError) as error:
            raise BadCallback("This callback is not readable.") from error


def sign(body: bytes) -> str:
    """What the sandbox puts into `X-Sandbox-Signature`."""
    return digest(body.decode("latin-1"), purpose="sandbox callback")


def step_page(reference: str) -> str:
    """The sandbox bank's page for one charge; who has no key finds none."""
    return f"{settings.PUBLIC_URL}/pay/test-bank/{_STEP_KEYS.sign(reference)}"


def _callback(fields: dict[str, Any]) -> Callback | Chargeback:
    amount = fields.get("amount")
    if "chargeback" in fields:
        return Chargeback(
            str(fields["id"]), str(fields["reference"]), str(fields["chargeback"]), fields["amount"],
            str(fields["currency"]), code=str(fields.get("code", "")), returned=fields.get("returned") is True,
        )
    if amount is not None and type(amount) is not int:
        raise TypeError("amount must be an integer of minor units")
    outcome = Outcome(
        _STATUSES[fields["status"]],
        utr=str(fields.get("utr", "")),
        code=str(fields.get("code", "")),
        message=str(fields.get("message", "")),
        amount_minor=amount,
        currency=str(fields.get("currency", ""))[:8],
    )
    return Callback(str(fields["id"]), str(fields["reference"]), outcome)


def _decision(charge: Charge) -> tuple[str, str]:
    if charge.token:
        code = next((code for code in _CARDS.values() if charge.token.startswith(f"tok_{code}_")), "")
        if code == "bank_step":
            return "step", ""
        return ("fail", code) if code else ("succeed", "")
    return _VPAS.get(charge.vpa.lower(), ("succeed", ""))


def _fresh(kind: str, amount: Money, decision: str, code: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "amount_minor": amount.minor,
        "currency": amount.currency,
        "decision": decision,
        "code": code,
        "decide_at": timezone.now(),
        "utr": "SBX" + "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(13)),
    }


def _answer(row: SandboxCharge) -> Outcome:
    if row.decision == "wait":
        return Outcome("pending", reference=row.reference)
    if row.decision == "step":
        return Outcome("pending", reference=row.reference, step_url=step_page(row.reference))
    left = (row.decide_at - timezone.now()).total_seconds()
    if left > 0:
        return Outcome("pending", reference=row.reference, ask_after=left)
    if row.decision == "fail":
        return Outcome("failed", reference=row.reference, code=row.code, message=_MESSAGES[row.code])
    return Outcome(
        "succeeded", reference=row.reference, utr=row.utr, amount_minor=row.amount_minor, currency=row.currency
    )


SANDBOX = Sandbox()
