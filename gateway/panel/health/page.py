"""Health, for super admins: what is reachable, who is alive, what is late. It shows itself anew every ten seconds."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse

from gateway.panel.access import SUPER_ADMINS, PanelRequest, page
from gateway.panel.health import readings as watching
from gateway.panel.health.readings import Reading
from gateway.panel.rendering import crumbs, page_or_part


@dataclass(frozen=True, slots=True)
class Board:
    """One card of readings."""

    name: str
    title: str
    text: str
    readings: list[Reading]

    @property
    def bad(self) -> int:
        return sum(reading.state == "bad" for reading in self.readings)


@page(SUPER_ADMINS)
def health(request: PanelRequest) -> HttpResponse:
    signs = watching.signs()
    boards = [
        Board("services", "Services", "What every request needs", watching.services()),
        Board("processes", "Processes", "Each gives a sign of life as it works", watching.processes(signs)),
        Board("work", "Queues", "Rows that wait for a worker", watching.work()),
        Board("chains", "Networks", "How far each chain is read", watching.chains()),
        Board("schedule", "Schedule", "When each task was last done", watching.schedule(signs)),
    ]
    context = {"crumbs": crumbs("Health"), "boards": boards, "bad": sum(board.bad for board in boards)}
    return page_or_part(request, "panel/health/health.html", "panel/health/_boards.html", context)
