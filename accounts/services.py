"""People: who may make, change and suspend whom.

A super_admin manages any user and role; everybody else only users below their own role and within their team.
The rules live here once, for the API, the panel and the commands. A user of the wrong team is `NotFound`, a role
that may never do it is `NotAllowed`.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor, team_users
from accounts.credentials import issue_portal_keys, regenerate_portal_key
from accounts.errors import EmailTaken, LastSuperAdmin, OwnAccount, RoleNotAllowed, SignInRefused
from accounts.models import OPERATORS, AccountStatus, AuditRecord, Merchant, Role, User
from accounts.notices import tell_super_admins
from accounts.operators import acting_for
from accounts.sign_in import check_own_password
from gateway.lib.errors import InvalidFields, NotAllowed, NotFound
from gateway.lib.jobs import wake

__all__ = [
    "activate_user", "change_password", "create_user", "regenerate_portal_key", "set_password",
    "suspend_user", "update_merchant", "update_profile", "update_user",
]

# Whose child a user of each role may be.
_PARENTS: dict[str, tuple[str, ...]] = {
    Role.SUPER_ADMIN: (Role.SUPER_ADMIN,),
    Role.ADMIN: (Role.SUPER_ADMIN,),
    Role.MERCHANT: (Role.SUPER_ADMIN, Role.ADMIN),
    Role.API_USER: (Role.MERCHANT,),
}


@transaction.atomic
def create_user(
    *, actor: Actor, email: str, name: str, role: str, parent: User | None = None,
    business_name: str = "", password: str | None = None,
) -> tuple[User, dict[str, str]]:
    """Makes a user (and, for a merchant, its business) and returns it with both portal keys in clear, by mode.

    `parent` defaults to the acting user. Without a `password` the user is invited by e-mail to set one.
    Raises `EmailTaken`, `RoleNotAllowed`, `NotFound` (a parent out of reach), `InvalidFields`.
    """
    email = _clean_email(email)
    _check_may_make(actor, role)
    parent = _checked_parent(actor, role, parent or actor.user)
    user = User(
        email=email, name=_clean_name(name), role=role, parent=parent,
        merchant=_merchant_for(role, parent, business_name or name), invitation_due=password is None,
    )
    if password is not None:
        _check_password(user, password, field="password")
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:
        raise EmailTaken() from error
    keys = issue_portal_keys(user)
    audit.record(actor, "user.created", user.public_id, merchant=user.merchant_id, role=role, email=email)
    _tell_of_super_admin(actor, user)
    if user.invitation_due:
        wake("accounts.invite")
    return user, keys


def _check_password(user: User, password: str, *, field: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidFields(**{field: " ".join(error.messages)}) from error


def _clean_email(email: str) -> str:
    try:
        validate_email(email.strip())
    except ValidationError as error:
        raise InvalidFields(email="must be an e-mail address") from error
    return email.strip().lower()


def _clean_name(name: str) -> str:
    if not 1 <= len(name.strip()) <= 120:
        raise InvalidFields(name="must have 1 to 120 characters")
    return name.strip()


def _check_may_make(actor: Actor, role: str) -> None:
    if role not in Role.values:
        raise InvalidFields(role=f"must be one of {', '.join(Role.values)}")
    if actor.user is None or actor.user.role == Role.SUPER_ADMIN:
        return
    if not actor.user.outranks(role):
        raise RoleNotAllowed()


def _checked_parent(actor: Actor, role: str, parent: User | None) -> User | None:
    if parent is None:
        if role != Role.SUPER_ADMIN:
            raise InvalidFields(parent_id="is required")
        return None
    if actor.user is not None and not team_users(actor.user).filter(pk=parent.pk).exists():
        raise NotFound("No such parent.")
    if parent.role not in _PARENTS[role]:
        raise InvalidFields(parent_id=f"a user of role {role} needs a parent of role {' or '.join(_PARENTS[role])}")
    return parent


def _merchant_for(role: str, parent: User | None, business_name: str) -> Merchant | None:
    if role == Role.MERCHANT:
        return Merchant.objects.create(name=_clean_name(business_name))
    return parent.merchant if role == Role.API_USER and parent else None


@transaction.atomic
def update_user(
    *, actor: Actor, user: User, name: str | None = None, parent: User | None = None, role: str | None = None
) -> User:
    """Changes what is given. Only a super_admin changes a role, and only between roles of the same kind."""
    _check_may_change(actor, user)
    before = {"name": user.name, "parent": user.parent and user.parent.public_id, "role": user.role}
    if role is not None and role != user.role:
        _check_role_change(actor, user, role)
        user.role = role
    if name is not None:
        user.name = _clean_name(name)
    if parent is not None:
        user.parent = _reparented(actor, user, parent)
    if before["role"] != user.role or parent is not None:
        _check_place(user)
    after = {"name": user.name, "parent": user.parent and user.parent.public_id, "role": user.role}
    changed = {key: [before[key], after[key]] for key in before if before[key] != after[key]}
    user.save(update_fields=[*changed])  # the rest may have been changed by somebody else since it was read
    audit.record(actor, "user.updated", user.public_id, merchant=user.merchant_id, changed=changed)
    if "role" in changed:
        _tell_of_super_admin(actor, user)
    return user


def _tell_of_super_admin(actor: Actor, user: User) -> None:
    if user.role == Role.SUPER_ADMIN:
        text = f"{user.name} ({user.email}) was made a super admin."
        tell_super_admins(actor, user.public_id, "There is a new super admin", text)


def _check_may_change(actor: Actor, user: User) -> None:
    me = actor.user
    if me is None or me.role == Role.SUPER_ADMIN:
        return
    if not team_users(me).filter(pk=user.pk).exists():
        raise NotFound()
    if not me.outranks(user.role):
        raise RoleNotAllowed()


def _reparented(actor: Actor, user: User, parent: User) -> User:
    checked = _checked_parent(actor, user.role, parent)
    assert checked is not None
    above: User | None = checked
    while above is not None:
        if above.pk == user.pk:
            raise InvalidFields(parent_id="nobody stands above themselves")
        above = above.parent
    if user.role == Role.API_USER and checked.merchant_id != user.merchant_id:
        raise InvalidFields(parent_id="an api_user stays with its merchant")
    return checked


def _check_place(user: User) -> None:
    """After a change of role or parent: the parent suits the role, and the role suits the children."""
    if user.parent is not None and user.parent.role not in _PARENTS[user.role]:
        raise InvalidFields(parent_id=f"a user of role {user.role} needs another parent")
    for role in user.children.values_list("role", flat=True).distinct():
        if user.role not in _PARENTS[role]:
            raise InvalidFields(role=f"users of role {role} stand below; give them another parent first")


def _check_role_change(actor: Actor, user: User, role: str) -> None:
    if actor.user is not None and actor.user.role != Role.SUPER_ADMIN:
        raise NotAllowed("Only a super_admin changes a role.")
    if role not in Role.values:
        raise InvalidFields(role=f"must be one of {', '.join(Role.values)}")
    if (role in OPERATORS) != (user.role in OPERATORS):
        raise InvalidFields(role="an operator cannot become a merchant's user, nor the other way round")
    if user.role == Role.SUPER_ADMIN:
        _check_not_last_super_admin(user)
    if user.role == Role.MERCHANT and not _other_merchant_users(user):
        raise InvalidFields(role="a merchant keeps at least one user of role merchant")


def _other_merchant_users(user: User) -> bool:
    # Locks the business until the end, so that two of its users who go at once do not each count on the other.
    Merchant.objects.select_for_update(no_key=True).get(pk=user.merchant_id or 0)
    others = User.objects.filter(merchant_id=user.merchant_id or 0, role=Role.MERCHANT, status=AccountStatus.ACTIVE)
    return others.exclude(pk=user.pk).exists()


def _check_not_last_super_admin(user: User) -> None:
    # Locks all of them in one order, so that two super_admins cannot remove each other at once.
    rows = User.objects.select_for_update().filter(role=Role.SUPER_ADMIN, status=AccountStatus.ACTIVE)
    if {row.pk for row in rows.order_by("pk")} <= {user.pk}:
        raise LastSuperAdmin()


@transaction.atomic
def suspend_user(*, actor: Actor, user: User) -> User:
    """Ends the user's keys and sessions until activated again; the last user of a business takes it along."""
    _check_may_change(actor, user)
    if actor.user is not None and actor.user.pk == user.pk:
        raise OwnAccount()
    if user.role == Role.SUPER_ADMIN:
        _check_not_last_super_admin(user)
    user.advance(AccountStatus.SUSPENDED)
    audit.record(actor, "user.suspended", user.public_id, merchant=user.merchant_id)
    merchant = user.merchant
    is_last = user.role == Role.MERCHANT and not _other_merchant_users(user)
    if merchant and is_last and merchant.is_active:
        merchant.advance(AccountStatus.SUSPENDED)
        audit.record(actor, "merchant.suspended", merchant.public_id, merchant=merchant)
    return user


