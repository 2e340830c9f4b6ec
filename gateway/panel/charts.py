"""Bar charts, worked out here and drawn as SVG by templates/components/chart.html.

Horizontal positions are percentages of the drawing's width and vertical ones pixels, so that a chart fills its place
without its text growing or shrinking. Every bar has a title, and the same figures follow as a table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

TOP, PLOT_HEIGHT, MARK_Y = 24, 166, 212
_TICKS = 4


@dataclass(frozen=True, slots=True)
class Bar:
    slot_x: float
    slot_width: float
    x: float
    width: float
    y: float
    height: float
    title: str
    note_x: float
    note_anchor: str


@dataclass(frozen=True, slots=True)
class Tick:
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    x: float
    text: str
    anchor: str
    between: bool  # left out where there is little room


@dataclass(frozen=True, slots=True)
class Chart:
    label: str
    bars: list[Bar]
    ticks: list[Tick]
    marks: list[Mark]
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    top: int = TOP
    plot_height: int = PLOT_HEIGHT
    mark_y: int = MARK_Y


@dataclass(frozen=True, slots=True)
class Slot:
    """An hour or a day. `value` is drawn (a whole number of minor units, or a count), `mark` may stand below it,
    `cells` are the table's words for it."""

    mark: str
    value: int
    title: str
    cells: Sequence[str] = field(default_factory=tuple)


def bars(
    slots: Sequence[Slot], *, label: str, columns: Sequence[str], tick_text: Callable[[int], str], unit: int = 1
) -> Chart:
    """One bar a slot. The scale starts at zero and ends at a round number of `unit`s."""
    most = _scale(max((slot.value for slot in slots), default=0), unit)
    width = 100 / max(len(slots), 1)
    return Chart(
        label=label,
        bars=[_bar(index, slot, width, most) for index, slot in enumerate(slots)],
        ticks=[Tick(_y(most * step // _TICKS, most), tick_text(most * step // _TICKS)) for step in range(_TICKS + 1)],
        marks=_marks(slots, width),
        columns=columns,
        rows=[slot.cells for slot in slots],
    )


def _scale(most: int, unit: int) -> int:
    """The smallest of 4, 8, 12, 20, 40, 80 … `unit`s that holds `most`: four steps of it are round as well."""
    size = unit
    while True:
        for factor in (4, 8, 12, 20):
            if most <= factor * size:
                return factor * size
        size *= 10


def _y(value: int, most: int) -> float:
    return round(TOP + PLOT_HEIGHT * (1 - value / most), 1)


def _bar(index: int, slot: Slot, width: float, most: int) -> Bar:
    # The smallest amount still shows as a line.
    height = max(2.0, PLOT_HEIGHT * slot.value / most) if slot.value else 0.0
    start = index * width
    early = start < 50
    return Bar(
        slot_x=round(start, 3), slot_width=round(width, 3), x=round(start + width * 0.16, 3),
        width=round(width * 0.68, 3), y=round(TOP + PLOT_HEIGHT - height, 1), height=round(height, 1),
        title=slot.title, note_x=round(start if early else start + width, 3), note_anchor="start" if early else "end",
    )


def _marks(slots: Sequence[Slot], width: float) -> list[Mark]:
    """The last slot, and as many before it, evenly apart, as there is room for."""
    marks: list[Mark] = []
    for index in range(len(slots) - 1, -1, -_apart(len(slots))):
        last = index == len(slots) - 1
        x = 100.0 if last else (index + 0.5) * width
        marks.append(Mark(round(x, 3), slots[index].mark, "end" if last else "middle", between=len(marks) % 2 == 1))
    return marks[::-1]


def _apart(count: int) -> int:
    """A week of days, two of many, a few hours, each of a few."""
    return 1 if count <= 7 else 4 if count <= 24 else 7 if count <= 31 else 14
