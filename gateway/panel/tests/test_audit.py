"""The audit trail: who may read which of it, what is found, and what a record tells whom."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.urls import reverse

from accounts import audit
from accounts.actors import Actor, Viewer
from accounts.models import AuditRecord
from accounts.queries import visible_audit
from accounts.return_secrets import return_secret_of
from gateway.panel.audit import SUBJECTS
from payouts.services import approve_payout
from webhooks.models import Endpoint
from webhooks.services import create_endpoint, update_endpoint

TRAIL = "/panel/audit"


def text(answer):
    return answer.content.decode()


def titles(answer):
    return re.findall(r'class="row-link" href="/panel/audit/\d+">([^<]+)<', text(answer))


@pytest.fixture
def records(cast):
    """One of each sort, and nothing else of these actions."""
    write = audit.record
    write(Actor(cast.admin, "panel"), "payout.approved", "pout_1", merchant=cast.merchant, mode="test", detail="Fine")
    write(Actor(cast.other_admin, "panel"), "payout.rejected", "pout_2", merchant=cast.other, mode="test")
    write(Actor(cast.admin, "panel"), "payout.approved", "pout_3", merchant=cast.merchant, mode="live")
    write(Actor(cast.super_admin, "panel"), "fee_plan.set", "default", mode="")
    write(Actor.system("scheduler"), "payment.settled", "pay_9", merchant=cast.merchant, mode="test")
    AuditRecord.objects.filter(target="pout_1")


@pytest.mark.parametrize(("who", "seen"), [
    ("super_admin", {"pout_1", "pout_2", "default", "pay_9"}), ("admin", {"pout_1", "pay_9"}),
    ("other_admin", {"pout_2"}), ("merchant_user", {"pout_1", "pay_9"}), ("other_user", {"pout_2"}),
    ("api_user", set()),
])
def test_each_sees_what_is_in_its_reach_of_this_mode(cast, records, who, seen):
    rows = visible_audit(Viewer(getattr(cast, who), "test"))

    assert set(rows.values_list("target", flat=True)) & {"pout_1", "pout_2", "pout_3", "default", "pay_9"} == seen


def test_an_admin_sees_what_it_did_itself_and_its_people(cast):
    audit.record(Actor(cast.admin, "panel"), "thing.done", "own")
    audit.record(Actor(cast.super_admin, "panel"), "user.updated", cast.admin.public_id)
    audit.record(Actor(cast.super_admin, "panel"), "user.updated", cast.other_admin.public_id)

    rows = visible_audit(Viewer(cast.admin, "live"))

    assert rows.filter(target__in=["own", cast.admin.public_id], action__in=["thing.done", "user.updated"]).count() == 2
    assert not rows.filter(target=cast.other_admin.public_id).exists()


@pytest.mark.parametrize(("reader", "asked", "found"), [
    ("merchant_user", "admin@example", []), ("merchant_user", "admin@", []), ("merchant_user", "Admin", ["Payout approved"]),
    ("admin", "admin@example", ["Payout approved"]),
])
def test_a_merchant_finds_no_operator_by_an_address_that_it_is_not_shown(cast, records, signed_in, reader, asked, found):
    answer = signed_in(getattr(cast, reader)).get(TRAIL, {"who": asked, "subject": "payout"})

    assert titles(answer) == found


def test_a_merchant_finds_its_own_people_by_their_address(cast, signed_in):
    audit.record(Actor(cast.api_user, "panel"), "payout.created", "pout_7", merchant=cast.merchant, mode="test")

    answer = signed_in(cast.merchant_user).get(TRAIL, {"who": "api@example.com", "subject": "payout"})

    assert titles(answer) == ["Payout created"]


@pytest.mark.parametrize(("asked", "found"), [
    ({"q": "pout_1"}, ["Payout approved"]), ({"q": "payment.settled"}, ["Payment settled"]),
    ({"who": "other-admin@", "subject": "payout"}, ["Payout rejected"]), ({"who": "schedul"}, ["Payment settled"]),
    ({"subject": "fee_plan"}, ["Fee set"]), ({"q": "nothing"}, []), ({"q": "a\0"}, []), ({"subject": "x"}, []),
    ({"from_day": "2099-01-01"}, []),
    ({"subject": "payout", "to_day": "2099-01-01"}, ["Payout rejected", "Payout approved"]),
])
def test_filters_narrow_it_and_stand_in_the_address(cast, signed_in, records, asked, found):
    answer = signed_in(cast.super_admin).get(TRAIL, asked)

    assert answer.status_code == 200
    assert titles(answer) == found


def test_a_record_in_full_with_before_and_after(cast, signed_in):
    audit.record(
        Actor(cast.super_admin, "panel"), "merchant.updated", cast.merchant.public_id, merchant=cast.merchant,
        changed={"settlement_delay_days": [0, 2], "name": ["<b>Old</b>", "New"]}, reason="Asked for",
    )
    row = AuditRecord.objects.latest("pk")

    shown = text(signed_in(cast.admin).get(f"{TRAIL}/{row.pk}"))

    for part in ("merchant.updated", "days to settle", "&lt;b&gt;Old&lt;/b&gt;", "Asked for", "root@example.com",
                 f'href="/panel/merchants/{cast.merchant.public_id}"'):
        assert part in shown


def test_a_list_of_two_is_not_taken_for_before_and_after(cast, signed_in):
    endpoint, _ = create_endpoint(
        actor=Actor(cast.merchant_user, "panel"), merchant=cast.merchant, mode="test", url="https://shop.example/hook",
        events=["payment.completed", "payment.failed"],
    )
    update_endpoint(actor=Actor(cast.merchant_user, "panel"), endpoint=endpoint, events=[], enabled=False)
    updated, made = AuditRecord.objects.filter(target=str(endpoint.pk)).order_by("-pk")
    client = signed_in(cast.merchant_user)

    of_making, of_change = text(client.get(f"{TRAIL}/{made.pk}")), text(client.get(f"{TRAIL}/{updated.pk}"))

    assert "What changed" not in of_making
    assert "<dt>Events</dt><dd>payment.completed, payment.failed</dd>" in of_making
    assert '>events</th><td class="wrap-anywhere muted">payment.completed, payment.failed</td>' in of_change
    assert '>enabled</th><td class="wrap-anywhere muted">on</td><td class="wrap-anywhere">off</td>' in of_change


def test_a_new_key_says_which_it_is(cast, signed_in):
    audit.record(
        Actor(cast.merchant_user, "panel"), "credential.issued", cast.merchant.public_id, merchant=cast.merchant,
        mode="test", contract="checkout", name="Shop server", hint="key_test_1234", allowed_addresses=[], expires_at=None,
    )

    assert "checkout · Shop server · key_test_1234" in text(signed_in(cast.merchant_user).get(TRAIL))


def test_where_an_operator_sat_is_no_matter_of_a_merchants(cast, signed_in):
    by_operator = AuditRecord.objects.create(
        actor=cast.admin, actor_label="panel", action="payout.approved", target="pout_1", merchant=cast.merchant,
        mode="test", address="203.0.113.7",
    )
    by_itself = AuditRecord.objects.create(
        actor=cast.merchant_user, actor_label="panel", action="payout.created", target="pout_1", merchant=cast.merchant,
        mode="test", address="198.51.100.4",
    )
    own, operators = signed_in(cast.merchant_user), signed_in(cast.admin)

    assert "203.0.113.7" not in text(own.get(f"{TRAIL}/{by_operator.pk}"))
    assert "admin@example.com" not in text(own.get(f"{TRAIL}/{by_operator.pk}"))
    assert "198.51.100.4" in text(own.get(f"{TRAIL}/{by_itself.pk}"))
    assert "203.0.113.7" in text(operators.get(f"{TRAIL}/{by_operator.pk}"))


def test_anothers_record_and_an_api_users_page_are_not_there(cast, signed_in, records):
    row = AuditRecord.objects.get(target="pout_1")

    assert signed_in(cast.other_user).get(f"{TRAIL}/{row.pk}").status_code == 404
    assert signed_in(cast.merchant_user, "live").get(f"{TRAIL}/{row.pk}").status_code == 404
    assert signed_in(cast.api_user).get(TRAIL).status_code == 404
    assert signed_in(cast.api_user).get(f"{TRAIL}/{row.pk}").status_code == 404


def test_a_payouts_page_leads_to_its_trail(cast, signed_in, make_payout):
    payout = make_payout(cast.merchant, by=cast.merchant_user)
    approve_payout(actor=Actor(cast.admin, "panel"), payout=payout)
    client = signed_in(cast.merchant_user)

    assert f'href="{TRAIL}?q={payout.public_id}"' in text(client.get(f"/panel/payouts/{payout.public_id}"))
    assert titles(client.get(TRAIL, {"q": payout.public_id})) == ["Payout approved", "Payout created"]


def test_a_secret_that_was_shown_is_written_down_without_it(cast, signed_in):
    endpoint = create_endpoint(
        actor=Actor(cast.merchant_user, "panel"), merchant=cast.merchant, mode="test", url="https://shop.example/hook",
        events=[],
    )
    endpoint = endpoint if isinstance(endpoint, Endpoint) else endpoint[0]
    return_secret_of(cast.merchant, "test")
    client = signed_in(cast.merchant_user)

    shown = client.post(f"/panel/webhooks/{endpoint.pk}/secret")
    also = client.post(reverse("panel:return-secret-show"))

    assert (shown.status_code, also.status_code) == (200, 200)
    rows = AuditRecord.objects.filter(action__in=["webhook_endpoint.secret_shown", "return_secret.shown"])
    assert set(rows.values_list("action", "actor", "mode")) == {
        ("webhook_endpoint.secret_shown", cast.merchant_user.pk, "test"),
        ("return_secret.shown", cast.merchant_user.pk, "test"),
    }
    assert list(rows.values_list("data", flat=True)) == [{}, {}]


def test_every_kind_of_change_can_be_asked_for():
    """What stands first in the name of an action that is written down anywhere."""
    call = re.compile(r"(?:audit\.record|audit\.entry|write_down\w*)\(([^()]*)")
    name = re.compile(r"\"([a-z_]+)\.[a-z_{]+")
    apps = ("accounts", "payments", "payouts", "crypto", "webhooks", "ledger", "gateway")
    found = set()
    for path in (path for app in apps for path in (settings.BASE_DIR / app).rglob("*.py")):
        if not {"tests", "migrations"} & set(path.parts) and path.name != "audit.py":
            found |= {kind for words in call.findall(path.read_text()) for kind in name.findall(words)}

    assert {"order", "house_withdrawal", "settlement_account", "export", "webhook_delivery", "payout"} <= found
    assert found - SUBJECTS.keys() == set()

