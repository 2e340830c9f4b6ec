"""Signing in: refusals look alike, repeated failures lock, and without counters nobody gets in."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import AccountLocked, AccountSuspended, SignInRefused, SignInUnavailable
from accounts.models import AuditRecord, User
from accounts.services import suspend_user
from accounts.sign_in import sign_in

PASSWORD = "correct-horse-battery"


def test_the_right_password_signs_in_whatever_the_case_of_the_address(cast):
    assert sign_in(" Merchant@Example.COM ", PASSWORD, "10.0.0.1") == cast.merchant_user


@pytest.mark.parametrize("email", ["merchant@example.com", "nobody@example.com"])
def test_a_wrong_password_and_an_unknown_address_are_refused_alike(cast, email):
    with pytest.raises(SignInRefused) as refusal:
        sign_in(email, "wrong", "10.0.0.1")

    assert refusal.value.message == "This e-mail address and password do not match."


def test_five_failures_lock_the_account_even_for_the_right_password(cast):
    for _ in range(5):
        with pytest.raises(SignInRefused):
            sign_in("merchant@example.com", "wrong", "10.0.0.1")

    with pytest.raises(AccountLocked) as refusal:
        sign_in("merchant@example.com", PASSWORD, "10.0.0.2")

    assert refusal.value.details == {"minutes": 15}
    assert AuditRecord.objects.filter(action="user.locked", target=cast.merchant_user.public_id).count() == 1
    User.objects.filter(pk=cast.merchant_user.pk).update(locked_until=timezone.now() - timedelta(seconds=1))
    assert sign_in("merchant@example.com", PASSWORD, "10.0.0.2") == cast.merchant_user


def test_an_unknown_address_locks_like_a_known_one(cast):
    for _ in range(5):
        with pytest.raises(SignInRefused):
            sign_in("nobody@example.com", "wrong", "10.0.0.1")

    with pytest.raises(AccountLocked) as refusal:
        sign_in("Nobody@example.com", "wrong", "10.0.0.2")

    assert refusal.value.message == "Too many failed attempts. Try again in 15 minutes."


@pytest.mark.parametrize("email", ["merchant@example.com", "nobody@example.com"])
def test_a_lock_runs_out_alike_whether_the_address_is_known(cast, monkeypatch, email):
    fail(email, 5)

    for minutes, left in ((0, 15), (5, 10), (13, 2)):
        with monkeypatch.context() as clock:
            at(clock, minutes)
            assert told(email) == f"Too many failed attempts. Try again in {left} minutes."
    at(monkeypatch, 16)
    fail(email, 5)
    assert told(email) == "Too many failed attempts. Try again in 15 minutes."


def test_an_unknown_address_is_remembered_longer_than_a_lock_takes(cast, monkeypatch):
    """A known one keeps its failures until it signs in: one more try after the lock's time would tell the two apart."""
    kept = {}

    class Recording:
        def __getattr__(self, name):
            return getattr(cache, name)

        def add(self, key, value, timeout):
            kept[key] = timeout
            return cache.add(key, value, timeout)

    monkeypatch.setattr("accounts.sign_in.cache", Recording())

    fail("nobody@example.com", 4)

    assert kept.pop("sign-in-failures:10.0.0.1") == 15 * 60
    assert list(kept.values()) == [30 * 24 * 3600]


def fail(email, times):
    for _ in range(times):
        with pytest.raises(SignInRefused):
            sign_in(email, "wrong", "10.0.0.1")


def told(email):
    with pytest.raises(AccountLocked) as refusal:
        sign_in(email, PASSWORD, "10.0.0.2")
    return refusal.value.message


def at(monkeypatch, minutes):
    """So many minutes later, as far as locks go."""
    later = timezone.now() + timedelta(minutes=minutes)
    monkeypatch.setattr("accounts.sign_in.timezone.now", lambda: later)


def test_success_forgets_earlier_failures(cast):
    for _ in range(4):
        with pytest.raises(SignInRefused):
            sign_in("merchant@example.com", "wrong", "10.0.0.1")
    sign_in("merchant@example.com", PASSWORD, "10.0.0.1")

    with pytest.raises(SignInRefused):
        sign_in("merchant@example.com", "wrong", "10.0.0.1")

    assert User.objects.get(pk=cast.merchant_user.pk).failed_sign_ins == 1


def test_one_address_cannot_try_many_accounts(cast, settings):
    settings.SIGN_IN_ATTEMPTS = 2
    for index in range(20):
        with pytest.raises(SignInRefused):
            sign_in(f"guess{index}@example.com", "wrong", "10.0.0.9")

    with pytest.raises(AccountLocked):
        sign_in("merchant@example.com", PASSWORD, "10.0.0.9")
    assert sign_in("merchant@example.com", PASSWORD, "10.0.0.10") == cast.merchant_user


def test_a_suspended_business_is_told_so_only_with_the_right_password(cast):
    suspend_user(actor=Actor(cast.admin, "tests"), user=cast.merchant_user)

    with pytest.raises(SignInRefused):
        sign_in("api@example.com", "wrong", "10.0.0.1")
    with pytest.raises(AccountSuspended):
        sign_in("api@example.com", PASSWORD, "10.0.0.1")


class CacheThatIsAway:
    def get(self, *_):
        raise ConnectionError("cache is away")


def test_without_the_shared_counters_nobody_is_let_in(cast, monkeypatch):
    monkeypatch.setattr("accounts.sign_in.cache", CacheThatIsAway())

    with pytest.raises(SignInUnavailable):
        sign_in("merchant@example.com", PASSWORD, "10.0.0.1")

    assert User.objects.get(pk=cast.merchant_user.pk).failed_sign_ins == 0
