"""`POST /callbacks/payouts/{provider}`, by the adapter that docs/adapters.md shows: each message counts once."""

from __future__ import annotations

import collections
import hashlib
import hmac
import importlib.util
import itertools
import json
import sys
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import AuditRecord
from gateway.lib.http_testing import answer, receiver
from gateway.lib.racing import together
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payouts import queries, work
from payouts.models import BankEvent, Payout
from payouts.providers import registry
from payouts.services import return_payout
from webhooks.models import Event

pytestmark = pytest.mark.django_db
FILE = Path(configured.BASE_DIR) / "docs" / "examples" / "adapters" / "acme_bank.py"
ADDRESS = "/callbacks/payouts/acme_bank"
WAITING, PAID, BACK = (99_410, 0, 100_590), (99_410, 0, 0), (200_000, 0, 0)


class BankBooks:
    """Answers as the bank would: it takes every transfer, and says what became of it when it is asked."""

    def __init__(self):
        self.kept, self.asked = {}, []

    async def __call__(self, exchange):
        request = exchange.request
        self.asked.append(f"{request.method} {request.path}")
        assert request.headers["authorization"] == "Bearer the-key"
        if request.method == "GET":
            told = self.kept.get(request.path.rsplit("/", 1)[1], {"error": "unknown_reference"})
        else:
            sent = json.loads(request.body)
            row = {"id": "bank-1", "reference": sent["reference"], "state": "queued"}
            told = self.kept.setdefault(sent["reference"], row)
        await answer(200, json.dumps(told).encode())(exchange)


@pytest.fixture
def acme_bank(settings, monkeypatch):
    """Live payouts go to Acme's bank, loaded as PAYOUT_ADAPTERS loads it."""
    spec = importlib.util.spec_from_file_location("acme_bank", FILE)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "acme_bank", module)
    spec.loader.exec_module(module)
    settings.PAYOUT_ADAPTERS, settings.LIVE_PAYOUT_PROVIDER = ["acme_bank.ACME_BANK"], "acme_bank"
    books = BankBooks()
    with receiver(books) as server:
        for name, value in {"URL": server.url.removesuffix("/hook"), "KEY": "the-key", "SECRET": "the-secret"}.items():
            monkeypatch.setenv(f"ACME_BANK_{name}", value)
        registry.load()
        yield books
    registry._providers.pop("acme_bank")


@pytest.fixture
def payout(cast, make, fund, auto_approve, acme_bank):
    """₹1,000.00 and ₹5.90 charge of ₹2,000.00 that were there; the bank has taken it, and said no more."""
    fund(cast.merchant, 200_000, mode="live")
    made = make(100_000, mode="live")
    work.drive_payouts()
    made.refresh_from_db()
    assert (made.status, made.provider_state) == ("processing", "sent")
    return made


def told(payout, event="evt-1", state="paid", **more):
    transfer = {"id": "bank-1", "reference": payout.public_id, "state": state, "utr": "utr0000001", "amount": 100_000}
    return json.dumps({"id": event, "transfer": transfer | {"currency": "INR"} | more}).encode()


def returned(payout, event="evt-9", **more):
    return told(payout, event, "returned", utr="rtn0000001", message="Account frozen", **more)


def send(body, *, signature=None, address=ADDRESS):
    signed = hmac.new(b"the-secret", body, hashlib.sha256).hexdigest() if signature is None else signature
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    response = client.post(address, body, content_type="application/json", headers={"X-Acme-Signature": signed})
    return response.status_code, response.json()


TAKEN = (200, {"received": True})


def refused(body, **more):
    status, answered = send(body, **more)
    return status, answered["error"]["code"]


def state_of(payout):
    payout.refresh_from_db()
    return payout.status, payout.flag, payout.utr


def effects():
    return list(BankEvent.objects.order_by("id").values_list("effect", flat=True))


def test_a_payout_ends_by_its_banks_message_once_however_often_it_comes(cast, payout, balances):
    assert balances(cast.merchant, "live") == WAITING

    assert [send(told(payout)) for _ in range(3)] == [TAKEN] * 3
    work.drive_payouts()

    assert state_of(payout) == ("processed", "", "UTR0000001")
    assert (balances(cast.merchant, "live"), effects()) == (PAID, ["processed"])
    types = Event.objects.filter(subject=payout.public_id).values_list("type", flat=True)
    assert list(types) == ["payout.processed"]
    assert payout.due_at is None
    assert_ledger_balances()