@transaction.atomic
def activate_user(*, actor: Actor, user: User) -> User:
    """A business that was suspended along with its last user comes back with this one."""
    _check_may_change(actor, user)
    user.advance(AccountStatus.ACTIVE)
    audit.record(actor, "user.activated", user.public_id, merchant=user.merchant_id)
    merchant = user.merchant
    if user.role == Role.MERCHANT and merchant and _went_with_its_last_user(merchant, user):
        merchant.advance(AccountStatus.ACTIVE)
        audit.record(actor, "merchant.activated", merchant.public_id, merchant=merchant)
    return user


def _went_with_its_last_user(merchant: Merchant, user: User) -> bool:
    """Not a business that an operator suspended for a reason, which `suspend_merchant` alone writes down as `detail`:
    that is lifted by `activate_merchant`."""
    if merchant.status != AccountStatus.SUSPENDED or _other_merchant_users(user):
        return False
    suspensions = AuditRecord.objects.filter(target=merchant.public_id, action="merchant.suspended")
    latest = suspensions.order_by("-pk").first()
    return latest is not None and "detail" not in latest.data


@transaction.atomic
def update_profile(*, actor: Actor, user: User, name: str) -> User:
    before, user.name = user.name, _clean_name(name)
    user.save(update_fields=["name"])
    audit.record(actor, "profile.updated", user.public_id, merchant=user.merchant_id, name=[before, user.name])
    return user


