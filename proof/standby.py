"""A primary with a standby that has every commit on its own disk before it is acknowledged, and the primary dies.

The gateway is told of both (`DATABASE_URL=postgres://…@one,two/…?target_session_attrs=read-write`), so that nothing of
it is restarted or told anew when the standby is promoted.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proof.experiments import experiment
from proof.house import house_on
from proof.load import Load
from proof.services import USER, PostgreSQL, until

BEHIND = "SELECT coalesce(1000 * extract(epoch FROM max(replay_lag)), 0)::int FROM pg_stat_replication"


class Pair:
    """Two clusters: `primary` takes writes, `standby` follows it."""

    def __init__(self, folder: Path) -> None:
        self.primary = PostgreSQL(folder / "one")
        self.primary.create("books")
        self.standby = PostgreSQL(folder / "two", follows=self.primary)
        self.acknowledge_by_both()

    @property
    def url(self) -> str:
        both = f"127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}"
        return f"postgres://{USER}@{both}/books?target_session_attrs=read-write"

    def acknowledge_by_both(self) -> None:
        """The rule is never copied to the standby: it would wait for another when it is promoted."""
        self.primary.set("synchronous_standby_names = '*'\n")
        self.primary.reload()
        until(lambda: self.primary.ask("SELECT sync_state FROM pg_stat_replication") == "sync")

    def fail_over(self) -> None:
        """The primary dies with all its disk, and the standby is promoted, as a watchdog does."""
        self.primary.kill()
        self.standby.promote()

    def close(self) -> None:
        for cluster in (self.standby, self.primary):
            cluster.stop()


@contextmanager
def pair() -> Iterator[Pair]:
    folder = Path(tempfile.mkdtemp(prefix="gateway-proof-pair-"))
    folder.chmod(0o755)  # the database's user must get in
    both = Pair(folder)
    try:
        yield both
    finally:
        both.close()
        shutil.rmtree(folder, ignore_errors=True)


@experiment("kill", "failover", "`kill -9` of PostgreSQL under load, and its synchronous standby promoted", count=2)
def failover(count: int) -> str:
    outcomes = [_fail_over_once() for _ in range(count)]
    acknowledged, unavailable, back, behind = (list(column) for column in zip(*outcomes, strict=True))
    assert max(back) < 10, f"first success {max(back):.1f} s after the kill"
    return (
        f"{sum(acknowledged):,} acknowledged, 0 lost, 0 doubled; {sum(unavailable)} × 503, 0 × 500; first success "
        f"{max(back):.2f} s after the kill at most; a reader of the standby was {max(behind)} ms behind at most; books exact"
    )


def _fail_over_once() -> tuple[int, int, float, int]:
    with pair() as both, house_on(both.url) as home:
        behind = []
        with Load(home) as load:
            load.warm_up()
            for _ in range(20):
                time.sleep(random.uniform(0.1, 0.3))
                behind.append(int(both.primary.ask(BEHIND)))
            died = time.monotonic()
            both.fail_over()
            until(home.serves, seconds=30)
            back = time.monotonic() - died
            until(lambda before=load.total: load.total >= before + 20)
        load.compare()
        load.saw_no_500()
        return load.total, load.statuses[503], back, max(behind)