def test_what_the_bank_refuses_is_available_again(cast, payout, balances):
    assert send(told(payout, state="refused", utr="", code="account_closed", message="Closed")) == TAKEN

    assert state_of(payout) == ("failed", "", "")
    assert (payout.failure_code, payout.failure_reason) == ("account_closed", "Closed")
    assert (balances(cast.merchant, "live"), effects()) == (BACK, ["failed"])
    assert_ledger_balances()


@pytest.mark.parametrize("more", [{"amount": 99_999}, {"currency": "USD"}, {"amount": 0}])
def test_another_amount_is_flagged_and_ends_nothing_and_neither_does_a_failure_after_it(cast, payout, balances, more):
    assert send(told(payout, **more)) == TAKEN
    assert send(told(payout, "evt-2", "refused", utr="")) == TAKEN

    assert state_of(payout) == ("processing", "amount_differs", "")
    assert (balances(cast.merchant, "live"), effects()) == (WAITING, ["flagged", "flagged"])
    assert work.drive_payouts() == 0
    assert_ledger_balances()


def test_every_order_of_a_banks_messages_books_one_end(cast, make, fund, payout, balances):
    events = {"queued": ("queued", ""), "paid": ("paid", "UTR{0}"), "copy": ("paid", "utr{0}"), "late": ("queued", "")}
    fund(cast.merchant, 24 * 100_590, mode="live")
    for number, names in enumerate(itertools.permutations(events)):
        one = make(100_000, mode="live", reference=f"ORDER-{number}")
        work.drive_payouts()
        for name in names:
            state, utr = events[name]
            send(told(one, f"{number}-{name}", state, utr=utr.format(f"{number:07}")))
        assert state_of(one) == ("processed", "", f"UTR{number:07}")

    assert collections.Counter(effects()) == {"processed": 24, "none": 72}
    assert balances(cast.merchant, "live") == WAITING
    assert_ledger_balances()


@pytest.mark.parametrize(("first", "second", "end"), [
    ("paid", "refused", ("processed", PAID)), ("refused", "paid", ("failed", BACK)),
])
def test_messages_that_contradict_each_other_are_for_a_person(cast, payout, balances, first, second, end):
    for event, state in (("evt-1", first), ("evt-2", second), ("evt-3", second)):
        assert send(told(payout, event, state)) == TAKEN

    status, flag, _ = state_of(payout)
    assert ((status, balances(cast.merchant, "live")), flag) == (end, "contradicted")
    assert effects() == [{"paid": "processed", "refused": "failed"}[first], "flagged", "none"]
    assert_ledger_balances()


def test_a_return_is_told_with_its_words_and_booked_by_an_operator(cast, payout, balances):
    send(told(payout))
    assert [send(returned(payout)), send(returned(payout)), send(returned(payout, "evt-10"))] == [TAKEN] * 3

    assert state_of(payout) == ("processed", "contradicted", "UTR0000001")
    assert (balances(cast.merchant, "live"), effects()) == (PAID, ["processed", "flagged", "none"])
    record = AuditRecord.objects.get(action="payout.flagged", target=payout.public_id)
    assert record.data["detail"] == (
        "The provider reported both success and failure. Account frozen, UTR RTN0000001"
    )
    assert queries.told_return(payout) == {"utr": "RTN0000001", "note": "Account frozen"}

    return_payout(actor=Actor(cast.admin, "panel"), payout=payout, **queries.told_return(payout))

    assert send(returned(payout, "evt-11")) == TAKEN
    assert (*state_of(payout), payout.return_utr) == ("failed", "", "UTR0000001", "RTN0000001")
    assert (balances(cast.merchant, "live"), effects()[-1]) == (BACK, "none")
    assert Posting.objects.filter(kind="payout.return").count() == 1
    assert_ledger_balances()


def test_a_return_of_a_part_is_told_and_not_offered(cast, payout, balances):
    send(told(payout))

    assert send(returned(payout, amount=40_000)) == TAKEN

    assert state_of(payout)[:2] == ("processed", "contradicted")
    record = AuditRecord.objects.get(action="payout.flagged", target=payout.public_id)
    assert record.data["detail"].endswith("Account frozen, UTR RTN0000001, 40000 of 100000 INR (minor units)")
    assert queries.told_return(payout) == {"utr": "", "note": ""}
    assert balances(cast.merchant, "live") == PAID


