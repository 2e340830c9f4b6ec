"""A bank's answer: what is clear is booked once, what is not changes nothing and is shown with its reason."""

from __future__ import annotations

import io

import pytest

from accounts.actors import Actor
from accounts.models import AuditRecord
from gateway.lib.errors import GatewayError, IllegalTransition, InvalidFields, NotAllowed, NotFound
from gateway.lib.spreadsheets import Column, write_xlsx
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payouts.batches import apply_result, discard_result, queries, upload_result
from payouts.batches.formats import PLAIN_RESULT
from payouts.batches.results import drive_results, judged_rows
from payouts.errors import ResultUnreadable
from payouts.models import Payout, ResultFile
from payouts.services import resolve_payout
from webhooks.models import Event

pytestmark = pytest.mark.django_db
HEADER = "Reference,Status,UTR,Reason"


def acting(user):
    return Actor(user, "tests")


@pytest.fixture
def answer(cast, sent):
    """`answer("{0},SUCCESS,UTR0000001,")` uploads and applies a file about `sent.batch`; {0} is its first reference."""

    def answer(*rows, apply=True, header=HEADER, name="result.csv", batch=None):
        content = "\r\n".join([header, *(row.format(*sent.references) for row in rows)]).encode()
        result = upload_result(actor=acting(cast.admin), batch=batch or sent.batch, name=name, content=content)
        if apply:
            apply_result(actor=acting(cast.admin), result=result)
            assert drive_results() == 1
            result.refresh_from_db()
            assert result.status == "applied"
        return result

    return answer


def effects(result):
    return [(one.effect, one.problem) for one in judged_rows(result)]


def states(sent):
    return [(row.status, row.provider_state) for row in Payout.objects.filter(pk__in=sent.keys).order_by("pk")]


def books():
    return Posting.objects.count(), Event.objects.count(), AuditRecord.objects.count()


# What is clear ----------------------------------------------------------------------------------------------
def test_paid_and_rejected_lines_end_their_payouts(cast, sent, answer, balances):
    before = balances(cast.merchant, "live")

    result = answer("{0},Success,UTR0000001,", "{1}, failed ,,Account closed", "{2},In process,,")

    paid, rejected, waiting = Payout.objects.filter(pk__in=sent.keys).order_by("pk")
    assert (paid.status, paid.utr, paid.provider_reference) == ("processed", "UTR0000001", sent.references[0])
    assert (rejected.status, rejected.failure_reason) == ("failed", "Account closed")
    assert (waiting.status, waiting.provider_state) == ("processing", "sent")
    assert effects(result) == [("processed", ""), ("rejected", ""), ("pending", "Still with the bank.")]
    available, _, reserved = before
    assert balances(cast.merchant, "live") == (available + 100_000, 0, reserved - 200_000)
    assert list(Event.objects.order_by("pk").values_list("type", flat=True)) == ["payout.processed", "payout.rejected"]
    [seen] = queries.visible_batches(sent.viewer)
    assert (seen.count, seen.ended, seen.unclear) == (3, 2, 0)
    assert_ledger_balances()


def test_nothing_counts_before_it_is_applied(cast, sent, answer):
    before = states(sent), books()

    result = answer("{0},SUCCESS,UTR0000001,", "{1},FAILED,,", apply=False)

    assert [effect for effect, _ in effects(result)] == ["processed", "rejected"]
    assert drive_results() == 0
    assert states(sent) == before[0]
    assert books()[:2] == before[1][:2]
    discard_result(actor=acting(cast.admin), result=result)
    with pytest.raises(IllegalTransition):
        apply_result(actor=acting(cast.admin), result=result)
    assert (drive_results(), states(sent)) == (0, before[0])


def test_the_same_result_twice_changes_nothing(cast, sent, answer, balances):
    rows = ("{0},SUCCESS,UTR0000001,", "{1},FAILED,,Closed", "{2},SUCCESS,,", "Pnobody,SUCCESS,UTR0000009,")
    first = answer(*rows)
    before = states(sent), balances(cast.merchant, "live"), books()[:2]

    again = answer(*rows)
    third = answer(*reversed(rows))

    assert (states(sent), balances(cast.merchant, "live"), books()[:2]) == before
    assert [effect for effect, _ in effects(first)] == ["processed", "rejected", "unclear", "foreign"]
    assert [effect for effect, _ in effects(again)] == ["same", "same", "same", "foreign"]
    assert [effect for effect, _ in effects(third)] == ["foreign", "same", "same", "same"]
    assert AuditRecord.objects.filter(action="payout.unclear").count() == 1
    with pytest.raises(IllegalTransition):
        apply_result(actor=acting(cast.admin), result=first)
    assert_ledger_balances()


