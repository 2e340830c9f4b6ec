"""Withdrawals and wallets in the panel: what is asked, decided and listed, by whom, and what nobody else sees."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import SettlementAccount
from crypto.models import Attempt, HotWallet, Network, Outgoing, Sender, Sweep, Withdrawal, WithdrawalAddress
from crypto.services.withdrawals import create_withdrawal
from gateway.lib.money import Money
from ledger.models import Posting
from ledger.testing import fund

pytestmark = pytest.mark.django_db
ONE = 10**8
THERE = "0x52908400098527886E0F7030069857D2E4169EE7"


@pytest.fixture
def rich(cast):
    fund(cast.merchant, 5000 * ONE, currency="USDT", network="BSC")


def ask(cast, minor=10 * ONE, by=None, **more):
    words = {"method": "crypto", "network": "BSC", "address": THERE} | more
    return create_withdrawal(
        actor=Actor(by or cast.merchant_user, "tests"), merchant=cast.merchant, mode="test",
        amount=Money(minor, "USDT"), created_by=by or cast.merchant_user, **words,
    )


def form(**changes):
    return {
        "method": "crypto", "amount": "25.5", "currency": "USDT", "network": "BSC", "address": THERE, "note": "Rent",
        "once": "x" * 24,
    } | changes


def test_asked_for_in_two_steps_and_only_once(cast, signed_in, rich):
    client, new = signed_in(cast.merchant_user), reverse("panel:withdrawal-new")
    page = client.get(new).content.decode()
    assert "5,000.00 USDT" in page

    shown = client.post(new, form()).content.decode()
    assert "Withdraw 25.50 USDT?" in shown
    assert "0.0255 USDT" in shown
    assert not Withdrawal.objects.exists()
    answer = client.post(new, form(confirmed="1"))
    again = client.post(new, form(confirmed="1"))

    row = Withdrawal.objects.get()
    assert answer.url == reverse("panel:withdrawal", args=[row.pk])
    assert (again.status_code, row.amount_minor, row.note) == (422, 2_550_000_000, "Rent")
    record = client.get(answer.url).content.decode()
    assert "25.4745 USDT" in record
    assert "Withdrawal held" in record


@pytest.mark.parametrize(("changes", "says"), [
    ({"amount": "1e3"}, "plain positive number"),
    ({"address": ""}, "This field is required."),
    ({"address": "0x12", "confirmed": "1"}, "Must be 0x and 40 hexadecimal digits."),
    ({"network": ""}, "This field is required."),
    ({"amount": "0.00000001", "network": "ETH"}, "Must have at most 6 decimal places on ETH."),
    ({"amount": "5000.01", "confirmed": "1"}, "Not enough wallet balance."),
    ({"method": "fiat", "confirmed": "1"}, "Set a settlement bank account first"),
])
def test_a_refusal_stands_beside_its_field(cast, signed_in, rich, changes, says):
    answer = signed_in(cast.merchant_user).post(reverse("panel:withdrawal-new"), form(**changes))

    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not Withdrawal.objects.exists()


def test_an_operator_finds_it_waiting_and_approves_it(cast, signed_in, rich):
    row = ask(cast, 2000 * ONE)
    client = signed_in(cast.admin)
    page = client.get(reverse("panel:withdrawals")).content.decode()
    assert reverse("panel:withdrawal-approve", args=[row.pk]) in page
    assert "Approve 2,000.00 USDT of Chai Point?" in client.get(
        reverse("panel:withdrawal-approve", args=[row.pk])
    ).content.decode()

    client.post(reverse("panel:withdrawal-approve", args=[row.pk]))

    row.refresh_from_db()
    assert (row.approved_by, row.due_at is not None) == (cast.admin, True)


def test_an_operator_rejects_it_with_a_reason_that_the_merchant_sees(cast, signed_in, rich):
    row = ask(cast, 2000 * ONE)
    client, address = signed_in(cast.admin), reverse("panel:withdrawal-reject", args=[row.pk])
    assert client.post(address, {"reason": ""}).status_code == 422
    client.post(address, {"reason": "Unusual address"})

    row.refresh_from_db()
    assert (row.status, row.failure_reason) == ("failed", "Unusual address")
    page = signed_in(cast.merchant_user).get(reverse("panel:withdrawal", args=[row.pk])).content.decode()
    assert "Unusual address" in page


@pytest.mark.parametrize("more", [{}, {"method": "fiat", "network": "", "address": ""}])
def test_what_was_rejected_is_not_told_as_sent_nor_as_charged(cast, signed_in, rich, more):
    if more:
        SettlementAccount.objects.create(
            merchant=cast.merchant, mode="test", holder="Chai Point", account_number="501001234567", ifsc="HDFC0001234"
        )
    row = ask(cast, 2000 * ONE, **more)
    record = reverse("panel:withdrawal", args=[row.pk])
    waiting = signed_in(cast.merchant_user).get(record).content.decode()
    assert ("Converted" if more else "To be sent") in waiting
    assert "1,998.00 USDT" in waiting

    signed_in(cast.admin).post(reverse("panel:withdrawal-reject", args=[row.pk]), {"reason": "Unusual address"})

    page = signed_in(cast.merchant_user).get(record).content.decode()
    assert '<dt class="total">Went back</dt><dd class="total">2,000.00 USDT</dd>' in page
    for word in ("1,998.00", "<dt>Fee</dt>", "Converted", ">Sent<"):
        assert word not in page


def test_nobody_is_offered_a_decision_about_their_own(cast, signed_in, rich):
    row = ask(cast, 2000 * ONE, by=cast.super_admin)

    page = signed_in(cast.super_admin).get(reverse("panel:withdrawal", args=[row.pk])).content.decode()

    assert reverse("panel:withdrawal-approve", args=[row.pk]) not in page
    assert "another operator decides" in page


def test_others_do_not_see_it(cast, signed_in, rich):
    row = ask(cast, 2000 * ONE)
    for user in (cast.other_user, cast.other_admin, cast.api_user):
        client = signed_in(user)
        assert client.get(reverse("panel:withdrawal", args=[row.pk])).status_code == 404
        assert f"Withdrawal {row.pk}<" not in client.get(reverse("panel:withdrawals")).content.decode()
        assert client.post(reverse("panel:withdrawal-approve", args=[row.pk])).status_code == 404
    assert signed_in(cast.merchant_user, "live").get(reverse("panel:withdrawal", args=[row.pk])).status_code == 404
    row.refresh_from_db()
    assert (row.status, row.approved_at) == ("pending", None)


def test_what_it_waits_for_is_said(cast, signed_in, rich):
    row = ask(cast)
    outgoing = Outgoing.objects.create(
        purpose="withdrawal", network_id="BSC", mode="test", sender=THERE, sender_index=-1, recipient=THERE,
        token=None, raw_units="1", waits_for="tokens",
    )
    row.advance("processing", outgoing=outgoing)

    page = signed_in(cast.merchant_user).get(reverse("panel:withdrawal", args=[row.pk])).content.decode()

    assert "The sender has too little of the token" in page


def test_the_list_is_searched_and_filtered(cast, signed_in, rich):
    first, second = ask(cast), ask(cast, address="0x8617E340B3D01FA5F11F306F4090FD50E238070D")
    client = signed_in(cast.merchant_user)

    def found(**query):
        page = client.get(reverse("panel:withdrawals"), query).content.decode()
        return [row.pk for row in (first, second) if f"Withdrawal {row.pk}<" in page]

    assert found() == [first.pk, second.pk]
    assert found(q="0x8617") == [second.pk]
    assert found(q=f"withdrawal-{first.pk}") == [first.pk]
    assert found(q="\0") == []
    assert found(status="completed") == []
    assert found(method="fiat") == []


def test_a_merchant_lists_and_removes_wallets(cast, signed_in):
    client = signed_in(cast.merchant_user)
    add, page = reverse("panel:withdrawal-address-new"), reverse("panel:withdrawal-destinations")
    assert client.post(add, {"network": "BSC", "address": "0x1", "label": ""}).status_code == 422
    client.post(add, {"network": "BSC", "address": THERE.lower(), "label": "Cold wallet"})

    row = WithdrawalAddress.objects.get()
    assert (row.address, row.created_by) == (THERE, cast.merchant_user)
    assert "Cold wallet" in client.get(page).content.decode()
    assert signed_in(cast.other_user).post(reverse("panel:withdrawal-address-remove", args=[row.pk])).status_code == 404
    client.post(reverse("panel:withdrawal-address-remove", args=[row.pk]))
    row.refresh_from_db()
    assert row.removed_at is not None
    assert "Cold wallet" not in client.get(page).content.decode()


def test_in_live_mode_a_new_wallet_shows_until_when_it_waits(cast, signed_in):
    client = signed_in(cast.merchant_user, "live")
    client.post(reverse("panel:withdrawal-address-new"), {"network": "BSC", "address": THERE, "label": "Cold"})

    assert "Waits" in client.get(reverse("panel:withdrawal-destinations")).content.decode()


def test_a_merchant_sets_its_settlement_account(cast, signed_in):
    client, address = signed_in(cast.merchant_user), reverse("panel:settlement-account")
    good = {"holder": "Chai Point Traders", "account_number": "501001234567", "ifsc": "hdfc0001234"}
    assert client.post(address, good | {"ifsc": "X"}).status_code == 422
    assert not SettlementAccount.objects.exists()
    client.post(address, good)

    row = SettlementAccount.objects.get()
    assert (row.ifsc, row.bank_name, row.merchant) == ("HDFC0001234", "HDFC Bank", cast.merchant)
    assert "501001234567" in client.get(reverse("panel:withdrawal-destinations")).content.decode()
    assert signed_in(cast.api_user).get(address).status_code == 404
    assert signed_in(cast.admin).get(address).status_code == 404


def test_an_operator_sets_a_day_s_limit(cast, signed_in):
    client, address = signed_in(cast.admin), reverse("panel:withdrawal-limit", args=[cast.merchant.public_id])
    client.post(address, {"limit": "250"})
    cast.merchant.refresh_from_db()
    assert cast.merchant.withdrawal_daily_limit_minor == 250 * ONE
    client.post(address, {"stop": "on"})
    cast.merchant.refresh_from_db()
    assert cast.merchant.withdrawal_daily_limit_minor == 0
    client.post(address, {})
    cast.merchant.refresh_from_db()
    assert cast.merchant.withdrawal_daily_limit_minor is None
    assert signed_in(cast.other_admin).post(address, {"limit": "1"}).status_code == 404


# The house's wallets ------------------------------------------------------------------------------------
@pytest.fixture
def house(cast):
    HotWallet.objects.create(network_id="BSC", mode="test", address=THERE)
    row = Outgoing.objects.create(
        purpose="gas", network=Network.objects.get(code="BSC"), mode="test", sender=THERE, sender_index=-1, nonce=7,
        recipient=THERE, token=None, raw_units=str(10**15), flag="foreign", failure="nonce 7 was used", status="sent",
    )
    Attempt.objects.create(outgoing=row, number=1, transaction_hash="0xaaa", raw="{}", answer="taken")
    Sender.objects.create(network_id="BSC", mode="test", address=THERE, next_nonce=8, stopped_reason="somebody else")
    return row


def test_the_wallets_are_a_super_admin_s_alone(cast, signed_in, house):
    addresses = [reverse(f"panel:{name}") for name in ("wallets", "outgoing", "sweeps")]
    addresses.append(reverse("panel:transaction", args=[house.pk]))
    for user in (cast.admin, cast.merchant_user, cast.api_user):
        assert {signed_in(user).get(address).status_code for address in addresses} == {404}
    client = signed_in(cast.super_admin)
    assert {client.get(address).status_code for address in addresses} == {200}
    assert "0.001 BNB" in client.get(addresses[0]).content.decode()
    assert "0xaaa" in client.get(addresses[3]).content.decode()
    assert {signed_in(cast.super_admin, "live").get(addresses[3]).status_code} == {404}


def test_transactions_are_found_by_hash_and_filtered(cast, signed_in, house):
    client, link = signed_in(cast.super_admin), reverse("panel:transaction", args=[house.pk])
    for query, found in [
        ({"q": "0xaaa"}, True), ({"q": THERE}, True), ({"q": "0xbbb"}, False), ({"purpose": "sweep"}, False),
        ({"network": "BSC", "status": "sent"}, True), ({"network": "ETH"}, False),
    ]:
        assert (link in client.get(reverse("panel:outgoing"), query).content.decode()) is found, query


def test_a_stopped_sender_goes_on_once_what_is_odd_was_given_up(cast, signed_in, house):
    from django.utils import timezone

    Sender.objects.update(stopped_at=timezone.now())
    house.purpose = "withdrawal"
    house.save()
    fund(cast.merchant, 100 * ONE, currency="USDT", network="BSC")
    row = ask(cast, address="0x8617E340B3D01FA5F11F306F4090FD50E238070D")
    row.advance("processing", outgoing=house)
    client = signed_in(cast.super_admin)
    resume = reverse("panel:sender-resume", args=[Sender.objects.get().pk])
    assert client.post(resume, {"note": "Safe"}).status_code == 422  # something is under way

    client.post(reverse("panel:transaction-give-up", args=[house.pk]), {"note": "Looked"})
    client.post(resume, {"note": "Safe"})

    row.refresh_from_db()
    house.refresh_from_db()
    assert (row.status, house.status, Sender.objects.get().stopped_at) == ("failed", "failed", None)


def test_coins_of_the_house_are_recorded(cast, signed_in, house):
    client, address = signed_in(cast.super_admin), reverse("panel:wallet-capital", args=["BSC"])
    bad = {"currency": "BNB", "amount": "0.1234567891", "transaction_hash": "0xabc"}
    assert client.post(address, bad).status_code == 422
    client.post(address, bad | {"amount": "0.5"})

    assert Posting.objects.get(kind="crypto.capital").entries.get(amount__gt=0).amount == 500_000_000
    assert client.get(reverse("panel:wallet-capital", args=["ETH"])).status_code == 404
    assert not Sweep.objects.exists()


def test_a_mistyped_record_of_coins_is_corrected(cast, signed_in, house):
    client = signed_in(cast.super_admin)
    typed = {"currency": "BNB", "amount": "5", "transaction_hash": "0xabc"}
    client.post(reverse("panel:wallet-capital", args=["BSC"]), typed)
    again = client.post(reverse("panel:wallet-capital", args=["BSC"]), typed)
    assert (again.status_code, "recorded already" in again.content.decode()) == (422, True)
    address = reverse("panel:wallet-coins-correct", args=[Posting.objects.get(kind="crypto.capital").pk])
    assert signed_in(cast.admin).get(address).status_code == 404
    assert signed_in(cast.super_admin, "live").get(address).status_code == 404
    assert client.post(address, {"amount": "0.5", "reason": ""}).status_code == 422
    assert Posting.objects.count() == 1

    client.post(address, {"amount": "0.5", "reason": "A place too many"})
    twice = client.post(address, {"amount": "0.7", "reason": "Again"})

    assert (twice.status_code, "taken back already" in twice.content.decode()) == (422, True)
    rows = Posting.objects.order_by("pk").values_list("kind", flat=True)
    assert list(rows) == ["crypto.capital", "crypto.capital_reversed", "crypto.capital"]
    page = client.get(reverse("panel:wallet-coins")).content.decode()
    assert ("Taken back" in page, "0.50 BNB" in page, "5.00 BNB" in page) == (True, True, True)
    right = Posting.objects.latest("pk").pk
    assert (f'href="{address}"' in page, f"wallets/coins/{right}/correct" in page) == (False, True)
    assert signed_in(cast.admin).get(reverse("panel:wallet-coins")).status_code == 404
