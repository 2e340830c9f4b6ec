"""Money of a payment that its provider says it took back, or gave back after that (decision 30).

Its word books nothing: it makes a proposal, once per id of the provider's, that an operator confirms or rejects. What
cannot be proposed flags the payment. Both messages end the same in either order.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts.actors import Actor
from gateway.lib.errors import InvalidFields
from gateway.lib.providers import Flag
from payments.corrections.services import propose_for_provider, withdraw_for_provider
from payments.models import Correction, Dispute, Payment
from payments.providers.base import Chargeback
from payments.services.outcomes import set_flag
from payments.services.records import lock

Kind, Status = Correction.Kind, Correction.Status


@transaction.atomic
def apply_chargeback(*, actor: Actor, payment: Payment, told: Chargeback) -> str:
    """Returns the effect: proposed, withdrawn (given back before it was booked), flagged or none."""
    row = lock(payment)
    words = {"provider": row.provider, "dispute_id": told.chargeback_id}
    dispute, _ = Dispute.objects.get_or_create(**words, defaults={"payment": row, "code": told.code})
    if dispute.payment_id != row.pk:
        return _refuse(actor, row, dispute, told, f"also told of {row.public_id}")
    known = dispute.returned_minor if told.returned else dispute.taken_minor
    if told.currency == row.currency and known == told.amount_minor:
        return "none"
    if told.currency != row.currency or known is not None:
        return _refuse(actor, row, dispute, told, "another amount or currency", Flag.AMOUNT_DIFFERS)
    try:
        with transaction.atomic():
            return _given_back(actor, dispute, told) if told.returned else _taken(actor, dispute, told)
    except InvalidFields as refusal:
        dispute.refresh_from_db()
        flag = Flag.AMOUNT_DIFFERS if "amount" in refusal.details["fields"] else Flag.CONTRADICTED
        return _refuse(actor, row, dispute, told, refusal.message, flag)


def _taken(actor: Actor, dispute: Dispute, told: Chargeback) -> str:
    if dispute.returned_minor == told.amount_minor:
        done = f"Took and gave back {told.amount_minor} {told.currency} (minor units): nothing is to be booked"
        return _keep(dispute, "none", taken_minor=told.amount_minor, problem=done)
    chargeback = _propose(actor, dispute, Kind.CHARGEBACK, told.amount_minor)
    credit = _propose(actor, dispute, Kind.CREDIT, dispute.returned_minor) if dispute.returned_minor else None
    return _keep(
        dispute, "proposed", taken_minor=told.amount_minor, code=told.code, chargeback=chargeback, credit=credit,
        problem="",
    )


def _given_back(actor: Actor, dispute: Dispute, told: Chargeback) -> str:
    if dispute.taken_minor is None:
        _keep(dispute, "", returned_minor=told.amount_minor)
        return _refuse(actor, dispute.payment, dispute, told, "given back, and never said to be taken")
    if told.amount_minor > dispute.taken_minor:
        raise InvalidFields(amount="is more than was taken")
    assert dispute.chargeback_id is not None  # only what was given back first has none
    booked = Correction.objects.select_for_update(no_key=True).get(pk=dispute.chargeback_id)
    if booked.status in (Status.REJECTED, Status.WITHDRAWN):
        return _keep(dispute, "none", returned_minor=told.amount_minor)
    if booked.status == Status.OPEN and booked.created_by_id is None and told.amount_minor == dispute.taken_minor:
        withdraw_for_provider(actor=actor, correction=booked, note="The provider gave it back before it was booked.")
        return _keep(dispute, "withdrawn", returned_minor=told.amount_minor)
    credit = _propose(actor, dispute, Kind.CREDIT, told.amount_minor)
    return _keep(dispute, "proposed", returned_minor=told.amount_minor, credit=credit)


def _propose(actor: Actor, dispute: Dispute, kind: str, minor: int) -> Correction:
    reason = f"Taken back by the payer’s bank, reason {dispute.code or 'not told'}"
    if kind == Kind.CREDIT:
        reason = "A chargeback of this payment was given back"
    return propose_for_provider(
        actor=actor, payment=dispute.payment, kind=kind, amount_minor=minor, reason=reason, number=dispute.dispute_id
    )


def _keep(dispute: Dispute, effect: str, **changes: Any) -> str:
    for name, value in changes.items():
        setattr(dispute, name, value)
    dispute.save(update_fields=list(changes))
    return effect


def _refuse(
    actor: Actor, row: Payment, dispute: Dispute, told: Chargeback, why: str, flag: Flag = Flag.CONTRADICTED
) -> str:
    """Operators read it on the payment's page. The payment's trail is its merchant's too, and tells nothing of it."""
    way = "Gave back" if told.returned else "Took back"
    said = f"{way} {told.amount_minor} {told.currency} (minor units): {why}"[:200]
    if dispute.problem == said:  # a person looks, or has looked
        return "none"
    _keep(dispute, "", problem=said)
    return set_flag(actor, row, flag, "Operators find what was said on the payment's page")
