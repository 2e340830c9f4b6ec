"""The second factor at sign-in: time-based one-time codes (RFC 6238) and ten recovery codes.

A code is taken once: the time step it belongs to is remembered by one conditional UPDATE, so that of two people with
the same code one gets in. The shared secret is encrypted, recovery codes are kept as digests.
"""

from __future__ import annotations

import re
import secrets as random
from datetime import datetime
from typing import Final

import pyotp
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor, team_users
from accounts.errors import CodeRefused, NoSecondFactor, SecondFactorExists
from accounts.models import RecoveryCode, SecondFactor, User
from gateway.lib import secrets
from gateway.lib.errors import NotAllowed, NotFound

RECOVERY_CODES: Final = 10
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that reads like something else
_STEP_SECONDS = 30
_WINDOW = 1  # steps before and after now: clocks differ
_CODE = re.compile(r"[0-9]{6}", re.ASCII)


def has_second_factor(user: User) -> bool:
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).exists()


def must_have_second_factor(user: User) -> bool:
    """Operators decide about other people's money; outside the demo a password alone is not enough for that."""
    return bool(settings.REQUIRE_SECOND_FACTOR) and user.is_operator


@transaction.atomic
def begin_enrolment(*, user: User) -> str:
    """A fresh secret in clear, to be scanned and confirmed; one begun before and not confirmed is replaced."""
    secret = pyotp.random_base32()
    SecondFactor.objects.filter(user=user, confirmed_at=None).delete()
    if has_second_factor(user):
        raise SecondFactorExists()
    SecondFactor.objects.create(user=user, secret_encrypted=secrets.encrypt(secret))
    return secret


def pending_secret(user: User) -> str | None:
    """The secret of an enrolment that is not confirmed yet, for showing its page again."""
    row = SecondFactor.objects.filter(user=user, confirmed_at=None).first()
    return secrets.decrypt(row.secret_encrypted) if row else None


def enrolment_link(user: User, secret: str) -> str:
    """What an authenticator app scans."""
    host = settings.PUBLIC_URL.split("://", 1)[-1]
    return pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=f"Gateway {host}")


@transaction.atomic
def confirm_enrolment(*, actor: Actor, user: User, code: str) -> list[str]:
    """Takes the first code of a new secret and returns the recovery codes, in clear this once."""
    row = SecondFactor.objects.select_for_update().filter(user=user, confirmed_at=None).first()
    if row is None:
        raise NoSecondFactor()
    _take(row, code)
    SecondFactor.objects.filter(pk=row.pk).update(confirmed_at=timezone.now())
    audit.record(actor, "second_factor.set", user.public_id, merchant=user.merchant_id)
    return _fresh_recovery_codes(user)


@transaction.atomic
def renew_recovery_codes(*, actor: Actor, user: User) -> list[str]:
    """Ten new ones in clear; those before are void."""
    if not has_second_factor(user):
        raise NoSecondFactor()
    audit.record(actor, "second_factor.recovery_codes_renewed", user.public_id, merchant=user.merchant_id)
    return _fresh_recovery_codes(user)


@transaction.atomic
def check_code(*, user: User, code: str) -> None:
    """Takes a one-time or a recovery code. Raises `CodeRefused`, also for one that was used before."""
    row = SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).first()
    if row is None:
        raise NoSecondFactor()
    typed = code.strip().replace(" ", "")
    if _CODE.fullmatch(typed):
        _take(row, typed)
        return
    unused = RecoveryCode.objects.filter(user=user, digest=_digest(typed), used_at=None)
    if not unused.update(used_at=timezone.now()):
        raise CodeRefused()
    left = RecoveryCode.objects.filter(user=user, used_at=None).count()
    audit.record(
        Actor(user, "sign-in"), "second_factor.recovery_code_used", user.public_id, merchant=user.merchant_id, left=left
    )


@transaction.atomic
def remove_second_factor(*, actor: Actor, user: User) -> None:
    """By its owner (who has just proved it), or by a super_admin for somebody who lost the device."""
    if actor.user is None or (actor.user.pk != user.pk and actor.user.role != "super_admin"):
        raise NotAllowed()
    if not team_users(actor.user).filter(pk=user.pk).exists():
        raise NotFound()
    if not SecondFactor.objects.filter(user=user).delete()[0]:
        raise NoSecondFactor()
    RecoveryCode.objects.filter(user=user).delete()
    audit.record(actor, "second_factor.removed", user.public_id, merchant=user.merchant_id)


def recovery_codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def _take(row: SecondFactor, code: str, now: datetime | None = None) -> None:
    step = _matching_step(secrets.decrypt(row.secret_encrypted), code, now or timezone.now())
    if step is None:
        raise CodeRefused()
    later = SecondFactor.objects.filter(pk=row.pk, last_step__lt=step)
    if not later.update(last_step=step):
        raise CodeRefused()


def _matching_step(secret: str, code: str, now: datetime) -> int | None:
    current = int(now.timestamp()) // _STEP_SECONDS
    totp = pyotp.TOTP(secret)
    for step in range(current - _WINDOW, current + _WINDOW + 1):
        if pyotp.utils.strings_equal(totp.generate_otp(step), code):
            return step
    return None


def _fresh_recovery_codes(user: User) -> list[str]:
    codes = [f"{_letters()}-{_letters()}" for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=_digest(code)) for code in codes)
    return codes


def _letters() -> str:
    return "".join(random.choice(_ALPHABET) for _ in range(5))


def _digest(code: str) -> str:
    return secrets.digest(code.lower().replace("-", ""), purpose="recovery-code")
