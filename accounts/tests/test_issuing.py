"""Merchants' credentials: made, limited, changed, regenerated, revoked; by their merchant alone, and written down."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import credentials
from accounts.actors import Actor, Viewer
from accounts.errors import KeyReplaced
from accounts.issuing import (
    change_credential,
    issue_credential,
    regenerate_credential,
    revoke_credential,
    version_of,
)
from accounts.models import AuditRecord, Credential
from accounts.queries import credentials_of
from gateway.lib import secrets
from gateway.lib.errors import IllegalTransition, InvalidFields, NotFound

CONTRACTS = ["signed", "checkout", "dashboard"]


@pytest.fixture
def owner(cast):
    return Actor(cast.merchant_user, "panel")


@pytest.fixture
def issue(cast, owner):
    def issue(contract="signed", **more):
        issued = issue_credential(actor=owner, merchant=cast.merchant, contract=contract, mode="test", **more)
        return issued, Credential.objects.latest("pk")

    return issue


def works(contract, issued):
    if contract == "signed":
        row = credentials.find_signed_credential(issued.identifier)
        return row is not None and secrets.decrypt(row.secret_encrypted) == issued.secret
    if contract == "checkout":
        return credentials.find_checkout_credential(issued.identifier, issued.secret) is not None
    digest = secrets.digest(issued.secret, purpose="dashboard-key")
    return Credential.objects.filter(identifier=digest, revoked_at=None).exists()


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_new_one_works_and_its_secret_is_kept_nowhere_in_clear(issue, contract):
    later = timezone.now() + timedelta(days=30)
    issued, row = issue(contract, name=" Shop server ", allowed_addresses=["203.0.113.7"], expires_at=later)

    assert works(contract, issued)
    assert (row.name, row.allowed_addresses, row.expires_at) == ("Shop server", ["203.0.113.7"], later)
    assert issued.secret not in str(Credential.objects.values().get())
    record = AuditRecord.objects.filter(action="credential.issued").latest("pk")
    assert (record.data["contract"], record.data["allowed_addresses"]) == (contract, ["203.0.113.7"])
    assert issued.secret not in str(record.data)
    assert issued.secret not in repr(issued)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_regenerated_secret_replaces_the_old_one_at_once(issue, owner, contract):
    old, row = issue(contract, name="Shop", allowed_addresses=["10.0.0.0/8"])

    new = regenerate_credential(actor=owner, credential=row, replaces=version_of(row))

    assert (works(contract, old), works(contract, new)) == (False, True)
    row.refresh_from_db()
    assert (row.name, row.allowed_addresses) == ("Shop", ["10.0.0.0/8"])
    assert new.identifier == old.identifier
    assert Credential.objects.count() == 1
    assert AuditRecord.objects.filter(action="credential.regenerated").count() == 1


def test_the_same_form_again_replaces_nothing(issue, owner):
    _, row = issue()
    seen = version_of(row)
    new = regenerate_credential(actor=owner, credential=row, replaces=seen)

    with pytest.raises(KeyReplaced):
        regenerate_credential(actor=owner, credential=row, replaces=seen)

    assert works("signed", new)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_revoked_one_is_over_for_good(issue, owner, contract):
    issued, row = issue(contract)
    revoke_credential(actor=owner, credential=row)

    assert not works(contract, issued)
    for act in (revoke_credential, regenerate_credential, change_credential):
        with pytest.raises(IllegalTransition):
            act(actor=owner, credential=row)
    assert AuditRecord.objects.filter(action="credential.revoked").count() == 1


def test_an_expired_one_cannot_be_revived(issue, owner):
    issued, row = issue()
    Credential.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert not works("signed", issued)
    with pytest.raises(IllegalTransition):
        regenerate_credential(actor=owner, credential=row)


def test_name_and_addresses_can_be_changed(issue, owner):
    _, row = issue(name="Old")
    change_credential(actor=owner, credential=row, name="New", allowed_addresses=["2001:db8::/32", " 10.1.2.3 "])
    change_credential(actor=owner, credential=row, name="New")

    row.refresh_from_db()
    assert (row.name, row.allowed_addresses) == ("New", ["2001:db8::/32", "10.1.2.3"])
    record = AuditRecord.objects.get(action="credential.changed")
    assert record.data["changed"]["name"] == ["Old", "New"]


def test_its_end_can_be_set_moved_and_taken_away(issue, owner):
    _, row = issue()
    end = timezone.now() + timedelta(days=7)

    change_credential(actor=owner, credential=row, expires_at=end)
    change_credential(actor=owner, credential=row, name="Another")
    row.refresh_from_db()
    assert (row.name, row.expires_at) == ("Another", end)
    with pytest.raises(InvalidFields):
        change_credential(actor=owner, credential=row, expires_at=timezone.now() - timedelta(seconds=1))
    change_credential(actor=owner, credential=row, expires_at=None)

    row.refresh_from_db()
    assert row.expires_at is None
    ends = [record.data["changed"].get("expires_at") for record in AuditRecord.objects.filter(action="credential.changed")]
    assert ends == [[None, end.isoformat()], None, [end.isoformat(), None]]


@pytest.mark.parametrize(("given", "kept"), [
    (["203.0.113.7", "203.0.113.7/32"], ["203.0.113.7"]), (["203.0.113.9/24"], ["203.0.113.0/24"]),
    (["2001:0DB8:0:0::1"], ["2001:db8::1"]), ([], []),
])
def test_addresses_are_kept_in_one_spelling(issue, given, kept):
    assert issue(allowed_addresses=given)[1].allowed_addresses == kept


@pytest.mark.parametrize("bad", [
    ["x"], [""], ["203.0.113.256"], ["0.0.0.0/0"], ["::/0"], ["fe80::1%eth0"], ["example.com"], ["10.0.0.0/33"], ["10.0.0.1-9"],
    [f"10.0.{number}.1" for number in range(51)],
])
def test_what_is_no_address_is_refused(issue, bad):
    with pytest.raises(InvalidFields) as refusal:
        issue(allowed_addresses=bad)

    assert list(refusal.value.details["fields"]) == ["allowed_addresses"]
    assert not Credential.objects.exists()


@pytest.mark.parametrize(("field", "value"), [
    ("name", ""), ("name", "  "), ("name", "x" * 61), ("name", "a\nb"), ("expires_at", timezone.now() - timedelta(days=1)),
])
def test_other_bad_values(issue, field, value):
    with pytest.raises(InvalidFields) as refusal:
        issue(**{field: value})

    assert list(refusal.value.details["fields"]) == [field]
    assert not Credential.objects.exists()


@pytest.mark.parametrize("who", ["other_user", "api_user", "admin", "super_admin"])
def test_nobody_else_touches_a_merchants_credentials(cast, issue, who):
    issued, row = issue()
    stranger = Actor(getattr(cast, who), "panel")

    for act in (revoke_credential, regenerate_credential, change_credential):
        with pytest.raises(NotFound):
            act(actor=stranger, credential=row)
    with pytest.raises(NotFound):
        issue_credential(actor=stranger, merchant=cast.merchant, contract="signed", mode="test")
    assert works("signed", issued)
    assert Credential.objects.count() == 1


def test_only_the_merchant_sees_them_and_only_what_may_be_used(cast, issue, owner):
    _, row = issue(name="Seen")
    _, gone = issue(name="Gone")
    revoke_credential(actor=owner, credential=gone)

    def seen(user, mode="test"):
        return [item.name for item in credentials_of(Viewer(user, mode))]

    assert seen(cast.merchant_user) == ["Seen"]
    assert seen(cast.merchant_user, "live") == []
    for who in ("other_user", "api_user", "admin", "super_admin", "other_admin"):
        assert seen(getattr(cast, who)) == []
    Credential.objects.filter(pk=row.pk).update(expires_at=timezone.now())
    assert seen(cast.merchant_user) == []
