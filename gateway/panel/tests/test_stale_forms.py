"""An edit form that was opened before somebody else's change writes nothing back over it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts import services
from accounts.actors import Actor
from accounts.issuing import change_credential, issue_credential
from accounts.models import AuditRecord, Credential, User
from gateway.lib.money import Money
from payments.receiving import add_account, change_account
from payouts.batches import create_format, update_format
from payouts.batches.formats import PLAIN_COLUMNS, PLAIN_RESULT
from webhooks.services import update_endpoint

REFUSED = "Somebody changed this since you opened it"


@pytest.fixture
def edit(cast, signed_in):
    """`edit(user, page)` opens a form; what it returns sends it with `changes` and everything else as it was shown."""

    def edit(user, page, mode="test"):
        client = signed_in(user, mode=mode)
        form = client.get(page).context["form"]
        shown = {name: form[name].value() for name in form.fields}

        def send(**changes):
            values = {name: "" if value is None else value for name, value in (shown | changes).items()}
            return client.post(page, {name: value for name, value in values.items() if value is not False})

        return send

    return edit


def check_refused(answer, target):
    assert answer.status_code == 422
    assert REFUSED in answer.content.decode()
    latest = AuditRecord.objects.filter(target=target).order_by("-id").first()
    assert latest.actor_label == "meanwhile"


def test_a_name_does_not_bring_a_role_back(cast, edit):
    colleague = User.objects.create(email="boss@x.test", name="Boss", role="super_admin", parent=cast.super_admin)
    page = reverse("panel:user-edit", args=[colleague.public_id])
    send = edit(cast.super_admin, page)
    services.update_user(actor=Actor(cast.super_admin, "meanwhile"), user=colleague, role="admin")

    check_refused(send(name="Big Boss"), colleague.public_id)

    colleague.refresh_from_db()
    assert (colleague.name, colleague.role) == ("Boss", "admin")
    assert edit(cast.super_admin, page)(name="Big Boss").status_code == 302
    colleague.refresh_from_db()
    assert (colleague.name, colleague.role) == ("Big Boss", "admin")


def test_a_merchants_name_does_not_bring_its_auto_approval_back(cast, edit):
    actor = Actor(cast.super_admin, "meanwhile")
    services.update_merchant(actor=actor, merchant=cast.merchant, payout_auto_approve_minor=1_000_000)
    page = reverse("panel:merchant-settings", args=[cast.merchant.public_id])
    send = edit(cast.admin, page)
    services.update_merchant(actor=actor, merchant=cast.merchant, payout_auto_approve_minor=-1)

    check_refused(send(name="Chai & Co"), cast.merchant.public_id)

    cast.merchant.refresh_from_db()
    assert (cast.merchant.name != "Chai & Co", cast.merchant.payout_auto_approve_minor) == (True, None)


def test_a_keys_name_does_not_open_its_allow_list_again(cast, edit):
    issue_credential(
        actor=Actor(cast.merchant_user, "tests"), merchant=cast.merchant, contract="signed", mode="test", name="Shop",
        allowed_addresses=["203.0.113.7", "198.51.100.0/24"],
    )
    pair = Credential.objects.get(name="Shop")
    send = edit(cast.merchant_user, reverse("panel:pair-edit", args=[pair.pk]))
    change_credential(
        actor=Actor(cast.merchant_user, "meanwhile"), credential=pair, allowed_addresses=["203.0.113.7"]
    )

    check_refused(send(name="Shop two"), cast.merchant.public_id)

    pair.refresh_from_db()
    assert (pair.name, pair.allowed_addresses) == ("Shop", ["203.0.113.7"])


def test_an_address_does_not_switch_an_endpoint_on_again(cast, edit, make_endpoint):
    row = make_endpoint(cast.merchant)
    send = edit(cast.merchant_user, reverse("panel:endpoint-edit", args=[row.pk]))
    update_endpoint(actor=Actor(cast.merchant_user, "meanwhile"), endpoint=row, enabled=False)

    check_refused(send(url="http://127.0.0.1:1999/other"), str(row.pk))

    row.refresh_from_db()
    assert (row.url, row.enabled) == ("http://127.0.0.1:1999/hook", False)


def test_a_holder_does_not_bring_a_daily_limit_back(cast, edit):
    row = add_account(
        actor=Actor(cast.super_admin, "tests"), mode="live", vpa="shop@okbank", bank_name="OK Bank", holder="Chai",
        daily_limit=Money(50_000_000, "INR"),
    )
    send = edit(cast.admin, reverse("panel:receiving-edit", args=[row.public_id]), mode="live")
    change_account(
        actor=Actor(cast.super_admin, "meanwhile"), account=row, bank_name="OK Bank", holder="Chai",
        daily_limit=Money(100, "INR"),
    )

    check_refused(send(holder="Chai Point"), row.public_id)

    row.refresh_from_db()
    assert (row.holder, row.daily_limit_minor) == ("Chai", 100)


def test_a_formats_name_does_not_bring_its_words_back(cast, edit):
    row = create_format(
        actor=Actor(cast.super_admin, "tests"), name="OK Bank", columns=PLAIN_COLUMNS, result=PLAIN_RESULT
    )
    send = edit(cast.super_admin, reverse("panel:bank-format", args=[row.public_id]))
    result = PLAIN_RESULT | {"processed": ["PAID"]}
    update_format(
        actor=Actor(cast.super_admin, "meanwhile"), bank_format=row, name="OK Bank", columns=PLAIN_COLUMNS,
        result=result,
    )

    check_refused(send(name="OK Bank bulk"), row.public_id)

    row.refresh_from_db()
    assert (row.name, row.result["processed"]) == ("OK Bank", ["PAID"])


def test_save_pressed_twice_is_saved_and_not_refused(cast, edit):
    send = edit(cast.admin, reverse("panel:merchant-settings", args=[cast.merchant.public_id]))

    answers = [send(name="Chai & Co", auto_approve="500.00") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    cast.merchant.refresh_from_db()
    assert (cast.merchant.name, cast.merchant.payout_auto_approve_minor) == ("Chai & Co", 50_000)
