"""A session with several transfers that need a person: dealing with one, or its return, does not hide another."""

from __future__ import annotations

import pytest

from accounts.actors import Actor
from crypto import testing
from crypto.bsc_testing import DEPTH, fresh
from crypto.services.attention import clear_flags

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(cast):
    return testing.confirm(testing.open_session(cast.merchant, "100"), 1)


def test_a_second_payment_in_another_token_opens_the_session_again(cast, session):
    testing.pay(session, currency="USDC")
    testing.confirm(session, DEPTH)
    clear_flags(actor=Actor(cast.admin, "panel"), session=session, note="Sent back by hand.")

    testing.pay(session, currency="USDC")
    testing.confirm(session, 1)

    assert (fresh(session).flags, session.for_person, session.flag_cleared_at) == (["wrong_token"], True, None)