def test_xlsx_and_csv_say_the_same(cast, sent, answer):
    to = io.BytesIO()
    columns = [Column(title) for title in HEADER.split(",")]
    write_xlsx(columns, [[sent.references[0], "SUCCESS", "123456789012", None], [sent.references[1], "FAILED", None, "No"]], to)

    result = upload_result(actor=acting(cast.admin), batch=sent.batch, name="result.xlsx", content=to.getvalue())

    assert effects(result) == effects(answer("{0},SUCCESS,123456789012,", "{1},FAILED,,No", apply=False))
    assert [one.row.utr for one in judged_rows(result)] == ["123456789012", ""]


def test_references_are_found_among_words_around_them_and_by_our_payout_id(cast, sent, answer):
    payout = Payout.objects.get(pk=sent.keys[1])

    result = answer("PAYOUT {0} OK,SUCCESS,UTR0000001,", f"{payout.public_id},FAILED,,", apply=False)

    assert [one.line.payout_id for one in judged_rows(result)] == sent.keys[:2]


# What is not ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["{0},SUCCESS,,"], ["Paid, but without a UTR."]),
        (["{0},SUCCESS,n/a,"], ["“n/a” cannot be a UTR."]),
        (["{0},SUCCESS," + "9" * 41 + ","], ["“" + "9" * 40 + "” cannot be a UTR."]),
        (["{0},MAYBE,UTR0000001,"], ["The status “MAYBE” stands in no list of the format."]),
        (["{0},,UTR0000001,"], ["The status “” stands in no list of the format."]),
        (["{0},SUCCESS,UTR0000001,", "{0},FAILED,,"], ["The file says different things about this payout."] * 2),
        (["{0},SUCCESS,UTR0000001,", "{0},SUCCESS,UTR0000002,"], ["The file says different things about this payout."] * 2),
        (["{0},SUCCESS,UTR0000001,", "{1},SUCCESS,UTR0000001,"], ["The UTR UTR0000001 is another payout's as well."] * 2),
    ],
)
def test_an_unclear_line_changes_nothing_and_is_shown(cast, sent, answer, balances, rows, said):
    before, money = balances(cast.merchant, "live"), books()[:2]

    result = answer(*rows)

    assert effects(result) == [("unclear", problem) for problem in said]
    touched = {one.line.payout_id for one in judged_rows(result)}
    for row in Payout.objects.filter(pk__in=sent.keys):
        unclear = row.pk in touched
        assert (row.status, row.provider_state) == ("processing", "unknown" if unclear else "sent")
        assert queries.line_of(row).problem == (said[0] if unclear else "")
    assert (balances(cast.merchant, "live"), books()[:2]) == (before, money)
    assert set(queries.unclear(sent.viewer).values_list("pk", flat=True)) == touched
    assert_ledger_balances()


def test_lines_about_nobody_or_about_several_change_nothing(sent, answer):
    before = states(sent), books()[:2]

    result = answer("PAAAAAAAAAAA,SUCCESS,UTR0000001,", "{0} {1},SUCCESS,UTR0000002,", ",SUCCESS,UTR0000003,")

    assert effects(result) == [
        ("foreign", "No payout of this batch has this reference."), ("foreign", "It names several payouts of this batch."),
        ("foreign", "No payout of this batch has this reference."),
    ]
    assert (states(sent), books()[:2]) == before


@pytest.mark.parametrize(
    ("amount", "clear"),
    [("1000", True), ("1000.00", True), ("1,000.00", True), ("₹ 1000.000", True), ("1000.01", False), ("", False),
     ("999.999", False), ("1e3", False), ("-1000", False), ("1000,00", False)],
)
def test_an_amount_in_the_file_must_be_the_payouts(cast, sent, answer, amount, clear):
    sent.use(PLAIN_RESULT | {"amount": "Paid amount"})

    result = answer(f'{{0}},SUCCESS,UTR0000001,,"{amount}"', header=f"{HEADER},Paid amount", apply=False)

    [(effect, problem)] = effects(result)
    assert effect == ("processed" if clear else "unclear")
    assert clear or f"the payout is {1000}.00" in problem


def test_a_utr_that_another_batch_was_paid_with_is_unclear(cast, sent, answer, send):
    answer("{0},SUCCESS,UTR0000001,")
    other = send(1)

    content = f"{HEADER}\n{other.references[0]},SUCCESS,UTR0000001,".encode()
    result = upload_result(actor=acting(cast.admin), batch=other.batch, name="r.csv", content=content)

    assert effects(result) == [("unclear", "The UTR UTR0000001 is another payout's as well.")]


