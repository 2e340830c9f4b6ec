"""What the tests of webhooks share: a merchant, contracts that say little, and endpoints on loopback."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import Merchant
from gateway.celery import app
from gateway.lib import http_addresses
from webhooks import rendering, sending, services
from webhooks.models import Delivery

TESTS = Actor.system("tests")
EVENTS = ("payment.completed", "payment.failed", "payout.processed")


@pytest.fixture(autouse=True)
def quick(settings):
    settings.WEBHOOK_TIMEOUT_SECONDS = 0.7
    settings.WEBHOOK_ALLOW_LOOPBACK = True


@pytest.fixture(autouse=True)
def no_name_servers(monkeypatch):
    monkeypatch.setattr(http_addresses, "resolve", lambda host, port: ["1.1.1.1"])


@pytest.fixture(autouse=True)
def contracts(monkeypatch):
    """Two small contracts instead of the real ones."""
    monkeypatch.setattr(rendering, "_contracts", {})

    def portal(event_type, subject):
        name = {"payment.succeeded": "payment.completed"}.get(event_type, event_type)
        return (name, {"event": name, **subject}) if name in EVENTS else None

    def signed(event_type, subject):
        return ("payin.succeeded", {"data": subject}) if event_type == "payment.succeeded" else None

    services.register_renderer("portal", portal, EVENTS)
    services.register_renderer("signed", signed, ("payin.succeeded",))
    services.register_renderer(
        "checkout",
        lambda event_type, subject: ("payment.success", subject) if event_type == "payment.succeeded" else None,
        ("payment.success", "payment.failed"),
        envelope=lambda event, name, payload: {"id": event.public_id, "event": name, "data": payload},
        sample=lambda name: {"sample": True},
    )


@pytest.fixture(autouse=True)
def wakes(monkeypatch):
    """The names of the tasks that were woken, instead of waking them."""
    names = []
    monkeypatch.setattr(app, "send_task", lambda name, **_: names.append(name))
    return names


@pytest.fixture
def merchant(db):
    return Merchant.objects.create(name="Chai Point")


@pytest.fixture
def make_endpoint(merchant):
    def make(url="https://shop.example/hook", *, mode="test", **more):
        return services.create_endpoint(actor=TESTS, **{"merchant": merchant, "mode": mode, "url": url, **more})[0]

    return make


@pytest.fixture
def tell(merchant):
    """Emits one event about a payment, and returns it."""

    def emit(event_type="payment.succeeded", *, mode="test", **subject):
        subject = subject or {"order_id": "O-1"}
        return services.emit(event_type=event_type, merchant=merchant, mode=mode, subject=subject, subject_id="pay_1")

    return emit


@pytest.fixture
def clock(monkeypatch):
    """`clock.now` is the time from here on; it moves only when told to."""

    class Clock:
        now = timezone.now().replace(microsecond=0)

        def forward(self, **by):
            self.now += timedelta(**by)

    clock = Clock()
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    return clock


@pytest.fixture
def fresh():
    """The row as the database has it now."""
    return lambda row: type(row).objects.get(pk=row.pk)


@pytest.fixture
def only():
    """The one delivery there is."""
    return lambda: Delivery.objects.select_related("endpoint", "event").get()


@pytest.fixture
def attempts_until_given_up(clock, only):
    """Moves the clock to what is due each time; says when each attempt was made."""

    def run(most=20):
        moments = []
        while only().due_at is not None and len(moments) < most:
            clock.now = max(clock.now, only().due_at)
            moments.append(clock.now)
            sending.drain()
        return moments

    return run
