"""Who acts, and for whom. Every service is told its `Actor`; every query its `Viewer`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import models
from django.db.models import Q, QuerySet

from accounts.models import Merchant, Role, User
from gateway.lib.errors import NotFound


@dataclass(frozen=True, slots=True)
class Actor:
    """Written down with every change. `user` is None for the payer, a provider, and the gateway itself."""

    user: User | None
    label: str

    @classmethod
    def system(cls, label: str) -> Actor:
        return cls(None, label)


@dataclass(frozen=True, slots=True)
class Viewer:
    """A user looking at one mode. Nothing is visible to it but through `scope`."""

    user: User
    mode: str


M = TypeVar("M", bound=models.Model)


def scope(rows: QuerySet[M], viewer: Viewer) -> QuerySet[M]:
    """The rows of a merchant-owned model (`merchant`, `mode`, maybe `created_by`) that `viewer` may see.

    The one place that scopes: an unknown role sees nothing.
    """
    rows = rows.filter(mode=viewer.mode)
    user = viewer.user
    if user.role == Role.SUPER_ADMIN:
        return rows
    if user.role == Role.ADMIN:
        return rows.filter(merchant__in=team_merchants(user))
    if user.role == Role.MERCHANT:
        return rows.filter(merchant_id=user.merchant_id or 0)
    if user.role == Role.API_USER:
        return rows.filter(merchant_id=user.merchant_id or 0, created_by=user)
    return rows.none()


def team_merchants(user: User) -> QuerySet[Merchant]:
    """The merchants in `user`'s reach: all, the admin's team, or the own one."""
    if user.role == Role.SUPER_ADMIN:
        return Merchant.objects.all()
    if user.role == Role.ADMIN:
        return Merchant.objects.filter(users__role=Role.MERCHANT, users__parent=user).distinct()
    return Merchant.objects.filter(pk=user.merchant_id or 0)


def team_users(user: User) -> QuerySet[User]:
    """The users that `user` may see: all, the admin's team and itself, the merchant's own, or only itself."""
    if user.role == Role.SUPER_ADMIN:
        return User.objects.all()
    if user.role == Role.ADMIN:
        return User.objects.filter(Q(pk=user.pk) | Q(merchant__in=team_merchants(user)))
    if user.role == Role.MERCHANT:
        return User.objects.filter(merchant_id=user.merchant_id or 0)
    return User.objects.filter(pk=user.pk)


def get_or_404(rows: QuerySet[M], **lookup: Any) -> M:
    """The one matching row of an already scoped query; `NotFound` otherwise."""
    row = rows.filter(**lookup).first()
    if row is None:
        raise NotFound()
    return row
