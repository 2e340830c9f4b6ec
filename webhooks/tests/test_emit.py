"""Events: written in the caller's transaction, for those who want them, with a payload fixed at that moment."""

import json

import pytest
from django.db import transaction

from accounts.actors import Actor
from accounts.errors import EmailTaken
from accounts.models import Merchant, User
from webhooks import people, rendering, services
from webhooks.models import Delivery, Event
from webhooks.tests.conftest import TESTS

pytestmark = pytest.mark.django_db


def test_every_endpoint_that_wants_it_gets_one_delivery_in_its_contracts_words(make_endpoint, tell, clock):
    for contract in ("portal", "signed", "checkout"):
        make_endpoint(contract=contract)

    event = tell(order_id="Ü-1", amount=5.9)

    bodies = {one.endpoint.contract: (one.event_name, one.body) for one in Delivery.objects.select_related("endpoint")}
    assert bodies == {
        "portal": ("payment.completed", '{"event":"payment.completed","order_id":"Ü-1","amount":5.9}'),
        "signed": ("payin.succeeded", '{"data":{"order_id":"Ü-1","amount":5.9}}'),
        "checkout": (
            "payment.success",
            f'{{"id":"{event.public_id}","event":"payment.success","data":{{"order_id":"Ü-1","amount":5.9}}}}',
        ),
    }
    assert {(one.status, one.due_at, one.mode) for one in Delivery.objects.all()} == {("pending", clock.now, "test")}
    assert (event.type, event.subject) == ("payment.succeeded", "pay_1")


def test_filters_modes_merchants_and_switches_decide_who_is_told(make_endpoint, tell):
    wanted = make_endpoint(events=["payment.completed", "payment.failed"])
    make_endpoint(events=["payment.failed"])
    make_endpoint(mode="live")
    make_endpoint(enabled=False)
    make_endpoint(merchant=Merchant.objects.create(name="Other Store"))
    services.delete_endpoint(actor=TESTS, endpoint=make_endpoint())

    tell()

    assert [one.endpoint for one in Delivery.objects.all()] == [wanted]


def test_an_event_that_no_contract_knows_is_kept_and_told_to_nobody(make_endpoint, tell):
    make_endpoint()
    make_endpoint(contract="dashboard")

    tell("payment.captured")

    assert (Event.objects.count(), Delivery.objects.count()) == (1, 0)


def test_the_payload_stays_what_it_was(make_endpoint, tell, only):
    make_endpoint()
    subject = {"status": "completed"}
    tell(**subject)
    body = only().body

    rendering._contracts.clear()
    subject["status"] = "refunded"

    assert only().body == body == '{"event":"payment.completed","status":"completed"}'


def test_one_look_for_endpoints_and_one_insert_however_many_there_are(
    make_endpoint, tell, django_assert_num_queries
):
    for _ in range(5):
        make_endpoint()

    with django_assert_num_queries(3):  # the event, the endpoints, the deliveries
        tell()

    assert Delivery.objects.count() == 5


def test_what_json_cannot_say_is_an_error_and_leaves_nothing(make_endpoint, tell):
    make_endpoint()

    with pytest.raises(ValueError, match="not JSON compliant"), transaction.atomic():
        tell(amount=float("nan"))

    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_transaction_rolled_back_leaves_nothing_and_wakes_nobody(make_endpoint, tell, wakes):
    make_endpoint()

    with pytest.raises(RuntimeError), transaction.atomic():
        tell()
        raise RuntimeError

    assert (Event.objects.count(), Delivery.objects.count(), wakes) == (0, 0, [])


@pytest.mark.django_db(transaction=True)
def test_a_worker_is_woken_after_the_commit_and_only_if_there_is_something_to_send(make_endpoint, tell, wakes):
    tell()
    assert wakes == []
    make_endpoint()

    with transaction.atomic():
        tell()
        assert wakes == []

    assert wakes == ["webhooks.deliver"]


@pytest.mark.django_db(transaction=True)
def test_one_call_for_a_worker_is_enough_until_it_has_come(make_endpoint, tell, wakes, clock):
    make_endpoint()
    tell()
    for _ in range(3):
        clock.forward(seconds=1)
        tell()
    assert wakes == ["webhooks.deliver"]

    Delivery.objects.update(status="retrying")  # overdue by themselves: nobody was called for these
    clock.forward(seconds=1)
    tell()

    assert wakes == ["webhooks.deliver"] * 2


@pytest.mark.django_db(transaction=True)
def test_two_at_the_same_instant_do_not_wait_for_each_other(make_endpoint, tell, wakes, clock):
    make_endpoint()
    with transaction.atomic():
        tell()
        tell()

    assert wakes == ["webhooks.deliver"] * 2


def test_people_are_told_to_their_merchant_in_both_modes(cast, make_endpoint, monkeypatch):
    said = lambda event_type, user: (event_type, {"event": event_type, "user_id": user.public_id})  # noqa: E731
    services.register_renderer("portal", said, ("user.created", "user.suspended"))
    for mode in ("test", "live"):
        make_endpoint(merchant=cast.merchant, mode=mode)
    actor = Actor(cast.merchant_user, "tests")

    user, keys = people.create_user(
        actor=actor, email="new@example.com", name="New", role="api_user", parent=cast.merchant_user
    )
    people.suspend_user(actor=actor, user=user)

    told = [(one.mode, json.loads(one.body)) for one in Delivery.objects.order_by("event_id")]
    made, gone = ({"event": f"user.{what}", "user_id": user.public_id} for what in ("created", "suspended"))
    assert told == [("test", made), ("live", made), ("test", gone), ("live", gone)]
    assert set(keys) == {"test", "live"}
    assert User.objects.get(pk=user.pk).status == "suspended"


def test_a_user_who_is_refused_is_told_to_nobody(cast, make_endpoint):
    make_endpoint(merchant=cast.merchant)
    before = Event.objects.count()

    with pytest.raises(EmailTaken):
        people.create_user(
            actor=Actor(cast.merchant_user, "tests"), email="api@example.com", name="Again", role="api_user"
        )

    assert Event.objects.count() == before


def test_an_operators_user_belongs_to_no_merchant_and_is_told_to_nobody(cast):
    people.create_user(actor=Actor(cast.super_admin, "tests"), email="op@example.com", name="Op", role="admin")

    assert not Event.objects.exists()
