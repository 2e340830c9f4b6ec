"""Signing in to the panel: slow hashes, a lock after repeated failures, and no hint whether an address is known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import NoReturn

import structlog
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.errors import AccountLocked, AccountSuspended, CodeRefused, SignInRefused, SignInUnavailable
from accounts.models import User
from accounts.second_factor import check_code, has_second_factor
from gateway.lib.secrets import digest

log = structlog.get_logger(__name__)
# Failures from one address, over all accounts: stops guessing one password against many.
_ADDRESS_FACTOR = 10
# A known address keeps its failures until it signs in; one that nobody has must look the same for as long as that pays.
_KEPT_SECONDS = 30 * 24 * 3600


def sign_in(email: str, password: str, address: str) -> User:
    """The user, if the password fits; counts the failure otherwise.

    Raises `SignInRefused`, `AccountLocked` (`minutes`), `AccountSuspended`, `SignInUnavailable`.
    """
    _check_address(address)
    user = User.objects.select_related("merchant").filter(email=email.strip().lower()).first()
    if user is None:
        _refuse_unknown(email, password, address)
    _check_lock(user)
    if not user.check_password(password):
        _count_failure(user, address)
        raise SignInRefused()
    if not user.is_active:
        raise AccountSuspended("This account is suspended. Ask your administrator.")
    if not has_second_factor(user):  # else the code is still to come, and its failures count together with these
        User.objects.filter(pk=user.pk).update(failed_sign_ins=0, locked_until=None)
    return user


def check_proof(*, user: User, address: str, password: str = "", code: str = "") -> None:
    """A signed-in user proves it again: by the authenticator's `code` where it has one, else by its password.

    Failures count and lock as at sign-in. Raises `CodeRefused`, `SignInRefused`, `AccountLocked`, `SignInUnavailable`.
    """
    if code:
        _check_code(user, code, address)
    else:
        check_own_password(user=user, password=password, address=address)
    User.objects.filter(pk=user.pk).update(failed_sign_ins=0, locked_until=None)


def _check_code(user: User, code: str, address: str) -> None:
    _check_address(address)
    _check_lock(user)
    try:
        check_code(user=user, code=code)
    except CodeRefused:
        _count_failure(user, address)
        raise


def check_own_password(*, user: User, password: str, address: str) -> None:
    """For whoever has a session and says that it is theirs. Failures count and lock as at sign-in; a success forgets
    none of them, for they may be those of the code. Raises `SignInRefused`, `AccountLocked`, `SignInUnavailable`.
    """
    _check_address(address)
    _check_lock(user)
    if not user.check_password(password):
        _count_failure(user, address)
        raise SignInRefused("This is not your password.")


def _refuse_unknown(email: str, password: str, address: str) -> NoReturn:
    """As slow as checking a password; failures are kept and lock as those of a known address, in the same words."""
    unknown = digest(email.strip().lower(), purpose="sign-in")
    lock = f"sign-in-lock:{unknown}"
    until = _counted(lambda: cache.get(lock, 0))
    if until > timezone.now().timestamp():
        raise _locked(until - timezone.now().timestamp())
    make_password(password)
    _count(address)
    if _count(unknown, seconds=_KEPT_SECONDS) >= settings.SIGN_IN_ATTEMPTS:
        _counted(lambda: _lock_out(unknown, lock))
    raise SignInRefused()


def _lock_out(unknown: str, lock: str) -> int:
    lasts = int(settings.SIGN_IN_LOCK_MINUTES) * 60
    until = int(timezone.now().timestamp()) + lasts
    cache.set(lock, until, lasts)
    cache.delete(_key(unknown))
    return until


def _locked(seconds: float) -> AccountLocked:
    minutes = max(1, round(seconds / 60))
    return AccountLocked(f"Too many failed attempts. Try again in {minutes} minutes.", minutes=minutes)


def _check_lock(user: User) -> None:
    now = timezone.now()
    if user.locked_until and user.locked_until > now:
        raise _locked((user.locked_until - now).total_seconds())


def _count_failure(user: User, address: str) -> None:
    _count(address)
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(failed_sign_ins=F("failed_sign_ins") + 1)
        user.refresh_from_db(fields=["failed_sign_ins"])
        if user.failed_sign_ins >= settings.SIGN_IN_ATTEMPTS:
            until = timezone.now() + timedelta(minutes=settings.SIGN_IN_LOCK_MINUTES)
            User.objects.filter(pk=user.pk).update(locked_until=until, failed_sign_ins=0)
            audit.record(Actor.system("sign-in"), "user.locked", user.public_id, merchant=user.merchant_id)


def _key(name: str) -> str:
    return f"sign-in-failures:{name}"


def _check_address(address: str) -> None:
    if _counted(lambda: cache.get(_key(address), 0)) >= settings.SIGN_IN_ATTEMPTS * _ADDRESS_FACTOR:
        raise _locked(settings.SIGN_IN_LOCK_MINUTES * 60)


def _count(name: str, *, seconds: int = 0) -> int:
    """Failures of `name`, this one included; those of an address are forgotten as a lock is."""
    def count() -> int:
        cache.add(_key(name), 0, seconds or settings.SIGN_IN_LOCK_MINUTES * 60)
        return int(cache.incr(_key(name)))

    return _counted(count)


def _counted(ask: Callable[[], int]) -> int:
    try:
        return int(ask())
    except Exception as error:  # whatever a cache can raise: without counting, nobody is let in
        log.warning("sign_in_counter_down", error=type(error).__name__)
        raise SignInUnavailable() from error
