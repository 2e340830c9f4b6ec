"""What every page of the panel knows: the mode, who is signed in, the navigation. Other pages know nothing of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from accounts.actors import Viewer
from accounts.models import User
from crypto.queries.sending import attention_count, waiting_withdrawals
from gateway.lib.modes import Mode
from gateway.panel.access import mode_of
from gateway.panel.navigation import Group, navigation
from payments.statements import queries as statements
from payouts.batches.queries import waiting_count
from payouts.queries import waiting_for_approval

_MOST = 99


@dataclass(frozen=True, slots=True)
class Panel:
    mode: str
    owner: str
    initials: str
    navigation: list[Group]


def panel(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    match = request.resolver_match
    if not isinstance(user, User) or match is None or match.app_name != "panel":
        return {}
    mode = mode_of(request)
    viewer = Viewer(user, mode)
    counts = {
        "payouts": _waiting(viewer), "batches": _for_batches(viewer), "withdrawals": _withdrawals(viewer),
        "wallets": str(attention_count(viewer) or ""), "statements": _for_statements(viewer),
    }
    return {
        "panel": Panel(
            mode=mode,
            owner=user.merchant.name if user.merchant else "All merchants" if user.role == "super_admin" else "My team",
            initials=_initials(user.name),
            navigation=navigation(request, user.role, counts),
        )
    }


def _waiting(viewer: Viewer) -> str:
    """How many payouts wait for this operator; empty for everybody else."""
    if not viewer.user.is_operator:
        return ""
    count = waiting_for_approval(viewer).order_by()[: _MOST + 1].count()
    return f"{_MOST}+" if count > _MOST else str(count or "")


def _withdrawals(viewer: Viewer) -> str:
    """How many withdrawals wait for this operator."""
    if not viewer.user.is_operator:
        return ""
    count = waiting_withdrawals(viewer).order_by()[: _MOST + 1].count()
    return f"{_MOST}+" if count > _MOST else str(count or "")


def _for_batches(viewer: Viewer) -> str:
    """How many payouts wait for a bank file, or were left unclear by one; test mode has none."""
    if viewer.mode != Mode.LIVE or not viewer.user.is_operator:
        return ""
    count = waiting_count(viewer, _MOST + 1)
    return f"{_MOST}+" if count > _MOST else str(count or "")


def _for_statements(viewer: Viewer) -> str:
    """Credits that matched nothing, matches that need a second operator, payments that have waited too long."""
    count = statements.waiting_count(viewer, _MOST + 1)
    return f"{_MOST}+" if count > _MOST else str(count or "")


def _initials(name: str) -> str:
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()
