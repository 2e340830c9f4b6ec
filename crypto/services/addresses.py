"""Which address a session gets, and when it gives it back.

Of two sessions that ask at once each gets another address. One that still holds a merchant's funds is given to that
merchant only, and one with a transfer on its way to nobody. A transfer that left the chain a moment ago still counts as
on its way: mostly it is back in the mempool, and in another block soon.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from accounts.models import Merchant
from crypto.models import ChainTransaction, DepositAddress, Network, Session

# A payer's transaction that a reorganisation put out of its block is mined again within minutes; one that some node
# merely denies is found again at the next question, a minute later. After this it is rather lost than late.
_MAY_COME_BACK = timedelta(minutes=15)


def on_its_way() -> Q:
    """Of transfers: those that wait for confirmations, and those that left the chain just now."""
    Status = ChainTransaction.Status
    return Q(status=Status.PENDING) | Q(status=Status.ORPHANED, updated_at__gt=timezone.now() - _MAY_COME_BACK)


def take_address(*, merchant: Merchant, network: Network, mode: str) -> DepositAddress | None:
    """A free address, locked until the caller's transaction ends; None if there is none.

    Those that were never used come first, then those that have rested longest.
    """
    now = timezone.now()
    rested = Q(rests_until__isnull=True) | Q(rests_until__lte=now)
    empty_or_own = Q(received_minor=F("swept_minor")) | Q(merchant=merchant)
    under_way = ChainTransaction.objects.filter(on_its_way(), address=OuterRef("pk"))
    free = DepositAddress.objects.filter(
        rested, empty_or_own, ~Exists(under_way), network=network, mode=mode, session__isnull=True, is_active=True
    )
    if connection.features.has_select_for_update_skip_locked:
        free = free.select_for_update(skip_locked=True, no_key=True, of=("self",))
    return free.order_by(F("rests_until").asc(nulls_first=True), "id").first()


def hand_over(address: DepositAddress, session: Session) -> None:
    """`address` is the session's from now on."""
    now = timezone.now()
    DepositAddress.objects.filter(pk=address.pk).update(
        session=session, merchant=session.merchant, currency=session.currency, rests_until=None,
        times_used=F("times_used") + 1, first_used_at=address.first_used_at or now, last_used_at=now, updated_at=now,
    )


def release(session: Session) -> None:
    """The session has ended: its address rests for the cool-down. What still arrives there is this session's."""
    now = timezone.now()
    rests_until = now + timedelta(minutes=settings.SESSION_COOL_DOWN_MINUTES)
    DepositAddress.objects.filter(session=session).update(session=None, rests_until=rests_until, updated_at=now)
    Session.objects.filter(pk=session.pk, released_at__isnull=True).update(released_at=now)