def test_a_utr_is_the_same_in_small_letters(cast, sent, answer, send):
    answer("{0},SUCCESS,HdfcR52026112200001,", "{1},SUCCESS,,")
    first, second, _ = Payout.objects.filter(pk__in=sent.keys).order_by("pk")
    other = send(1)
    before = books()
    assert first.utr == "HDFCR52026112200001"

    with pytest.raises(InvalidFields) as refused:
        resolve_payout(actor=acting(cast.admin), payout=second, paid=True, utr="hdfcr52026112200001", note="Asked")

    assert refused.value.details == {"fields": {"utr": "is another payout's already"}}
    assert (states(sent)[1], books()) == (("processing", "unknown"), before)
    content = f"{HEADER}\n{other.references[0]},SUCCESS,hdfcr52026112200001,".encode()
    result = upload_result(actor=acting(cast.admin), batch=other.batch, name="r.csv", content=content)
    assert effects(result) == [("unclear", "The UTR HDFCR52026112200001 is another payout's as well.")]
    resolve_payout(actor=acting(cast.admin), payout=second, paid=True, utr="hdfcr52026112200002", note="Asked again")
    assert effects(answer("{1},SUCCESS,HDFCR52026112200002,")) == [("same", "Known already.")]
    second.refresh_from_db()
    assert (second.utr, second.flag) == ("HDFCR52026112200002", "")
    assert_ledger_balances()


def test_a_later_clear_file_ends_what_was_unclear(cast, sent, answer, balances):
    answer("{0},SUCCESS,,", "{1},MAYBE,,")

    result = answer("{0},SUCCESS,UTR0000001,", "{1},FAILED,,Closed")

    assert effects(result) == [("processed", ""), ("rejected", "")]
    assert [state for state, _ in states(sent)] == ["processed", "failed", "processing"]
    assert queries.line_of(Payout.objects.get(pk=sent.keys[0])).problem == ""
    assert queries.unclear(sent.viewer).count() == 0
    assert_ledger_balances()


def test_an_operator_ends_what_stayed_unclear(cast, sent, answer, balances):
    answer("{0},SUCCESS,,", "{1},MAYBE,,")
    first, second, third = Payout.objects.filter(pk__in=sent.keys).order_by("pk")
    available = balances(cast.merchant, "live")[0]
    with pytest.raises(IllegalTransition):  # that one is clearly with the bank
        resolve_payout(actor=acting(cast.admin), payout=third, paid=True, utr="UTR0000003", note="Called them")
    with pytest.raises(InvalidFields):
        resolve_payout(actor=acting(cast.admin), payout=first, paid=True, note="Called them")

    resolve_payout(actor=acting(cast.admin), payout=first, paid=True, utr="UTR0000001", note="Called them")
    resolve_payout(actor=acting(cast.admin), payout=second, paid=False, note="Called them")

    assert [state for state, _ in states(sent)] == ["processed", "failed", "processing"]
    assert balances(cast.merchant, "live")[0] == available + 100_000
    assert effects(answer("{0},SUCCESS,UTR0000001,", "{1},FAILED,,")) == [("same", "Known already.")] * 2
    assert_ledger_balances()


@pytest.mark.parametrize("typed", [" UTR0000001 ", "utr0000001"])
def test_an_operator_cannot_settle_two_payouts_with_one_transfer(cast, sent, answer, typed):
    answer("{0},SUCCESS,UTR0000001,", "{1},SUCCESS,,")
    second, before = Payout.objects.filter(pk__in=sent.keys).order_by("pk")[1], books()

    with pytest.raises(InvalidFields) as refused:
        resolve_payout(actor=acting(cast.admin), payout=second, paid=True, utr=typed, note="Called them")

    assert refused.value.details == {"fields": {"utr": "is another payout's already"}}
    assert (states(sent)[1], books()) == (("processing", "unknown"), before)
    resolve_payout(actor=acting(cast.admin), payout=second, paid=True, utr="UTR0000002", note="Called them again")
    assert [state for state, _ in states(sent)] == ["processed", "processed", "processing"]
    assert_ledger_balances()


@pytest.mark.parametrize(
    ("first", "then"),
    [("SUCCESS,UTR0000001,", "FAILED,,Returned"), ("FAILED,,Closed", "SUCCESS,UTR0000001,"),
     ("SUCCESS,UTR0000001,", "SUCCESS,UTR0000002,")],
)
def test_a_file_that_contradicts_an_end_is_flagged_and_moves_nothing(cast, sent, answer, balances, first, then):
    answer("{0}," + first)
    before, money = (balances(cast.merchant, "live"), states(sent)[0][0]), books()[:2]

    result = answer("{0}," + then)
    again = answer("{0}," + then)

    payout = Payout.objects.get(pk=sent.keys[0])
    assert (payout.flag, effects(result)[0][0], effects(again)[0][0]) == ("contradicted", "contradiction", "same")
    assert ((balances(cast.merchant, "live"), payout.status), books()[:2]) == (before, money)
    assert_ledger_balances()


