"""Dependencies down: what they took with them, what the caller saw meanwhile, and how soon all is well again."""

from __future__ import annotations

import random
import time

from proof.experiments import experiment
from proof.house import House, house
from proof.kill import database_away
from proof.load import PAYOUT, Load
from proof.services import services, until
from tests.story import Answer

SECTION = "dependencies"
API_USER_LIMIT = 100


@experiment(SECTION, "redis-away", "Redis away for so many seconds", count=60)
def redis_away(count: int) -> str:
    with house() as home:
        with Load(home) as load:
            load.warm_up()
            before = load.total
            services().redis.kill()
            ends = time.monotonic() + count
            try:
                passed = sum(_ask(home).status == 200 for _ in range(3 * API_USER_LIMIT))
                signing_in = _sign_in(home)
                time.sleep(max(ends - time.monotonic(), 0))
                meanwhile = load.total - before
            finally:
                services().redis.start()
            back = time.monotonic()
        load.compare(seconds=60)
        whole = time.monotonic() - back
        load.saw_no_500()
        assert 0 < passed < API_USER_LIMIT, f"{passed} of {3 * API_USER_LIMIT} passed a limit of {API_USER_LIMIT}"
        assert (signing_in.status, "retry-after" in signing_in.headers) == (503, True), signing_in.status
        assert meanwhile > 0
        return (
            f"{meanwhile:,} money calls served meanwhile, 0 × 500; {passed} of {3 * API_USER_LIMIT} passed a limit of "
            f"{API_USER_LIMIT}; sign-in 503; all delivered {whole:.0f} s after its return; books exact"
        )


def _ask(home: House) -> Answer:
    return home.gateway.api("api_user", "GET", "/profile")


def _sign_in(home: House) -> Answer:
    browser, user = home.gateway.browser(), home.gateway.cast["users"]["merchant"]
    page = browser.get("/panel/sign-in")
    return browser.post("/panel/sign-in", page, email=user["email"], password=user["password"])


@experiment(SECTION, "redis-hangs", "Redis accepts and never answers, for so many seconds", count=20)
def redis_hangs(count: int) -> str:
    with house() as home:
        with Load(home) as load:
            load.warm_up()
            services().redis.freeze()
            began = time.monotonic()
            try:
                time.sleep(count)
            finally:
                services().redis.thaw()
        load.compare(seconds=60)
        slowest = max((took for when, took in load.waits if when >= began), default=0.0)
        load.saw_no_500()
        return f"0 × 500, slowest answer {slowest:.1f} s, nothing lost; books exact"


@experiment(SECTION, "broker-at-commit", "the broker away just when money is committed", count=5)
def broker_at_commit(count: int) -> str:
    with house() as home:
        took = []
        for number in range(count):
            services().redis.kill()
            try:
                name = f"broker-{random.randrange(10**9)}-{number}"
                made = home.gateway.api("merchant", "POST", "/payouts", PAYOUT | {"order_id": name, "account_number": "123456789012"})
                assert made.status == 201, made.text
            finally:
                services().redis.start()
            took.append(until(lambda name=name: home.receiver.events("payout.processed", order_id=name), seconds=30))
        home.verify()
        return f"{count} × 201; paid and told {max(took):.1f} s after the broker's return at most"


@experiment(SECTION, "postgres-restarts", "PostgreSQL restarted in an orderly way, under load", count=5)
def postgres_restarts(count: int) -> str:
    load, back = database_away(count, services().postgres.stop, every=(1, 3), seconds=1)
    return f"{load.statuses[503]} × 503 while it was down, 0 × 500; first success after {back:.2f} s; books exact"


@experiment(SECTION, "postgres-vanishes", "PostgreSQL's machine silent, every packet swallowed, for so many seconds", count=60)
def postgres_vanishes(count: int) -> str:
    """More callers than the web processes have threads: nobody waits behind those that wait for the database."""
    with house() as home:
        with Load(home, callers=24, pause=0.5) as load:
            load.warm_up()
            with services().postgres.cut_off():
                began = time.monotonic()
                time.sleep(count)
            back = until(home.serves, seconds=60)
            again = load.total
            until(lambda: load.total > again + 20, seconds=60)
        load.compare()
        load.saw_no_500()
        slowest = max(took for when, took in load.waits if when >= began)
        assert slowest < 30, f"a caller waited {slowest:.0f} s"
        assert back < 5, f"first success after {back:.1f} s"
        assert load.statuses[503] > 0
        return (
            f"{load.statuses[503]} × 503 meanwhile, 0 × 500, slowest answer {slowest:.0f} s; first success {back:.1f} s after "
            f"its return, 0 lost, 0 doubled, no lock left behind; books exact"
        )