def test_a_return_told_before_the_payment_is_flagged_and_pays_nothing_twice(cast, payout, balances):
    assert [send(returned(payout)), send(told(payout))] == [TAKEN] * 2

    assert (state_of(payout)[:2], effects()) == (("failed", "contradicted"), ["failed", "flagged"])
    assert balances(cast.merchant, "live") == BACK
    assert_ledger_balances()


def test_one_about_a_payout_that_was_never_sent_is_for_a_person(cast, make, payout, balances):
    cast.merchant.payout_auto_approve_minor = None
    cast.merchant.save()
    waiting = make(10_000, mode="live")
    before = balances(cast.merchant, "live")

    assert send(told(waiting, amount=10_000)) == TAKEN

    assert (state_of(waiting)[:2], effects()) == (("pending", "contradicted"), ["flagged"])
    assert balances(cast.merchant, "live") == before


@pytest.mark.parametrize("signature", ["", "0" * 64, "é"])
def test_a_forged_one_has_no_effect(cast, payout, balances, signature):
    before = AuditRecord.objects.count(), Posting.objects.count()

    assert refused(told(payout), signature=signature) == (400, "bad_callback")

    assert (state_of(payout), balances(cast.merchant, "live")) == (("processing", "", ""), WAITING)
    assert (AuditRecord.objects.count(), Posting.objects.count(), effects()) == (*before, [])


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b'{"id":"","transfer":{"reference":"r","state":"paid"}}'])
def test_one_that_cannot_be_read_or_is_too_large_has_no_effect(payout, body):
    assert refused(body) == (400, "bad_callback")
    assert refused(told(payout, state="settled")) == (400, "bad_callback")
    assert refused(told(payout, note="x" * 1024 * 1024)) == (413, "payload_too_large")
    assert (state_of(payout), effects()) == (("processing", "", ""), [])


def test_what_is_no_payout_of_this_bank_is_taken_and_has_no_effect(cast, payout, balances):
    Payout.objects.update(provider="scripted")

    assert [send(told(payout)), send(told(payout, "evt-2", reference="pout_nothing"))] == [TAKEN] * 2

    assert (state_of(payout), effects()) == (("processing", "", ""), ["unknown_subject"] * 2)
    assert balances(cast.merchant, "live") == WAITING


@pytest.mark.parametrize("name", ["bank_file", "sandbox_bank", "scripted", "nobody", "acme_bank%0A", "%00"])
def test_a_bank_that_tells_nothing_or_whom_people_carry_files_to_has_no_address(payout, bank, name):
    assert refused(told(payout), address=f"/callbacks/payouts/{name}") == (404, "not_found")


def test_only_a_post_and_only_while_the_database_is_there(payout, monkeypatch):
    response = Client().get(ADDRESS)
    assert (response.status_code, response["Allow"]) == (405, "POST")
    monkeypatch.setattr(BankEvent.objects, "create", lambda **_: (_ for _ in ()).throw(OperationalError("gone")))

    assert refused(told(payout)) == (503, "database_error")
    assert state_of(payout) == ("processing", "", "")


def test_what_was_not_told_is_asked_for(cast, payout, acme_bank, balances):
    acme_bank.kept[payout.public_id] |= {"state": "paid", "utr": "UTR0000001", "amount": 100_000}
    Payout.objects.update(due_at=timezone.now())
    work.drive_payouts()

    assert send(told(payout)) == TAKEN

    assert (state_of(payout), effects()) == (("processed", "", "UTR0000001"), ["none"])
    assert acme_bank.asked == ["POST /transfers", f"GET /transfers/{payout.public_id}"]
    assert balances(cast.merchant, "live") == PAID


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_copies_and_a_status_at_the_same_instant_settle_once(cast, payout, acme_bank, balances):
    acme_bank.kept[payout.public_id] |= {"state": "paid", "utr": "UTR0000001"}
    Payout.objects.update(due_at=timezone.now())
    body = told(payout)

    results = together(12, lambda index: work.drive_payouts() if index % 4 == 3 else send(body))

    assert [result for index, result in enumerate(results) if index % 4 != 3] == [TAKEN] * 9
    assert state_of(payout) == ("processed", "", "UTR0000001")
    assert (BankEvent.objects.count(), Posting.objects.filter(kind="payout.settle").count()) == (1, 1)
    assert Event.objects.filter(type="payout.processed").count() == 1
    assert balances(cast.merchant, "live") == PAID
    assert_ledger_balances()
