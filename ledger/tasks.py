"""Celery's entry points for the books."""

import structlog
from celery import shared_task

from ledger import rollup, verify

log = structlog.get_logger(__name__)


@shared_task(name="ledger.roll_up")
def roll_up() -> int:
    return rollup.roll_up()


# It reads all that was ever booked, which takes longer every year.
@shared_task(name="ledger.verify", soft_time_limit=6 * 3600 - 60, time_limit=6 * 3600)
def verify_nightly() -> int:
    problems = verify.verify_and_record()
    for problem in problems:
        log.error("books_do_not_balance", problem=problem)
    return len(problems)
