"""Keeps docs/proof.md: one row for each experiment, with the date of its own last run; the rest of it is written by hand."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

from proof.experiments import Experiment, everything

FILE = Path(__file__).resolve().parent.parent / "docs" / "proof.md"
BEGIN, END = "<!-- results of python -m proof: begin -->", "<!-- results: end -->"
HEAD = "| section | experiment | count | result | seconds | date |\n|---|---|---|---|---|---|\n"


def row(one: Experiment, count: int, result: str, seconds: float) -> str:
    """A run with fewer rounds than the plan's says so."""
    times = f"{count:,}" if count == one.count else f"{count:,} of {one.count:,}"
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    words = re.sub(r"\s+", " ", result.replace("|", "/"))[:300]
    return f"| {one.section} | {one.shows} (`{one.name}`) | {times} | {words} | {seconds:.0f} | {today} |"


def write(rows: dict[str, str]) -> None:
    """Puts these rows, by experiment, in place of their last ones."""
    before, _, rest = FILE.read_text().partition(BEGIN)
    old, _, after = rest.partition(END)
    kept = {found[1]: line for line in old.splitlines() if (found := re.search(r"\(`([\w-]+)`\)", line))} | rows
    lines = [kept[one.name] for one in everything() if one.name in kept]
    FILE.write_text(f"{before}{BEGIN}\n{machine()}\n\n{HEAD}" + "\n".join(lines) + f"\n{END}{after}")


def machine() -> str:
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return (
        f"Last run on {os.cpu_count()} cores, {round(pages / 2**30)} GB, {platform.system()} {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}."
    )
