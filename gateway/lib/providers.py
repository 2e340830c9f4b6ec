"""How the core talks to anyone who moves money: the words both sides use, whatever the provider.

The intent is written down (`SENDING`) before anything is sent. If the answer never comes the row is `UNKNOWN`,
and from then on the provider is only asked, under the same reference; nothing is sent again. A row that a dead
worker left in `SENDING` counts as `UNKNOWN`. The one exception: the provider itself asserts that it never heard of
the reference, and no request of ours can be on its way any more; then the same reference is sent once more.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.db import models
from django.utils import timezone

from gateway.lib.crash import crash_point
from gateway.lib.jobs import wake
from gateway.lib.meters import count_provider_call
from gateway.lib.work import WorkModel, backoff, settle

log = structlog.get_logger(__name__)
# A wake-up is sent ahead for what is due so soon; the sweep does for the rest.
_SOON_SECONDS = 10.0
# For so long a provider that cannot say what became of a row is believed to find out; then a person may.
_FOR_A_PERSON = timedelta(days=1)


class ProviderState(models.TextChoices):
    NONE = "none", "Nothing sent"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Accepted, answer awaited"
    UNKNOWN = "unknown", "Sent, answer never came"
    ANSWERED = "answered", "Answered"


class Flag(models.TextChoices):
    """Why a person must look at a row. The status says what was booked, the flag what is odd about it."""

    AMOUNT_DIFFERS = "amount_differs", "The provider reports another amount or currency"
    LATE_SUCCESS = "late_success", "Paid after it had failed or expired"
    SECOND_SUCCESS = "second_success", "Paid although its order was paid already; the money must go back"
    CONTRADICTED = "contradicted", "The provider reported both success and failure"
    UTR_REUSED = "utr_reused", "The provider reports a UTR that another payment has"
    CAPTURE_FAILED = "capture_failed", "Authorised, but the provider refused the capture"


class OutboundModel(WorkModel):
    """A row for whose sake a provider is called."""

    provider_state = models.CharField(max_length=12, choices=ProviderState, default=ProviderState.NONE)
    sent_at = models.DateTimeField(null=True, blank=True, editable=False)  # when the last intent was written
    flag = models.CharField(max_length=20, choices=Flag, blank=True, default="")
    flagged_at = models.DateTimeField(null=True, blank=True, editable=False)  # null too where older code flagged

    class Meta:
        abstract = True

    def flagging(self, flag: str) -> dict[str, Any]:
        """Columns for the UPDATE that flags. What is flagged already has waited since then, whatever is said anew."""
        since = self.flagged_at if self.flag else None
        return {"flag": flag, "flagged_at": since or timezone.now()}


UNFLAGGED: dict[str, Any] = {"flag": "", "flagged_at": None}


Result = Literal["succeeded", "failed", "pending", "absent", "unknown", "unsent"]
FINAL: tuple[Result, ...] = ("succeeded", "failed")
# As long as their columns are in payments and payouts.
_LONGEST_UTR, _LONGEST_REFERENCE, _LONGEST_CODE, _LONGEST_MESSAGE, _LONGEST_URL = 40, 64, 40, 200, 2000
# A host without a user before it, then printable ASCII without what could end an attribute or look like a host.
_WEB_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+([/?#][!#-;=?-\[\]-~]*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a provider said. `amount_minor` and `currency` are what it says it moved; they must equal what was asked.

    `absent` means: it has never heard of the reference, so nothing was moved and the same reference may be sent.
    `unknown` (no readable answer) and `unsent` (never reached it) are concluded by `call`, not said by a provider.
    `code` and `message` are cut to what the columns hold; a `utr` or `reference` too long for its column is evidence
    that nobody may change: `ValueError`, so that `call` concludes `unknown`.

    `step_url`, beside `pending` alone, is where the payer must go for a step at the bank (3-D Secure); an address that
    no browser should be sent to is a `ValueError` as well.
    """

    result: Result
    reference: str = ""
    utr: str = ""
    code: str = ""
    message: str = ""
    amount_minor: int | None = None
    currency: str = ""
    ask_after: float | None = None  # seconds
    step_url: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if len(self.utr) > _LONGEST_UTR or len(self.reference) > _LONGEST_REFERENCE:
            raise ValueError("a UTR or reference is longer than any that we keep")
        if self.result != "pending":
            object.__setattr__(self, "step_url", "")
        if self.step_url and not _is_web_address(self.step_url):
            raise ValueError("the address of the payer's step is no web address of at most 2,000 characters")
        object.__setattr__(self, "code", self.code[:_LONGEST_CODE])
        object.__setattr__(self, "message", self.message[:_LONGEST_MESSAGE])

    def moved(self, amount_minor: int, currency: str) -> bool:
        """Whether what it says it moved, so far as it says so, is exactly this."""
        return self.amount_minor in (None, amount_minor) and self.currency in ("", currency)