def change_password(*, actor: Actor, user: User, current: str, new: str, address: str) -> User:
    """Raises `InvalidFields` for a wrong `current` (which counts as at sign-in, `AccountLocked`) or a weak `new`;
    other sessions of the user end.
    """
    try:
        check_own_password(user=user, password=current, address=address)
    except SignInRefused as error:
        raise InvalidFields(current="is not your password") from error
    return _keep_password(actor, user, new)


def set_password(*, actor: Actor, user: User, new: str) -> User:
    """By a link: having it is proof enough to be let in again."""
    return _keep_password(actor, user, new, failed_sign_ins=0, locked_until=None, invitation_due=False)


@transaction.atomic
def _keep_password(actor: Actor, user: User, new: str, **changes: Any) -> User:
    _check_password(user, new, field="new")
    user.set_password(new)
    for name, value in changes.items():
        setattr(user, name, value)
    user.save(update_fields=["password", *changes])
    audit.record(actor, "password.changed", user.public_id, merchant=user.merchant_id)
    return user


@transaction.atomic
def update_merchant(
    *, actor: Actor, merchant: Merchant, name: str | None = None, settlement_delay_days: int | None = None,
    payout_auto_approve_minor: int | None = None, public_checkout: bool | None = None,
    payment_provider: str | None = None, payout_provider: str | None = None,
) -> Merchant:
    """Operators' settings of a business; None leaves a setting as it is, a negative limit means no auto-approval.

    A provider that is not installed moves nothing: new payments or payouts are refused until it is. Raises
    `NotAllowed`, `NotFound`, `InvalidFields`.
    """
    if actor.user is not None:
        acting_for(actor, merchant.pk)
    limit = payout_auto_approve_minor
    wanted = {
        "name": name and _clean_name(name),
        "settlement_delay_days": settlement_delay_days,
        "payout_auto_approve_minor": limit,
        "public_checkout": public_checkout,
        "payment_provider": payment_provider,
        "payout_provider": payout_provider,
    }
    changed = {}
    for field, value in wanted.items():
        before = getattr(merchant, field)
        after = None if field == "payout_auto_approve_minor" and limit is not None and limit < 0 else value
        if value is not None and after != before:
            setattr(merchant, field, after)
            changed[field] = [before, after]
    merchant.updated_at = timezone.now()
    merchant.save(update_fields=[*changed, "updated_at"])
    audit.record(actor, "merchant.updated", merchant.public_id, merchant=merchant, changed=changed)
    return merchant
