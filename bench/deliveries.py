"""Webhooks: the courier beside a bare aiohttp loop that sends the same bodies to the same ten receivers.

One process each; both keep their connections and use them again. The bare loop has 50 requests in flight, and signs, checks,
claims and writes down nothing; the courier has at most 20 in flight for each receiver, and does all of it.

`python -m bench.deliveries receive` is the receivers; `ratios()` needs the bench's database.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

DELIVERIES, RECEIVERS, IN_FLIGHT = 4_000, 10, 50


def rates(rounds: int) -> list[tuple[float, float]]:
    """Pairs of deliveries a second, the bare loop's and the courier's; the two in turn, after a warm-up."""
    import django

    from gateway.lib.garbage import spare_what_stays

    django.setup()
    spare_what_stays()  # as the courier's process does when it starts
    receivers = subprocess.Popen([sys.executable, "-m", "bench.deliveries", "receive"], stdout=subprocess.PIPE)
    try:
        assert receivers.stdout is not None
        urls = [f"http://127.0.0.1:{int(port)}/" for port in receivers.stdout.readline().split()]
        pairs = [(_bare(urls), _courier(urls)) for _ in range(rounds + 1)]
    finally:
        receivers.terminate()
        receivers.wait()
    return pairs[1:]


def _bare(urls: list[str]) -> float:
    import aiohttp

    async def run() -> None:
        left = iter(range(DELIVERIES))

        async def work(client: aiohttp.ClientSession) -> None:
            for number in left:
                async with client.post(urls[number % RECEIVERS], data=b"x" * 600) as answer:
                    await answer.read()

        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
            await asyncio.gather(*(work(client) for _ in range(IN_FLIGHT)))

    began = time.monotonic()
    asyncio.run(run())
    return DELIVERIES / (time.monotonic() - began)


def _courier(urls: list[str]) -> float:
    from webhooks import sending
    from webhooks.models import Delivery

    _make_due(urls)
    began = time.monotonic()
    made = sending.drain()
    took = time.monotonic() - began
    assert made == Delivery.objects.filter(status="succeeded").count() == DELIVERIES
    return DELIVERIES / took


def _make_due(urls: list[str]) -> None:
    from django.utils import timezone

    from accounts.models import Merchant
    from gateway.lib import secrets
    from webhooks.models import Attempt, Delivery, Endpoint, Event

    for model in (Attempt, Delivery, Event, Endpoint):
        model._default_manager.all().delete()
    merchants, now = list(Merchant.objects.order_by("pk")[: len(urls)]), timezone.now()
    endpoints = Endpoint.objects.bulk_create(
        Endpoint(merchant=merchant, mode="test", url=url, secret_encrypted=secrets.encrypt(secrets.new_webhook_secret()))
        for merchant, url in zip(merchants, urls, strict=True)
    )
    shared = {"mode": "test", "created_at": now}
    events = Event.objects.bulk_create(
        Event(merchant=merchants[number % len(urls)], type="payment.succeeded", subject=f"pay_{number}", **shared)
        for number in range(DELIVERIES)
    )
    Delivery.objects.bulk_create(
        Delivery(
            event=event, endpoint=endpoints[number % len(urls)], merchant_id=event.merchant_id,
            event_name="payment.completed", body="x" * 600, due_at=now, **shared,
        )
        for number, event in enumerate(events)
    )


async def receive() -> None:
    """Ten receivers, answered by hand: they must cost less than what is measured."""
    from asyncio import StreamReader, StreamWriter

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                await reader.readexactly(int(length[15:]))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    servers = [await asyncio.start_server(answer, "127.0.0.1", 0) for _ in range(RECEIVERS)]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(receive())