def _is_web_address(url: str) -> bool:
    if len(url) > _LONGEST_URL or not _WEB_ADDRESS.fullmatch(url):
        return False
    parts = urlsplit(url)  # raises ValueError, as its port does, for what is none
    return bool(parts.hostname) and parts.port != 0


class ProviderTimeout(Exception):
    """The request may have arrived; no (or no readable) answer came. The only safe next step is to ask."""


class ProviderDown(Exception):
    """The connection was refused: nothing was sent, the same call may be made later."""


def call(request: Callable[[], Outcome], name: str) -> Outcome:
    """The provider's answer, or what must be concluded from the lack of one; never raises. `name` is for metrics."""
    started = time.perf_counter()
    try:
        outcome = request()
    except ProviderDown:
        outcome = Outcome("unsent")
    except ProviderTimeout:
        outcome = Outcome("unknown")
    except Exception as error:  # an answer that our adapter could not read is no answer
        log.exception("provider_answer_unreadable", error=type(error).__name__)
        outcome = Outcome("unknown")
    count_provider_call(name, outcome.result, time.perf_counter() - started)
    return outcome


def exchange(
    row: OutboundModel, *, send: Callable[[], Outcome], ask: Callable[[], Outcome], name: str
) -> Outcome | None:
    """One exchange about a leased row: sends what was never sent, asks about everything else.

    None: another worker has taken the row over. `name` prefixes the crash points. No transaction may be open.
    """
    if row.provider_state == ProviderState.NONE:
        return _send(row, send, name)
    outcome = call(ask, f"{name}.ask")
    if outcome.result == "absent" and _may_send_again(row):
        return _send(row, send, name)
    return outcome


def _send(row: OutboundModel, send: Callable[[], Outcome], name: str) -> Outcome | None:
    """The compare-and-set on state and lease lets one worker send, however many hold the row."""
    before = row.provider_state
    if not _write_intent(row):
        return None
    crash_point(f"{name}.before_call")
    outcome = call(send, f"{name}.send")
    crash_point(f"{name}.after_call")
    if outcome.result == "unsent":
        row.provider_state = before
    return outcome


def _write_intent(row: OutboundModel) -> bool:
    now = timezone.now()
    rows = type(row)._default_manager.filter(
        pk=row.pk, lease=row.lease, provider_state=row.provider_state
    )
    changes: dict[str, Any] = {
        "provider_state": ProviderState.SENDING,
        "sent_at": now,
        "leased_until": now + timedelta(seconds=settings.WORK_LEASE_SECONDS),
    }
    if row.provider_state != ProviderState.NONE:
        changes["tries"] = 1  # sent anew, so the wait between questions starts anew too
    for name, value in changes.items():
        setattr(row, name, value)
    return bool(rows.update(**changes))


def _may_send_again(row: OutboundModel) -> bool:
    """Twice our own time-out after the intent, nothing that we sent can still be under way."""
    grace = timedelta(seconds=2 * settings.PROVIDER_TIMEOUT_SECONDS)
    unheard = row.provider_state in (ProviderState.SENDING, ProviderState.UNKNOWN)
    return unheard and row.sent_at is not None and timezone.now() - row.sent_at >= grace


def is_silent(row: OutboundModel) -> bool:
    """Whether the provider has had nothing to say for a day of what was sent; nothing is being sent now."""
    long_ago = row.sent_at is not None and timezone.now() - row.sent_at >= _FOR_A_PERSON
    return row.provider_state == ProviderState.UNKNOWN and long_ago


def silent_rows() -> models.Q:
    """Those that `is_silent` is true of."""
    return models.Q(provider_state=ProviderState.UNKNOWN, sent_at__lte=timezone.now() - _FOR_A_PERSON)


def put_off(
    row: OutboundModel, outcome: Outcome, task: str, *, by: datetime | None = None, **changes: Any
) -> bool:
    """Records an answer that decides nothing, and when to ask again; `task` is woken if that is soon.

    Asks no later than `by`, if that is still to come. `changes` are written in the same UPDATE. False if the lease was
    lost: nothing is written then.
    """
    later = backoff(row.tries) if outcome.ask_after is None else timedelta(seconds=outcome.ask_after)
    now = timezone.now()
    if by is not None and by > now:
        later = min(later, by - now)
    kept = settle(row, due_at=now + later, provider_state=_state_after(row, outcome), **changes)
    if kept and later.total_seconds() <= _SOON_SECONDS:
        wake(task, after_seconds=later.total_seconds())
    return kept


def _state_after(row: OutboundModel, outcome: Outcome) -> str:
    if outcome.result == "pending":
        return ProviderState.SENT
    # Without an answer, what was being sent is unknown; what is known already stays known.
    return ProviderState.UNKNOWN if row.provider_state == ProviderState.SENDING else row.provider_state
