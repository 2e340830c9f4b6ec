"""Who: users with a role and a parent, merchants, their credentials, and the trail of every change.

A user's place in the hierarchy is `parent` and `merchant`: an admin's team is the merchants whose user has that
admin as parent, and those merchants' api_users. Money belongs to merchants, never to users.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.utils import timezone

from gateway.lib import ids
from gateway.lib.modes import Mode
from gateway.lib.states import StatefulModel, States


class Role(models.TextChoices):
    SUPER_ADMIN = "super_admin", "Super admin"
    ADMIN = "admin", "Admin"
    MERCHANT = "merchant", "Merchant"
    API_USER = "api_user", "API user"


# Higher may make and edit lower, never equal or above.
RANK = {Role.SUPER_ADMIN: 3, Role.ADMIN: 2, Role.MERCHANT: 1, Role.API_USER: 0}
OPERATORS = (Role.SUPER_ADMIN, Role.ADMIN)


class AccountStatus(models.TextChoices):
    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"


_ACCOUNT_TRANSITIONS: dict[str, tuple[str, ...]] = {
    AccountStatus.ACTIVE: (AccountStatus.SUSPENDED,),
    AccountStatus.SUSPENDED: (AccountStatus.ACTIVE,),
}


class Merchant(StatefulModel):
    """A business: the owner of balances, payments, payouts and webhook endpoints."""

    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = _ACCOUNT_TRANSITIONS

    public_id = models.CharField(max_length=24, unique=True, default=ids.merchant_id, editable=False)
    name = models.CharField(max_length=120)
    status = models.CharField(max_length=16, choices=AccountStatus, default=AccountStatus.ACTIVE)
    # Money of a payment is `pending` for so long after its capture; 0 makes it available at once.
    settlement_delay_days = models.PositiveSmallIntegerField(default=0)
    # Test and live payouts up to this sum (paise) are approved by themselves; null: an operator approves all.
    payout_auto_approve_minor = models.BigIntegerField(null=True, blank=True)
    public_checkout = models.BooleanField(default=False)
    # Tokens (10⁻⁸) that may be withdrawn in a day of UTC; null: the installation's WITHDRAWAL_DAILY_LIMIT.
    withdrawal_daily_limit_minor = models.BigIntegerField(null=True, blank=True)
    # Who moves its live money, by an adapter's name; empty: the installation's LIVE_PAYMENT_PROVIDER and
    # LIVE_PAYOUT_PROVIDER.
    payment_provider = models.CharField(max_length=32, blank=True, default="", db_default="")
    payout_provider = models.CharField(max_length=32, blank=True, default="", db_default="")

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        """A suspended one takes no payments and its credentials are refused."""
        return self.status == AccountStatus.ACTIVE


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> User:
        return self.select_related("merchant").get(email=(username or "").strip().lower())


class User(States, AbstractBaseUser):
    """A person or a machine of a merchant's. `last_login` and `password` come from Django."""

    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = _ACCOUNT_TRANSITIONS
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    public_id = models.CharField(max_length=24, unique=True, default=ids.user_id, editable=False)
    email = models.EmailField(max_length=254, unique=True)  # always lower case
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=16, choices=Role)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children")
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, null=True, blank=True, related_name="users"
    )
    status = models.CharField(max_length=16, choices=AccountStatus, default=AccountStatus.ACTIVE)
    failed_sign_ins = models.PositiveSmallIntegerField(default=0)
    locked_until = models.DateTimeField(null=True, blank=True)
    invitation_due = models.BooleanField(default=False)
    reset_due = models.BooleanField(default=False)  # asked for a link to a new password
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="user_merchant_by_role",
                condition=Q(role__in=["merchant", "api_user"], merchant__isnull=False)
                | Q(role__in=["super_admin", "admin"], merchant__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        """What Django's sign-in and sessions ask: a suspended account, or one of a suspended merchant, is out."""
        return self.status == AccountStatus.ACTIVE and (self.merchant is None or self.merchant.is_active)

    @property
    def is_operator(self) -> bool:
        return self.role in OPERATORS

    def outranks(self, role: str) -> bool:
        return RANK[Role(self.role)] > RANK[Role(role)]


class SecondFactor(models.Model):
    """A user's authenticator. Not confirmed: being set up. `last_step` is the time step of the last code taken."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="second_factor")
    secret_encrypted = models.TextField()
    last_step = models.BigIntegerField(default=0)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return str(self.user_id)


class RecoveryCode(models.Model):
    """Stands in for the authenticator, once."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="recovery_code_once")]

    def __str__(self) -> str:
        return str(self.user_id)


class PanelSession(models.Model):
    """A signed-in browser, so that its owner can see and end it. Its row goes with the session."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="panel_sessions")
    session_key = models.CharField(max_length=40, unique=True)
    address = models.CharField(max_length=64, blank=True, default="")
    browser = models.CharField(max_length=200, blank=True, default="")
    signed_in_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.user_id} from {self.address}"


class PortalKey(models.Model):
    """A user's key for the portal API: one per mode. Only its digest, its prefix and its last four are kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="portal_keys")
    mode = models.CharField(max_length=4, choices=Mode)
    digest = models.CharField(max_length=64, unique=True)
    last_four = models.CharField(max_length=4)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "mode"], name="portal_key_one_per_mode")]

    def __str__(self) -> str:
        return self.hint

    @property
    def hint(self) -> str:
        return f"gw_{self.mode}_…{self.last_four}"


class Credential(models.Model):
    """A merchant's credential for the signed, checkout or dashboard contract.

    `identifier` is what a request is looked up by: the access key, the key id, or (dashboard, whose key is one
    secret word) the key's digest. The secret is a digest where it is compared, encrypted where it must sign.
    """

    class Contract(models.TextChoices):
        SIGNED = "signed", "Signed"
        CHECKOUT = "checkout", "Checkout"
        DASHBOARD = "dashboard", "Dashboard"

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="credentials")
    contract = models.CharField(max_length=16, choices=Contract)
    mode = models.CharField(max_length=4, choices=Mode)
    name = models.CharField(max_length=60, default="default")
    identifier = models.CharField(max_length=80, unique=True)
    hint = models.CharField(max_length=40)
    secret_digest = models.CharField(max_length=64, blank=True, default="")
    secret_encrypted = models.TextField(blank=True, default="")
    allowed_addresses = models.JSONField(default=list, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.hint


class ReturnSecret(models.Model):
    """Signs payers' way back to a merchant's shop. The secrets of its pairs are kept as digests, which cannot sign."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="return_secrets")
    mode = models.CharField(max_length=4, choices=Mode)
    secret_encrypted = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["merchant", "mode"], name="return_secret_one_per_mode")]

    def __str__(self) -> str:
        return f"return secret of {self.merchant_id}, {self.mode}"


class SettlementAccount(models.Model):
    """The bank account that a merchant's withdrawals in rupees go to, from `usable_from` on. A change is a new row, so
    that what was paid stays explained; the one not replaced is the present one."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="settlement_accounts")
    mode = models.CharField(max_length=4, choices=Mode)
    holder = models.CharField(max_length=120)
    account_number = models.CharField(max_length=18)
    ifsc = models.CharField(max_length=11)
    bank_name = models.CharField(max_length=120, blank=True, default="")
    usable_from = models.DateTimeField(default=timezone.now)
    replaced_at = models.DateTimeField(null=True, blank=True)
    notice_due = models.BooleanField(default=True)  # the owner is still to be told of the change
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "mode"], name="settlement_account_once", condition=Q(replaced_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.holder}, {self.ifsc}"


class AuditRecord(models.Model):
    """One change, with who made it and from where. Rows are only ever added (the database refuses the rest)."""

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    actor_label = models.CharField(max_length=80)  # "panel", "gw_test_…abcd", "payment page", "scheduler"
    action = models.CharField(max_length=60)  # "payout.approved"
    target = models.CharField(max_length=64)  # the changed record's public id
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    mode = models.CharField(max_length=4, choices=Mode, blank=True, default="")
    data: models.JSONField[Any, Any] = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True, default="")
    address = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        indexes = [
            models.Index(fields=["target", "id"], name="audit_target"),
            models.Index(fields=["merchant", "mode", "-id"], name="audit_merchant"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target}"


class Notice(models.Model):
    """What the other super admins are still to be told by e-mail; it goes once they are. The trail is what stays."""

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    about = models.CharField(max_length=64)  # a public id; a user of whom it tells is not told
    subject = models.CharField(max_length=120)
    text = models.CharField(max_length=600)

    def __str__(self) -> str:
        return f"{self.subject}: {self.about}"
