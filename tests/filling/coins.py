"""Crypto on the simulated chain: sessions in each state, sweeps, withdrawals, the house's wallets, an export."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from accounts.actors import Actor
from accounts.models import AuditRecord
from accounts.settlement import set_settlement_account
from crypto import testing
from crypto.chains.simulated import control
from crypto.exports.services import create_export
from crypto.models import Export, HotWallet, Network, Outgoing, Sender, Session
from crypto.services.allow_list import add_address
from crypto.services.capital import record_capital
from crypto.services.credit_reversals import propose_credit_reversal
from crypto.services.endowing import endow_merchant
from crypto.services.house_withdrawals import propose_house_withdrawal
from crypto.services.withdrawals import create_withdrawal
from crypto.tests.chain_house import OUTSIDE, open_house, settle_down
from gateway.lib.money import Money
from ledger.models import Entry, Posting

ONE = 10**8
SHOP = {"description": "Two pots of tea", "customer_email": "asha@example.com", "metadata": {"Table": "7"}}


def fill(people, filled):
    network = Network.objects.get(code="BSC")
    open_house(network)
    endow_merchant(merchant=people.merchant, network=network, amount=Money(5_000 * ONE, "USDT"), reference="filling")
    _destinations(people, filled, network)
    _withdrawals(people, filled)
    _sessions(people, filled)
    _gone(people, filled)
    _house(people, filled)
    _exports(people)
    _ledger(people, filled)


def _open(people, amount="100", **more):
    return testing.open_session(people.merchant, amount, **SHOP, **more)


def _sessions(people, filled):
    paid, part, seen, waiting, other, over = (_open(people) for _ in range(6))
    testing.pay(paid)
    testing.confirm(paid)
    testing.pay(part, "60")
    testing.pay(other, currency="USDC")
    testing.confirm(part)
    testing.pay(seen)
    testing.confirm(seen, 3)
    Session.objects.filter(pk=over.pk).update(expires_at=timezone.now() - timedelta(hours=1), status="expired")
    own = _open(people, "20", created_by=people.api_user)
    filled.put("session", at=paid.pk, api_user=own.pk)
    filled.put("session-claim", at=waiting.pk)
    filled.put("session-flag", at=other.pk)
    filled.hosted |= {f"session {word}": f"/pay/{row.pk}" for word, row in [
        ("waiting", waiting), ("paid", paid), ("in part", part), ("seen", seen), ("expired", over),
    ]}


def _destinations(people, filled, network):
    actor = Actor(people.merchant_user, "panel")
    row = add_address(actor=actor, merchant=people.merchant, mode="test", network=network, address=OUTSIDE["BSC"],
                      label="Cold wallet in the safe")
    set_settlement_account(actor=actor, merchant=people.merchant, mode="test", holder="Chai Point Traders",
                           account_number="501001234567", ifsc="HDFC0001234")
    filled.put("withdrawal-address-remove", at=row.pk)
    filled.put("withdrawal-limit", at=people.merchant.public_id)


def _withdrawals(people, filled):
    def ask(usdt, method="crypto", by=people.merchant_user):
        return create_withdrawal(
            actor=Actor(by, "panel"), merchant=people.merchant, mode="test", amount=Money(usdt * ONE, "USDT"),
            method=method, network="BSC", address=OUTSIDE["BSC"] if method == "crypto" else "", created_by=by,
            note="Supplier in Shenzhen",
        )

    done, waiting = ask(25), ask(2_000)
    settle_down("BSC")
    own = ask(5, by=people.api_user)
    ask(40, method="fiat")
    done.refresh_from_db()
    filled.put("withdrawal", at=done.pk, api_user=own.pk)
    filled.put("withdrawal-approve", "withdrawal-reject", at=waiting.pk)
    assert done.status == "completed"


def _gone(people, filled):
    """A credit whose transfer left the chain, on a network of its own; two operators are to take it back."""
    session = _open(people, "42", network="ETH")
    paid = testing.pay(session)
    testing.confirm(session)
    control.reorganise("ETH", session.required_confirmations, drop=[paid])
    testing.confirm(session)
    row = session.transactions.get()
    reversal = propose_credit_reversal(
        actor=Actor(people.admin, "panel"), transfer=row, reason="No explorer knows it, and the payer has it again"
    )
    filled.put("transfer", "credit-reversal-new", at=row.pk)
    filled.put("credit-reversal-confirm", "credit-reversal-reject", "credit-reversal-withdraw", at=reversal.pk)


def _house(people, filled):
    """Something odd at the house's own wallet, which only people can decide."""
    wallet = HotWallet.objects.get(network_id="BSC", mode="test")
    odd = Outgoing.objects.create(
        purpose="gas", network_id="BSC", mode="test", sender=wallet.address, sender_index=-1, nonce=999,
        recipient=OUTSIDE["BSC"], token=None, raw_units=str(10**15), flag="foreign", failure="nonce 999 was used",
        status="sent",
    )
    sender, _ = Sender.objects.get_or_create(network_id="BSC", mode="test", address=wallet.address)
    Sender.objects.filter(pk=sender.pk).update(stopped_at=timezone.now(), stopped_reason="Somebody else sent with it")
    filled.put("transaction", "transaction-give-up", at=odd.pk)
    filled.put("sender-resume", at=sender.pk)
    filled.put("wallet-capital", at="BSC")
    typed = {"network": wallet.network, "mode": "test", "amount": Money(10**9, "BNB"), "transaction_hash": "0x" + "ab" * 32}
    record_capital(actor=Actor(people.super_admin, "panel"), **typed)
    proposed = propose_house_withdrawal(
        actor=Actor(people.super_admin, "panel"), network=wallet.network, mode="test", amount=Money(10**8, "BNB"),
        address=OUTSIDE["BSC"], note="To the exchange, for rupees",
    )
    filled.put("house-withdrawal", "house-withdrawal-confirm", "house-withdrawal-reject", at=proposed.pk)
    filled.put("house-withdrawal-new", at="BSC")
    filled.put("wallet-coins-correct", at=Posting.objects.get(kind="crypto.capital", reference__startswith="coins:").pk)


def _exports(people):
    """One that is ready, one that is being made."""
    for format in ("xlsx", "csv"):
        made = create_export(
            actor=Actor(people.merchant_user, "panel"), merchant=people.merchant, mode="test", format=format,
            type="sessions", starts_at=timezone.now() - timedelta(days=30), ends_at=timezone.now(), criteria={},
        )
    Export.objects.filter(pk=made.pk).update(status="processing", due_at=None)


def _ledger(people, filled):
    entry = Entry.objects.filter(account__merchant=people.merchant, account__mode="test", account__currency="INR")
    filled.put("account-statement", query=f"merchant={people.merchant.public_id}")
    filled.put("posting", at=entry[0].posting_id)
    filled.put("audit-record", at=AuditRecord.objects.filter(merchant=people.merchant, mode="test").latest("pk").pk)
    filled.put("ledger-account", at=entry[0].account_id)
