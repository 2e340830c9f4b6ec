"""The step at the payer's bank (3-D Secure): the payer goes to an address that the provider names, and comes back.

The provider's word alone decides. The payer's return proves nothing: it has the provider asked at once, and no more.
Whoever does not confirm in time has a payment that expired; the provider is asked for another day whether money came
all the same, which is then booked and flagged as late (decision 9).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor
from gateway.lib.jobs import wake
from gateway.lib.modes import Mode
from gateway.lib.providers import Outcome, ProviderState, put_off
from gateway.lib.work import backoff, ended
from payments.models import Contract, Payment
from payments.services.outcomes import fail
from payments.services.records import lock, write_down

Status = Payment.Status
# Who came back has done what the bank asked, as far as we know: the provider gets so long to hear of it.
_AFTER_RETURN = timedelta(minutes=5)
_LOOKED_FOR = timedelta(days=1)


def page_address(payment: Payment) -> str:
    """The hosted page on which the payer follows this payment: its order's where the order is what is paid."""
    page = payment.order.public_id if payment.order.contract == Contract.CHECKOUT else payment.page_token
    return f"{settings.PUBLIC_URL}/pay/{page}"


def return_address(payment: Payment) -> str:
    """Where the bank sends the payer back to. It says no more than the address of the page itself."""
    return f"{page_address(payment)}/return"


def checked(payment: Payment, outcome: Outcome) -> Outcome:
    """The answer as it came. Raises `ValueError` for a step in live mode that is not taken over TLS."""
    if payment.mode == Mode.LIVE and outcome.step_url and not outcome.step_url.startswith("https://"):
        raise ValueError("a live payer is sent to https alone")
    return outcome


def wait_for_payer(*, actor: Actor, payment: Payment, outcome: Outcome) -> None:
    """Writes down where the payer must go and when to ask again; ends a payment whose time is up.

    Only an answer ends it: while the provider cannot be asked, money may have come.
    """
    now, is_new = timezone.now(), not payment.step_url
    until = payment.expires_at
    if is_new or until is None:
        until = now + timedelta(minutes=settings.BANK_STEP_MINUTES)
    if outcome.result == "pending" and until <= now:
        expire_step(actor=actor, payment=payment)
        return
    url = outcome.step_url or payment.step_url
    with transaction.atomic():
        kept = put_off(payment, outcome, "payments.drive", by=until, step_url=url, expires_at=until)
        if kept and is_new:
            write_down(actor, payment, "payment.step_asked", detail=f"at {urlsplit(url).hostname}")


@transaction.atomic
def expire_step(*, actor: Actor, payment: Payment) -> bool:
    """Ends a payment whose payer did not confirm at the bank in time; False if this worker's lease is lost."""
    row = lock(payment)
    if not row.awaits_bank_step or row.lease != payment.lease:
        return False
    reason = "The payer did not confirm the payment at the bank in time."
    fail(actor, row, code="expired", reason=reason, keep_flag=True, ask_at=timezone.now() + backoff(row.tries))
    return True


@transaction.atomic
def return_from_step(*, actor: Actor, payment: Payment) -> None:
    """The payer is back: the provider is asked at once, whoever is asking it now.

    An answer under way may be older than the payer's; its worker loses the lease, and so does not put off the next one.
    """
    row = lock(payment)
    if not row.awaits_bank_step or row.provider_state != ProviderState.SENT:
        return
    now = timezone.now()
    changes = {"step_returned_at": now, "tries": 0} | ended(now)
    if row.step_returned_at is None:  # once, so that nobody keeps it open by coming back again and again
        changes["expires_at"] = max(row.expires_at or now, now + _AFTER_RETURN)
        write_down(actor, row, "payment.step_returned")
    Payment.objects.filter(pk=row.pk).update(**changes)
    wake("payments.drive")


def next_look(payment: Payment, outcome: Outcome) -> datetime | None:
    """When to ask again about a payment that expired; None when that has gone on for long enough."""
    over = payment.completed_at is None or timezone.now() - payment.completed_at >= _LOOKED_FOR
    return None if over or outcome.result == "absent" else timezone.now() + backoff(payment.tries)
