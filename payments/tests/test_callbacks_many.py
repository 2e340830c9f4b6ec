"""Callbacks as a bad day sends them: each up to five times, shuffled, many at the same instant.

`CALLBACKS` and `CALLBACKS_SEED` size and replay it (`python -m proof` takes 1,000).
"""

from __future__ import annotations

import collections
import os
import random

import pytest

from gateway.lib.providers import Outcome
from gateway.lib.racing import together
from ledger.testing import assert_ledger_balances
from payments.models import Payment, ProviderEvent
from payments.providers.base import Callback
from payments.services import apply_provider_event
from webhooks.models import Event

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
COUNT = int(os.environ.get("CALLBACKS", "60"))
SEED = int(os.environ.get("CALLBACKS_SEED", "20261121"))
THREADS = 16


def test_as_many_effects_as_there_are_distinct_callbacks(cast, confirmed, balances):
    chance = random.Random(SEED)
    told = [
        Callback(
            f"evt-{number}", confirmed().public_id,
            Outcome("succeeded", utr=f"UTR{number:09}", amount_minor=100_000, currency="INR"),
        )
        for number in range(COUNT)
    ]
    sent = [callback for callback in told for _ in range(chance.randint(1, 5))]
    chance.shuffle(sent)

    def send(thread):
        return [apply_provider_event(provider="sandbox", event=callback) for callback in sent[thread::THREADS]]

    effects = collections.Counter(effect for batch in together(THREADS, send) for effect in batch)

    assert effects == collections.Counter(succeeded=COUNT, duplicate=len(sent) - COUNT) - collections.Counter()
    assert ProviderEvent.objects.count() == COUNT
    assert Payment.objects.filter(status="succeeded").count() == COUNT
    assert Event.objects.filter(type="payment.succeeded").count() == COUNT
    assert balances(cast.merchant) == (COUNT * 97_640, 0, 0)
    assert_ledger_balances()
