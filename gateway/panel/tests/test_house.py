"""The house's own coins in the panel: proposed, confirmed by a second person, seen by super admins alone."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.actors import Actor, Viewer
from accounts.models import AuditRecord
from crypto.models import HotWallet, HouseWithdrawal, Network, Outgoing
from crypto.services.capital import record_capital
from gateway.lib.money import Money
from gateway.panel.queue import items, reading

THERE = "0x52908400098527886E0F7030069857D2E4169EE7"
WALLET = "0x8617E340B3D01FA5F11F306F4090FD50E238070D"
WORDS = {"currency": "BNB", "amount": "0.4", "address": THERE, "note": "To the exchange", "once": "a" * 24}


@pytest.fixture
def own(cast, settings):
    """Two BNB of the house's in each mode."""
    settings.CRYPTO_RPC = {"BSC": ["http://node.example"]}
    network = Network.objects.get(code="BSC")
    for mode in ("test", "live"):
        HotWallet.objects.create(network=network, mode=mode, address=WALLET)
        record_capital(
            actor=Actor(cast.super_admin, "panel"), network=network, mode=mode, amount=Money(2 * 10**9, "BNB"),
            transaction_hash="0xabc",
        )


def test_what_is_the_house_s_own_is_shown_and_taken_out(cast, signed_in, own):
    client, new = signed_in(cast.super_admin), reverse("panel:house-withdrawal-new", args=["BSC"])
    assert "2.00 BNB" in client.get(reverse("panel:house-withdrawals")).content.decode()
    for words, said in [
        ({"amount": "2.1"}, "more than the house&#x27;s own: 2.000000000 BNB"),
        ({"address": WALLET}, "elongs to this gateway"),
        ({"address": "0x" + "0" * 40}, "zero address"), ({"note": ""}, "required"), ({"amount": "x"}, "amount"),
    ]:
        answer = client.post(new, WORDS | words)
        assert (answer.status_code, said in answer.content.decode()) == (422, True), words
    assert not HouseWithdrawal.objects.exists()

    client.post(new, WORDS)
    again = client.post(new, WORDS)

    assert (again.status_code, HouseWithdrawal.objects.count()) == (422, 1)  # the same form, pressed twice
    row = HouseWithdrawal.objects.get()
    page = reverse("panel:house-withdrawal", args=[row.pk])
    assert THERE in client.get(page).content.decode()
    assert "1.60 BNB" in client.get(reverse("panel:house-withdrawals")).content.decode()
    client.post(reverse("panel:house-withdrawal-confirm", args=[row.pk]))
    row.refresh_from_db()
    assert (row.status, Outgoing.objects.get().recipient) == ("processing", THERE)
    assert client.post(reverse("panel:house-withdrawal-confirm", args=[row.pk])).status_code == 422
    listed = client.get(reverse("panel:outgoing"), {"purpose": "house"}).content.decode()
    assert "House withdrawal" in listed
    assert client.get(reverse("panel:transaction", args=[Outgoing.objects.get().pk])).status_code == 200

    client.post(reverse("panel:house-withdrawal-reject", args=[row.pk]), {"reason": "After all"})
    assert "After all" in client.get(page).content.decode()
    assert "2.00 BNB" in client.get(reverse("panel:house-withdrawals")).content.decode()


def test_in_live_mode_whoever_proposed_it_is_not_offered_to_confirm_it(cast, signed_in, own):
    client = signed_in(cast.super_admin, "live")
    client.post(reverse("panel:house-withdrawal-new", args=["BSC"]), WORDS)
    row = HouseWithdrawal.objects.get()
    page = client.get(reverse("panel:house-withdrawal", args=[row.pk])).content.decode()
    confirm = reverse("panel:house-withdrawal-confirm", args=[row.pk])
    assert ("another super admin confirms it" in page, confirm in page) == (True, False)

    refused = client.post(confirm)

    row.refresh_from_db()
    assert (refused.status_code, row.status, Outgoing.objects.count()) == (422, "pending", 0)
    assert not AuditRecord.objects.filter(action="house_withdrawal.confirmed").exists()
    viewer = Viewer(cast.super_admin, "live")
    assert reading.counts(viewer)["house-withdrawal"] == 1
    item = items.house_withdrawal_to_confirm(row, viewer)
    assert (item.held, [action.text for action in item.actions]) == ("Proposed by you", ["Reject"])
    assert reverse("panel:house-withdrawal", args=[row.pk]) in client.get(reverse("panel:queue")).content.decode()


def test_nobody_else_sees_or_does_any_of_it(cast, signed_in, own):
    signed_in(cast.super_admin).post(reverse("panel:house-withdrawal-new", args=["BSC"]), WORDS)
    pk = HouseWithdrawal.objects.get().pk
    pages = [reverse("panel:house-withdrawals"), reverse("panel:house-withdrawal-new", args=["BSC"])]
    pages += [reverse(f"panel:house-withdrawal{step}", args=[pk]) for step in ("", "-confirm", "-reject")]
    for user in (cast.admin, cast.merchant_user, cast.api_user):
        assert {signed_in(user).get(address).status_code for address in pages} == {404}
        assert reading.counts(Viewer(user, "test")).get("house-withdrawal", 0) == 0
    assert {signed_in(cast.super_admin, "live").get(address).status_code for address in pages[2:]} == {404}