# Files that are none ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("Reference,Status\nX,SUCCESS", "no header with the columns REFERENCE, STATUS, UTR, REASON"),
        (HEADER, "no row below its header"),
        (f"{HEADER},status\nX,SUCCESS,U,,", "the column STATUS twice"),
        ("\n" * 40 + f"{HEADER}\nX,SUCCESS,U,", "no header"),
    ],
)
def test_a_file_without_the_formats_columns_is_refused(cast, sent, content, said):
    with pytest.raises(ResultUnreadable) as refusal:
        upload_result(actor=acting(cast.admin), batch=sent.batch, name="r.csv", content=content.encode())

    assert said in refusal.value.message
    assert ResultFile.objects.count() == 0


def test_too_many_rows_are_refused(cast, sent, settings):
    settings.PAYOUT_BATCH_MAX_LINES = 2
    content = "\n".join([HEADER, *["X,SUCCESS,U,"] * 11]).encode()

    with pytest.raises(ResultUnreadable):
        upload_result(actor=acting(cast.admin), batch=sent.batch, name="r.csv", content=content)


@pytest.mark.parametrize("content", [b"", b"\0\0\0", b"%PDF-1.7", b"PK\x03\x04 no workbook"])
def test_what_is_no_table_is_a_refusal_and_never_a_crash(cast, sent, content):
    for name in ("r.csv", "r.xlsx", "r.pdf", ""):
        with pytest.raises(GatewayError):
            upload_result(actor=acting(cast.admin), batch=sent.batch, name=name, content=content)

    assert ResultFile.objects.count() == 0


def test_a_title_above_the_header_does_not_matter(sent, answer):
    result = answer("{0},SUCCESS,UTR0000001,", header=f"Bulk payment report,,,\n,,,\n{HEADER}", apply=False)

    assert effects(result) == [("processed", "")]


def test_who_may_bring_a_result_and_when(cast, sent, send, answer):
    content = f"{HEADER}\n{sent.references[0]},SUCCESS,UTR0000001,".encode()
    for user, refusal in ((cast.merchant_user, NotAllowed), (cast.other_admin, NotFound)):
        with pytest.raises(refusal):
            upload_result(actor=acting(user), batch=sent.batch, name="r.csv", content=content)
    result = answer("{0},SUCCESS,UTR0000001,", apply=False)
    for user, refusal in ((cast.merchant_user, NotAllowed), (cast.other_admin, NotFound)):
        with pytest.raises(refusal):
            apply_result(actor=acting(user), result=result)
    unsent = send(1, sent=False)
    with pytest.raises(IllegalTransition):
        upload_result(actor=acting(cast.admin), batch=unsent.batch, name="r.csv", content=content)

    assert [state for state, _ in states(sent)] == ["processing"] * 3
    assert ResultFile.objects.count() == 1


# Killed in the middle ---------------------------------------------------------------------------------------
def test_a_worker_that_dies_in_the_middle_is_followed_by_one_that_finishes(cast, sent, answer, monkeypatch, due_again):
    from payouts.batches import results

    result = answer("{0},SUCCESS,UTR0000001,", "{1},FAILED,,", "{2},SUCCESS,,", apply=False)
    apply_result(actor=acting(cast.admin), result=result)
    done, real = [], results._apply_row

    def dies(row, one):
        if done:
            raise KeyboardInterrupt
        done.append(one)
        return real(row, one)

    monkeypatch.setattr(results, "_apply_row", dies)
    with pytest.raises(KeyboardInterrupt):
        drive_results()
    assert [state for state, _ in states(sent)] == ["processed", "processing", "processing"]
    monkeypatch.setattr(results, "_apply_row", real)
    due_again(result)

    assert drive_results() == 1

    result.refresh_from_db()
    assert [effect for effect, _ in effects(result)] == ["processed", "rejected", "unclear"]
    assert [state for state, _ in states(sent)] == ["processed", "failed", "processing"]
    assert_ledger_balances()


def test_a_worker_whose_file_was_taken_over_stops(cast, sent, answer):
    from payouts.batches.results import _apply_file

    result = answer("{0},SUCCESS,UTR0000001,", apply=False)
    apply_result(actor=acting(cast.admin), result=result)
    result.refresh_from_db()
    result.lease = "mine"
    ResultFile.objects.update(lease="somebody else's")

    _apply_file(result)

    result.refresh_from_db()
    assert (result.status, states(sent)[0][0]) == ("applying", "processing")
