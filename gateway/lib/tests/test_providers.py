"""What a provider may say, however long it is."""

import pytest

from gateway.lib.providers import Outcome, call


def test_a_code_and_a_message_are_cut_to_their_columns():
    said = Outcome("failed", code="E" * 60, message="M" * 300)

    assert (said.code, said.message) == ("E" * 40, "M" * 200)
    assert Outcome("failed", code="E" * 40, message="M" * 200) == said


@pytest.mark.parametrize("evidence", [{"utr": "U" * 41}, {"reference": "R" * 65}])
def test_a_utr_or_a_reference_is_never_cut_the_answer_is_unreadable(evidence):
    with pytest.raises(ValueError, match="longer"):
        Outcome("succeeded", **evidence)

    assert call(lambda: Outcome("succeeded", **evidence), "payout.send") == Outcome("unknown")
    assert Outcome("succeeded", utr="U" * 40, reference="R" * 64).utr == "U" * 40
