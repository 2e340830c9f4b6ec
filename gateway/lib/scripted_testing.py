"""For tests: somebody outside (a bank, a payment company) that answers as it is told."""

from __future__ import annotations

from typing import Any

from gateway.lib.providers import Outcome


class Scripted:
    """Answers from `answers`, one a call, the last one for ever; what was asked stands in `asked`."""

    name = "scripted"

    def __init__(self) -> None:
        self.answers: list[Any] = [Outcome("pending")]
        self.asked: list[tuple[str, str]] = []

    def answer(self, call: str, reference: str) -> Any:
        self.asked.append((call, reference))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer
