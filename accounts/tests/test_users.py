"""The hierarchy: who may make, change and suspend whom."""

import pytest
from django.contrib.auth.hashers import get_hasher, identify_hasher

from accounts.actors import Actor, Viewer, scope, team_merchants, team_users
from accounts.credentials import find_portal_key
from accounts.errors import EmailTaken, KeyReplaced, LastSuperAdmin, OwnAccount, RoleNotAllowed
from accounts.merchants import activate_merchant, suspend_merchant
from accounts.models import AuditRecord, Credential, Merchant, PortalKey, User
from accounts.services import (
    activate_user,
    change_password,
    create_user,
    regenerate_portal_key,
    suspend_user,
    update_merchant,
    update_user,
)
from gateway.lib.errors import IllegalTransition, InvalidFields, NotAllowed, NotFound
from gateway.lib.racing import together


def acting(user):
    return Actor(user, "tests")


def test_a_merchant_is_made_with_a_business_two_keys_and_an_audit_record(cast):
    user, keys = create_user(
        actor=acting(cast.admin), email=" New@Example.com ", name="New", role="merchant", business_name="New Store"
    )

    assert (user.email, user.parent, user.merchant.name) == ("new@example.com", cast.admin, "New Store")
    assert sorted(keys) == ["live", "test"]
    assert keys["test"].startswith("gw_test_")
    assert find_portal_key(keys["live"]).user == user
    assert not user.has_usable_password()
    assert user.invitation_due
    record = AuditRecord.objects.get(action="user.created", target=user.public_id)
    assert (record.actor, record.merchant) == (cast.admin, user.merchant)
    assert keys["live"] not in str(record.data)


@pytest.mark.parametrize(
    ("maker", "role", "allowed"),
    [
        ("super_admin", "super_admin", True), ("super_admin", "admin", True), ("super_admin", "merchant", True),
        ("admin", "super_admin", False), ("admin", "admin", False), ("admin", "merchant", True),
        ("merchant_user", "super_admin", False), ("merchant_user", "admin", False),
        ("merchant_user", "merchant", False), ("merchant_user", "api_user", True),
        ("api_user", "api_user", False), ("api_user", "merchant", False),
    ],
)
def test_nobody_but_a_super_admin_makes_users_at_or_above_their_role(cast, maker, role, allowed):
    users, merchants = User.objects.count(), Merchant.objects.count()
    make = {"actor": acting(getattr(cast, maker)), "email": "x@example.com", "name": "X", "role": role}

    if allowed:
        assert create_user(**make)[0].role == role
    else:
        with pytest.raises(RoleNotAllowed):
            create_user(**make)
        assert (User.objects.count(), Merchant.objects.count()) == (users, merchants)


def test_an_admin_cannot_hang_a_user_under_another_team(cast):
    with pytest.raises(NotFound):
        create_user(
            actor=acting(cast.admin), email="x@example.com", name="X", role="api_user", parent=cast.other_user
        )

    assert not User.objects.filter(email="x@example.com").exists()


def test_an_api_user_needs_a_merchant_as_parent(cast):
    with pytest.raises(InvalidFields) as refusal:
        create_user(actor=acting(cast.admin), email="x@example.com", name="X", role="api_user")

    assert list(refusal.value.details["fields"]) == ["parent_id"]
    assert not User.objects.filter(email="x@example.com").exists()


def test_an_email_address_is_used_once_whatever_its_case(cast):
    with pytest.raises(EmailTaken):
        create_user(actor=acting(cast.admin), email="MERCHANT@example.com", name="X", role="merchant")

    assert Merchant.objects.count() == 2
    assert PortalKey.objects.count() == 12


@pytest.mark.parametrize("email", ["", "nobody", "a@b", "a b@example.com", "a@example.com\n"[:-1] + "\0"])
def test_bad_addresses_are_refused(cast, email):
    with pytest.raises(InvalidFields):
        create_user(actor=acting(cast.admin), email=email, name="X", role="merchant")

    assert User.objects.count() == 6


def test_what_each_role_can_see(cast):
    def seen(user):
        return sorted(u.email.split("@")[0] for u in team_users(user))

    assert seen(cast.super_admin) == ["admin", "api", "merchant", "other", "other-admin", "root"]
    assert seen(cast.admin) == ["admin", "api", "merchant"]
    assert seen(cast.merchant_user) == ["api", "merchant"]
    assert seen(cast.api_user) == ["api"]
    assert list(team_merchants(cast.admin)) == [cast.merchant]
    assert list(team_merchants(cast.other_user)) == [cast.other]


def test_scope_keeps_modes_and_merchants_apart_and_fails_closed(cast):
    for merchant in (cast.merchant, cast.other):
        for mode in ("test", "live"):
            AuditRecord.objects.create(actor_label="t", action="x", target="x", merchant=merchant, mode=mode)
    rows = AuditRecord.objects.filter(action="x")

    def seen(user):
        return [(row.merchant.name, row.mode) for row in scope(rows, Viewer(user, "test")).order_by("pk")]

    assert seen(cast.super_admin) == [("Chai Point", "test"), ("Other Store", "test")]
    assert seen(cast.admin) == [("Chai Point", "test")]
    assert seen(cast.other_user) == [("Other Store", "test")]
    cast.admin.role = "something_new"
    assert seen(cast.admin) == []


def test_an_admin_changes_only_its_team_and_only_below_itself(cast):
    for target, error in [(cast.other_user, NotFound), (cast.super_admin, NotFound), (cast.admin, RoleNotAllowed)]:
        with pytest.raises(error):
            update_user(actor=acting(cast.admin), user=target, name="Hacked")
        assert User.objects.get(pk=target.pk).name != "Hacked"

    update_user(actor=acting(cast.admin), user=cast.api_user, name="Renamed")

    assert User.objects.get(pk=cast.api_user.pk).name == "Renamed"
    assert AuditRecord.objects.get(action="user.updated").data == {"changed": {"name": ["Api", "Renamed"]}}


def test_what_was_not_given_is_not_written_back_from_an_old_read(cast):
    boss = acting(cast.super_admin)
    second, _ = create_user(actor=boss, email="second@example.com", name="Second", role="super_admin")
    stale, api_user = User.objects.get(pk=second.pk), User.objects.get(pk=cast.api_user.pk)
    owner, _ = create_user(
        actor=boss, email="owner@example.com", name="Owner", role="merchant", parent=cast.admin, business_name="New"
    )
    User.objects.filter(pk=owner.pk).update(merchant=cast.merchant)
    owner.refresh_from_db()
    update_user(actor=boss, user=second, role="admin")
    update_user(actor=boss, user=User.objects.get(pk=api_user.pk), parent=owner)

    update_user(actor=boss, user=stale, name="New name", role="super_admin")
    update_user(actor=boss, user=api_user, name="New api")

    second.refresh_from_db()
    assert (second.name, second.role) == ("New name", "admin")
    assert User.objects.get(pk=api_user.pk).parent == owner


def test_only_a_super_admin_changes_roles_and_only_within_a_kind(cast):
    with pytest.raises(NotAllowed):
        update_user(actor=acting(cast.admin), user=cast.api_user, role="merchant")
    with pytest.raises(InvalidFields):
        update_user(actor=acting(cast.super_admin), user=cast.admin, role="merchant")
    with pytest.raises(InvalidFields):
        update_user(actor=acting(cast.super_admin), user=cast.merchant_user, role="api_user")
    with pytest.raises(LastSuperAdmin):
        update_user(actor=acting(cast.super_admin), user=cast.super_admin, role="admin")

    roles = list(User.objects.order_by("pk").values_list("role", flat=True))
    assert roles == ["super_admin", "admin", "admin", "merchant", "api_user", "merchant"]


def test_suspending_a_merchant_takes_its_business_and_api_users_along(cast):
    suspend_user(actor=acting(cast.admin), user=cast.merchant_user)

    api_user = User.objects.select_related("merchant").get(pk=cast.api_user.pk)
    assert (api_user.status, api_user.is_active) == ("active", False)
    assert Merchant.objects.get(pk=cast.merchant.pk).status == "suspended"

    activate_user(actor=acting(cast.admin), user=User.objects.get(pk=cast.merchant_user.pk))

    assert User.objects.get(pk=cast.api_user.pk).is_active
    actions = list(AuditRecord.objects.order_by("pk").values_list("action", flat=True))[-4:]
    assert actions == ["user.suspended", "merchant.suspended", "user.activated", "merchant.activated"]


def test_activating_a_user_lifts_no_suspension_that_an_operator_decided(cast):
    boss, other = acting(cast.super_admin), User.objects.get(pk=cast.api_user.pk)
    update_user(actor=boss, user=other, role="merchant", parent=cast.admin)
    suspend_user(actor=boss, user=other)
    suspend_merchant(actor=boss, merchant=Merchant.objects.get(pk=cast.merchant.pk), reason="Fraud")

    activate_user(actor=acting(cast.admin), user=User.objects.get(pk=other.pk))

    assert (User.objects.get(pk=other.pk).status, Merchant.objects.get(pk=cast.merchant.pk).status) == (
        "active", "suspended",
    )
    assert not AuditRecord.objects.filter(action="merchant.activated").exists()
    activate_merchant(actor=boss, merchant=Merchant.objects.get(pk=cast.merchant.pk))
    assert User.objects.get(pk=other.pk).is_active


def test_a_reason_counts_for_its_own_suspension_only(cast):
    """Suspended for a reason and activated, then suspended along with its last user: that comes back with the user."""
    boss, merchant = acting(cast.super_admin), Merchant.objects.get(pk=cast.merchant.pk)
    suspend_merchant(actor=boss, merchant=merchant, reason="Fraud")
    activate_merchant(actor=boss, merchant=merchant)
    suspend_user(actor=boss, user=User.objects.get(pk=cast.merchant_user.pk))

    activate_user(actor=boss, user=User.objects.get(pk=cast.merchant_user.pk))

    assert Merchant.objects.get(pk=cast.merchant.pk).status == "active"


def test_a_user_of_a_business_that_was_suspended_for_a_reason_comes_back_alone(cast):
    """Its last user was suspended first, so that the business had gone along; an operator then gave a reason."""
    boss, merchant = acting(cast.super_admin), Merchant.objects.get(pk=cast.merchant.pk)
    suspend_user(actor=boss, user=User.objects.get(pk=cast.merchant_user.pk))
    activate_merchant(actor=boss, merchant=merchant)
    merchant.refresh_from_db()
    suspend_merchant(actor=boss, merchant=merchant, reason="Fraud")

    activate_user(actor=acting(cast.admin), user=User.objects.get(pk=cast.merchant_user.pk))

    assert Merchant.objects.get(pk=cast.merchant.pk).status == "suspended"


def test_nobody_suspends_themselves_the_last_super_admin_or_twice(cast):
    with pytest.raises(OwnAccount):
        suspend_user(actor=acting(cast.super_admin), user=cast.super_admin)
    with pytest.raises(LastSuperAdmin):
        suspend_user(actor=Actor.system("manage.py"), user=cast.super_admin)
    suspend_user(actor=acting(cast.admin), user=cast.api_user)
    with pytest.raises(IllegalTransition):
        suspend_user(actor=acting(cast.admin), user=cast.api_user)

    assert User.objects.filter(status="suspended").count() == 1
    assert AuditRecord.objects.filter(action="user.suspended").count() == 1


def test_a_regenerated_key_replaces_the_old_one_of_its_mode_only(cast):
    old_test, old_live = (cast.keys[cast.merchant_user.public_id, mode] for mode in ("test", "live"))

    fresh = regenerate_portal_key(actor=acting(cast.merchant_user), user=cast.merchant_user, mode="test")

    assert find_portal_key(old_test) is None
    assert find_portal_key(fresh).user == cast.merchant_user
    assert find_portal_key(old_live).user == cast.merchant_user
    stored = [str(value) for row in PortalKey.objects.values() for value in row.values()]
    assert fresh not in stored


@pytest.mark.parametrize("text", ["", "gw_test_", "gw_test_" + "x" * 42, "gw_prod_" + "x" * 43, "ключ", "a\0b"])
def test_what_is_no_key_is_not_looked_up(cast, django_assert_num_queries, text):
    with django_assert_num_queries(0):
        assert find_portal_key(text) is None


def test_a_key_is_found_in_one_query(cast, django_assert_num_queries):
    key = cast.keys[cast.api_user.public_id, "test"]

    with django_assert_num_queries(1):
        found = find_portal_key(key)
        assert (found.user.email, found.user.merchant.name) == ("api@example.com", "Chai Point")


def test_passwords_are_kept_as_argon2_and_weak_ones_refused(cast, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    me = cast.merchant_user
    me.set_password("correct-horse-battery")
    assert identify_hasher(me.password) is get_hasher("argon2") or me.password.startswith("argon2$argon2id$")

    with pytest.raises(InvalidFields) as wrong:
        change_password(actor=acting(me), user=me, address="10.0.0.1", current="nope", new="another-good-password")
    with pytest.raises(InvalidFields) as weak:
        change_password(actor=acting(me), user=me, address="10.0.0.1", current="correct-horse-battery", new="short")

    assert (list(wrong.value.details["fields"]), list(weak.value.details["fields"])) == (["current"], ["new"])
    assert me.check_password("correct-horse-battery")
    change_password(actor=acting(me), user=me, address="10.0.0.1", current="correct-horse-battery", new="another-good-password")
    assert User.objects.get(pk=me.pk).check_password("another-good-password")


def test_only_operators_change_a_business(cast):
    with pytest.raises(NotAllowed):
        update_merchant(actor=acting(cast.merchant_user), merchant=cast.merchant, payout_auto_approve_minor=10**9)
    with pytest.raises(NotFound):
        update_merchant(actor=acting(cast.other_admin), merchant=cast.merchant, payout_auto_approve_minor=10**9)
    assert Merchant.objects.get(pk=cast.merchant.pk).payout_auto_approve_minor is None

    update_merchant(actor=acting(cast.admin), merchant=cast.merchant, payout_auto_approve_minor=1_000_000)
    update_merchant(actor=acting(cast.admin), merchant=cast.merchant, settlement_delay_days=2)

    saved = Merchant.objects.get(pk=cast.merchant.pk)
    assert (saved.payout_auto_approve_minor, saved.settlement_delay_days) == (1_000_000, 2)
    update_merchant(actor=acting(cast.admin), merchant=cast.merchant, payout_auto_approve_minor=-1)
    assert Merchant.objects.get(pk=cast.merchant.pk).payout_auto_approve_minor is None


def test_issued_credentials_are_not_kept_in_clear(cast):
    from accounts.credentials import issue_credential

    issued = [
        issue_credential(actor=acting(cast.merchant_user), merchant=cast.merchant, contract=contract, mode="test")
        for contract in ("signed", "checkout", "dashboard")
    ]

    stored = str(list(Credential.objects.values()))
    assert [credential.identifier[:8] for credential in issued] == ["ak_test_", "key_test", ""]
    assert issued[2].secret.startswith("test_sk_")
    for credential in issued:
        assert credential.secret not in stored
        assert credential.secret not in repr(credential)
        assert credential.secret not in str(list(AuditRecord.objects.values_list("data", flat=True)))


def test_nobody_stands_above_themselves(cast):
    second = create_user(actor=acting(cast.super_admin), email="s2@example.com", name="S2", role="super_admin")[0]

    for user, parent in [(cast.super_admin, cast.super_admin), (cast.super_admin, second)]:
        with pytest.raises(InvalidFields) as refusal:
            update_user(actor=acting(cast.super_admin), user=user, parent=parent)
        assert list(refusal.value.details["fields"]) == ["parent_id"]

    assert User.objects.get(pk=cast.super_admin.pk).parent is None


def test_a_role_changes_only_if_those_below_still_fit(cast):
    second = create_user(actor=acting(cast.super_admin), email="s2@example.com", name="S2", role="super_admin")[0]
    below = create_user(actor=acting(second), email="a2@example.com", name="A2", role="admin")[0]

    with pytest.raises(InvalidFields) as refusal:
        update_user(actor=acting(cast.super_admin), user=second, role="admin")

    assert list(refusal.value.details["fields"]) == ["role"]
    assert User.objects.get(pk=second.pk).role == "super_admin"
    assert update_user(actor=acting(cast.super_admin), user=below, name="Renamed").name == "Renamed"


def test_a_key_that_was_replaced_meanwhile_replaces_nothing(cast):
    me = cast.merchant_user
    old = find_portal_key(cast.keys[me.public_id, "test"]).digest
    fresh = regenerate_portal_key(actor=acting(me), user=me, mode="test", replaces=old)

    with pytest.raises(KeyReplaced):
        regenerate_portal_key(actor=acting(me), user=me, mode="test", replaces=old)

    assert find_portal_key(fresh).user == me


def test_a_weak_first_password_makes_no_user(cast):
    with pytest.raises(InvalidFields):
        create_user(actor=Actor.system("t"), email="x@example.com", name="X", role="super_admin", password="short")

    assert not User.objects.filter(email="x@example.com").exists()


def test_the_last_user_of_a_business_that_is_suspended_already_is_suspended_too(cast):
    boss = Actor(cast.super_admin, "tests")
    suspend_merchant(actor=boss, merchant=Merchant.objects.get(pk=cast.merchant.pk), reason="fraud")

    suspend_user(actor=boss, user=User.objects.select_related("merchant").get(pk=cast.merchant_user.pk))

    assert User.objects.get(pk=cast.merchant_user.pk).status == "suspended"
    rows = AuditRecord.objects.filter(action="merchant.suspended", target=cast.merchant.public_id)
    assert [row.data for row in rows] == [{"detail": "fraud"}]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_the_last_of_many_who_are_suspended_at_once_takes_the_business_along(cast):
    people = [cast.merchant_user, *(
        User.objects.create(email=f"{number}@x.test", name="P", role="merchant", parent=cast.admin, merchant=cast.merchant)
        for number in range(7)
    )]

    together(8, lambda index: suspend_user(actor=acting(cast.admin), user=User.objects.get(pk=people[index].pk)))

    cast.merchant.refresh_from_db()
    assert set(User.objects.filter(merchant=cast.merchant, role="merchant").values_list("status", flat=True)) == {"suspended"}
    assert cast.merchant.status == "suspended"
    assert AuditRecord.objects.filter(action="merchant.suspended", target=cast.merchant.public_id).count() == 1
