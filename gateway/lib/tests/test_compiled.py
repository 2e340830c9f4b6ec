"""A compiled query reads what the ORM reads; rows inserted together are what saving them in turn leaves."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import DateTimeField, F, Q
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.models import AuditRecord, Credential, Merchant, PortalKey
from gateway.lib import inserting
from gateway.lib.compiled import Compiled, Slot
from gateway.lib.inserting import insert_together, violates
from payments.models import Order, Payment

pytestmark = pytest.mark.django_db


@pytest.fixture
def credential(cast):
    return Credential.objects.create(
        merchant=cast.merchant, contract="checkout", mode="test", identifier="key_test_1", hint="h",
        allowed_addresses=["10.0.0.0/8"], expires_at=timezone.now() + timedelta(hours=1),
    )


def test_whole_rows_come_back_as_from_the_orm(credential, django_assert_num_queries):
    query = Compiled(lambda: Credential.objects.select_related("merchant").filter(identifier=Slot("identifier")))

    for _ in range(4):  # not prepared yet, and prepared
        with django_assert_num_queries(1):
            (found,) = query.rows(identifier="key_test_1")
            assert found.merchant.name == credential.merchant.name

    plain = Credential.objects.get(pk=credential.pk)
    assert {f.attname: getattr(found, f.attname) for f in Credential._meta.concrete_fields} == {
        f.attname: getattr(plain, f.attname) for f in Credential._meta.concrete_fields
    }
    assert (found._state.adding, found._state.db) == (False, "default")
    assert query.first(identifier="key_test_2") is None


def test_a_missing_relation_is_none(cast):
    query = Compiled(lambda: PortalKey.objects.select_related("user", "user__merchant").filter(user=Slot("user"), mode="test"))

    assert query.first(user=cast.super_admin.pk).user.merchant is None
    assert query.first(user=cast.merchant_user.pk).user.merchant == cast.merchant


def test_moments_and_nulls_are_compared_as_the_orm_does(credential):
    query = Compiled(lambda: Credential.objects.filter(Q(expires_at=None) | Q(expires_at__gt=Slot("now", DateTimeField()))))

    assert [len(query.rows(now=timezone.now() + timedelta(minutes=m))) for m in (59, 61)] == [1, 0]


def test_tuples_keep_their_order_and_a_percent_sign_is_only_that(cast):
    Merchant.objects.filter(pk=cast.other.pk).update(name="100 % sure")
    query = Compiled(lambda: Merchant.objects.filter(
        Q(name__contains="% s") | Q(pk=Slot("pk")),
    ).order_by(F("name").asc()).values_list("name", "status"))

    assert query.rows(pk=cast.merchant.pk) == [("100 % sure", "active"), (cast.merchant.name, "active")]


def new_rows(cast, reference="r-1"):
    order = Order(
        merchant=cast.merchant, mode="test", contract="portal", reference=reference, amount_minor=500, currency="INR",
        notes={"a": [1, "ü%s"]}, created_by=cast.merchant_user,
    )
    payment = Payment(
        order=order, merchant=cast.merchant, mode="test", contract="portal", method=Payment.Method.UPI, currency="INR",
        amount_minor=500, provider="sandbox", expires_at=timezone.now(),
    )
    return order, payment, audit.entry(Actor(cast.merchant_user, "tests"), "payment.created", payment.public_id, detail="d")


def stored(row):
    """Every column as the database has it, but for what names the row."""
    fresh = type(row)._default_manager.get(pk=row.pk)
    names = {f.attname for f in row._meta.concrete_fields} - {"id", "order_id", "public_id", "page_token", "target"}
    return {name: getattr(fresh, name) for name in names if not name.endswith("_at")}


def test_rows_inserted_together_are_those_saved_in_turn(cast):
    together, in_turn = new_rows(cast, "r-1"), new_rows(cast, "r-1")

    insert_together(*together)
    first = [stored(row) for row in together]
    assert Payment.objects.get().order_id == together[0].pk == together[1].order_id
    Payment.objects.all().delete()
    Order.objects.all().delete()
    inserting._save_in_turn(in_turn)

    assert first == [stored(row) for row in in_turn]
    assert [(row._state.adding, row._state.db) for row in together] == [(False, "default")] * 3
    assert [getattr(together[1], name) for name in ("expires_at", "created_at")] == [
        getattr(together[1].__class__.objects.filter(pk=together[1].pk).first() or together[1], name)
        for name in ("expires_at", "created_at")
    ]


def test_rows_inserted_together_cost_one_statement_on_postgresql(cast, django_assert_num_queries):
    order, payment, entry = new_rows(cast)

    with django_assert_num_queries(1 + 2 if connection.vendor == "postgresql" else 3 + 2):  # and the savepoint's two
        insert_together(order, payment, entry)


def test_what_the_database_refuses_leaves_no_row_and_a_transaction_that_goes_on(cast):
    insert_together(*new_rows(cast))
    before = AuditRecord.objects.count()

    with pytest.raises(IntegrityError) as refused:
        insert_together(*new_rows(cast))

    assert violates(refused.value, Order, "order_reference_once")
    assert (Order.objects.count(), Payment.objects.count(), AuditRecord.objects.count()) == (1, 1, before)


def test_another_constraint_is_not_taken_for_the_one_in_question(cast):
    order, *_ = new_rows(cast)
    order.amount_minor = 0

    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        insert_together(order)

    assert not violates(refused.value, Order, "order_reference_once")
