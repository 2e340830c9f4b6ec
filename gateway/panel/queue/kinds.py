"""The kinds of work that wait for an operator: one registry for the queue, the badges and the overview.

Whatever is added here is counted, listed, filtered and, where a service for it is named, decided in bulk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from accounts.actors import Actor, Viewer
from crypto.queries import house, sending
from crypto.queries.reversals import waiting_credit_reversals
from crypto.queries.sessions import visible_sessions
from crypto.services import attention
from crypto.services.withdrawal_deciding import approve_withdrawal, reject_withdrawal
from gateway.panel.queue import items
from gateway.panel.queue.items import Item
from payments import queries as payments
from payments import services as payment_services
from payments.corrections.queries import waiting_corrections
from payments.statements import queries as statements
from payouts import queries as payouts
from payouts import services as payout_services
from payouts.batches import queries as batches
from payouts.models import Payout
from webhooks.queries import stopped_endpoints

# Does it to one record, with the operator's word, and says what became of it.
Decide = Callable[[Actor, Any, str], str]


@dataclass(frozen=True, slots=True)
class Kind:
    """`waiting` are the records in a viewer's reach, `since` when each began to wait, `owner` the path to its merchant
    (empty: nobody's yet), `area` the navigation's item that counts it. `visible` are those that wait no more, too."""

    name: str
    label: str
    area: str
    waiting: Callable[[Viewer], QuerySet[Any]]
    shown: Callable[[Any, Viewer], Item]
    since: Any = "created_at"
    owner: str = "merchant"
    approve: Decide | None = None
    reject: Decide | None = None
    clear: Decide | None = None
    visible: Callable[[Viewer], QuerySet[Any]] | None = None
    by_uuid: bool = False

    def decide(self, what: str) -> Decide | None:
        return {"approve": self.approve, "reject": self.reject, "clear": self.clear}.get(what)


def _approve_payout(actor: Actor, row: Payout, word: str) -> str:
    payout = payout_services.approve_payout(actor=actor, payout=row)
    pending = payout.status == Payout.Status.PENDING
    return "Approved once: needs a second person" if pending else "Approved"


def _reject_payout(actor: Actor, row: Any, word: str) -> str:
    payout_services.reject_payout(actor=actor, payout=row, reason=word)
    return "Rejected, money released"


def _approve_withdrawal(actor: Actor, row: Any, word: str) -> str:
    approve_withdrawal(actor=actor, withdrawal=row)
    return "Approved"


def _reject_withdrawal(actor: Actor, row: Any, word: str) -> str:
    reject_withdrawal(actor=actor, withdrawal=row, reason=word)
    return "Rejected, money released"


_LOOKED_AT = "Marked as looked at"


def _clear_payment(actor: Actor, row: Any, word: str) -> str:
    payment_services.clear_flag(actor=actor, record=row, note=word)
    return _LOOKED_AT


def _clear_payout(actor: Actor, row: Any, word: str) -> str:
    payout_services.clear_flag(actor=actor, payout=row, note=word)
    return _LOOKED_AT


def _clear_session(actor: Actor, row: Any, word: str) -> str:
    attention.clear_flags(actor=actor, session=row, note=word)
    return _LOOKED_AT


def _sessions(viewer: Viewer) -> QuerySet[Any]:
    return visible_sessions(viewer).select_related("merchant", "network")


def _flagged_sessions(viewer: Viewer) -> QuerySet[Any]:
    return attention.needing_attention(_sessions(viewer)).order_by("updated_at", "id")


# Older code flagged without writing down when.
_FLAGGED = Coalesce("flagged_at", "updated_at")

KINDS: tuple[Kind, ...] = (
    Kind("payout", "Payouts to approve", "payouts", payouts.waiting_for_approval, items.payout_to_approve,
         approve=_approve_payout, reject=_reject_payout, visible=payouts.visible_payouts),
    Kind("withdrawal", "Withdrawals to approve", "withdrawals", sending.waiting_withdrawals,
         items.withdrawal_to_approve, approve=_approve_withdrawal, reject=_reject_withdrawal,
         visible=sending.panel_withdrawals),
    Kind("match", "Matches to confirm", "statements", statements.open_proposals, items.match_to_confirm,
         owner="payment__merchant"),
    Kind("correction", "Corrections to confirm", "corrections", waiting_corrections, items.correction_to_confirm),
    Kind("credit", "Credits without a payment", "statements", statements.unmatched, items.credit_unmatched, owner=""),
    Kind("overdue", "Payments without a credit", "statements", statements.overdue, items.payment_overdue,
         since="sent_at"),
    Kind("for-file", "Payouts for a bank file", "batches", batches.batchable, items.payout_for_file,
         since=Coalesce("approved_at", "created_at")),
    Kind("unclear", "Unclear in a bank file", "batches", batches.unclear, items.payout_unclear),
    Kind("unheard", "Payouts without an answer", "payouts", payouts.unheard, items.payout_unheard, since="sent_at"),
    Kind("payment-flag", "Flagged payments", "payments", payments.needing_attention, items.payment_flagged,
         since=_FLAGGED, clear=_clear_payment, visible=payments.visible_payments),
    Kind("uncaptured", "Payments not captured", "payments", payments.uncaptured, items.payment_uncaptured,
         since="completed_at"),
    Kind("refund", "Refunds to look at", "payments", payments.refunds_for_people, items.refund_for_people,
         since=Coalesce("flagged_at", "created_at"), clear=_clear_payment, visible=payments.visible_refunds),
    Kind("payout-flag", "Flagged payouts", "payouts", payouts.needing_attention, items.payout_flagged,
         since=_FLAGGED, clear=_clear_payout, visible=payouts.visible_payouts),
    Kind("session-flag", "Flagged crypto payments", "sessions", _flagged_sessions, items.session_flagged,
         since="updated_at", clear=_clear_session, visible=_sessions, by_uuid=True),
    Kind("credit-reversal", "Credits to take back", "sessions", waiting_credit_reversals,
         items.credit_reversal_to_confirm),
    Kind("webhook", "Webhooks switched off", "webhooks", stopped_endpoints, items.endpoint_stopped,
         since=Coalesce("failing_since", "updated_at"), by_uuid=True),
    Kind("house-withdrawal", "House withdrawals to confirm", "wallets", house.waiting_house_withdrawals,
         items.house_withdrawal_to_confirm, owner=""),
    Kind("transaction", "Odd transactions", "wallets", sending.odd_outgoing, items.transaction_odd, owner=""),
    Kind("sender", "Stopped senders", "wallets", sending.stopped_senders, items.sender_stopped, since=F("stopped_at"),
         owner=""),
)
BY_NAME = {kind.name: kind for kind in KINDS}
