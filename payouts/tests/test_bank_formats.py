"""The little language of a format's columns, and who keeps formats."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from accounts.actors import Actor
from accounts.models import AuditRecord
from gateway.lib.errors import InvalidFields, NotAllowed
from payouts.batches import create_format, export_batch, open_batch, queries, retire_format, update_format
from payouts.batches.formats import PLAIN_COLUMNS, PLAIN_RESULT, BadTemplate, columns_of, parse_columns
from payouts.models import BankFormat

pytestmark = pytest.mark.django_db
DAY = date(2026, 1, 5)
NEEDED = "A = {account_number}\nI = {ifsc}\nS = {amount}\nR = {reference}\n"
RESULT = PLAIN_RESULT | {"processed": ["paid", " Paid "], "rejected": ["failed"], "pending": []}


@pytest.fixture
def line(by_file, cast):
    [payout] = by_file(1, 150_050, beneficiary_name="Meridian Logistics Private Limited", method="NEFT", remarks="May")
    batch = open_batch(actor=Actor(cast.admin, "t"), mode="live", payout_ids=[payout.public_id])
    return queries.lines_of(batch).get()


def test_whoever_made_a_payout_a_file_has_one_line_for_it(by_file, cast):
    """Names that were kept before the panel refused them, too."""
    forged = "Ravi\r\nPO-2,Mallory,999900001111,HDFC0009999,50000.00\u2028NEFT"
    payouts = by_file(2, beneficiary_name=forged)
    batch = open_batch(actor=Actor(cast.admin, "t"), mode="live", payout_ids=[one.public_id for one in payouts])

    made = export_batch(actor=Actor(cast.admin, "t"), batch=batch, file_type="csv")

    lines = bytes(made.content).decode().splitlines()
    assert len(lines) == 3
    assert all('"Ravi PO-2,Mallory,999900001111,HDFC0009999,50000.00 NEFT"' in line for line in lines[1:])


@pytest.mark.parametrize(
    ("template", "cell"),
    [
        ("{beneficiary_name}", "Meridian Logistics Private Limited"),
        ("{beneficiary_name:8}", "Meridian"),
        ("{method:IMPS=I,NEFT=N,RTGS=R}", "N"),
        ("{method:IMPS=I}", "NEFT"),
        ("{date:DD/MM/YYYY}", "05/01/2026"),
        ("{date:DD-MMM-YY}", "05-Jan-26"),
        ("{date:YYYYMMDD}", "20260105"),
        ("{date:DD%MM}", "05%01"),
        ("50200012345678", "50200012345678"),
        ("", ""),
        ("INR {amount}/{line}", "INR 1500.50/1"),
        ("{bank_name}, {merchant}, {remarks}", "HDFC Bank, Chai Point, May"),
        ("a = b", "a = b"),
    ],
)
def test_what_a_template_makes(line, template, cell):
    column = parse_columns(f"{NEEDED}X = {template}")[-1]

    assert column.cell(line, DAY) == cell
    assert (column.title, column.column.kind) == ("X", "text")


def test_the_amount_alone_is_a_number(line):
    column = parse_columns(NEEDED)[2]

    assert (column.cell(line, DAY), column.column.kind) == (line.payout.amount, "money")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("", "needs 1 to 60 columns"),
        ("\n".join(f"C{number} = x" for number in range(61)), "needs 1 to 60 columns"),
        ("Account", "must be Title = template"),
        ("= {amount}", "must be Title = template"),
        (NEEDED + "R = again", "a title twice"),
        (NEEDED + "X = {password}", "knows no field {password}"),
        (NEEDED + "X = {merchant.users}", "a brace that is not a field's"),
        (NEEDED + "X = {amount", "a brace that is not a field's"),
        (NEEDED + "X = {0}", "a brace that is not a field's"),
        (NEEDED + "X = {date}", "needs a day's form"),
        (NEEDED + "X = {date:soon}", "needs a day's form"),
        (NEEDED + "X = {method:N}", "takes a length or words"),
        (NEEDED + "X = {amount:3}", "takes no option"),
        ("A = {account_number}", "must give the bank {ifsc} and {amount}"),
        ("A = {account_number}\nI = {ifsc}\nS = {amount}", "must give the bank {reference}"),
    ],
)
def test_what_is_no_template(columns, said):
    with pytest.raises(BadTemplate) as refusal:
        parse_columns(columns)

    assert said in str(refusal.value)


def test_the_plain_format_is_always_there(line):
    assert [column.title for column in columns_of(line.batch)] == [
        column.title for column in parse_columns(PLAIN_COLUMNS)
    ]


def test_the_format_in_the_operators_guide_is_one(line):
    guide = (Path(__file__).parents[2] / "docs" / "payouts.md").read_text()
    columns = parse_columns(guide.split("```")[1])

    assert [column.cell(line, DAY) for column in columns][:2] == ["Meridian Logistics Private Limited", "50100012345678"]
    assert [column.cell(line, DAY) for column in columns][4:6] == ["N", "50200012345678"]


def test_super_admins_keep_formats(cast, by_file):
    root = Actor(cast.super_admin, "t")
    made = create_format(actor=root, name=" HDFC bulk ", columns=NEEDED, result=RESULT)
    assert (made.name, made.result["processed"], made.created_by) == ("HDFC bulk", ["PAID"], cast.super_admin)
    [payout] = by_file(1)
    batch = open_batch(actor=root, mode="live", payout_ids=[payout.public_id], bank_format=made)
    assert [column.title for column in columns_of(batch)] == ["A", "I", "S", "R"]

    update_format(actor=root, bank_format=made, name="HDFC", columns=NEEDED + "X = 1", result=RESULT)
    retire_format(actor=root, bank_format=made)

    batch.refresh_from_db()
    assert [column.title for column in columns_of(batch)] == ["A", "I", "S", "R", "X"]
    assert BankFormat.objects.get().retired
    assert list(AuditRecord.objects.filter(target=made.public_id).order_by("id").values_list("action", flat=True)) == [
        "bank_format.created", "bank_format.updated", "bank_format.retired",
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"), ({"name": "Taken"}, "name"), ({"columns": "A = {amount}"}, "columns"),
        ({"result": RESULT | {"utr": " "}}, "utr_column"), ({"result": RESULT | {"status": ""}}, "status_column"),
        ({"result": RESULT | {"processed": []}}, "processed"), ({"result": RESULT | {"rejected": [" "]}}, "rejected"),
        ({"result": RESULT | {"rejected": ["PAID"]}}, "rejected"),
    ],
)
def test_a_bad_format_is_refused(cast, change, field):
    root = Actor(cast.super_admin, "t")
    create_format(actor=root, name="Taken", columns=NEEDED, result=RESULT)
    values = {"name": "HDFC", "columns": NEEDED, "result": RESULT} | change

    with pytest.raises(InvalidFields) as refusal:
        create_format(actor=root, **values)

    assert list(refusal.value.details["fields"]) == [field]
    assert BankFormat.objects.count() == 1


def test_others_do_not_touch_formats(cast):
    made = create_format(actor=Actor(cast.super_admin, "t"), name="HDFC", columns=NEEDED, result=RESULT)

    for user in (cast.admin, cast.merchant_user):
        actor = Actor(user, "t")
        for step in (
            lambda actor=actor: create_format(actor=actor, name="Mine", columns=NEEDED, result=RESULT),
            lambda actor=actor: update_format(actor=actor, bank_format=made, name="X", columns=NEEDED, result=RESULT),
            lambda actor=actor: retire_format(actor=actor, bank_format=made),
        ):
            with pytest.raises(NotAllowed):
                step()

    made.refresh_from_db()
    assert (made.name, made.retired, BankFormat.objects.count()) == ("HDFC", False, 1)
