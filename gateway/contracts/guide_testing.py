"""For tests that run a guide of `docs/` as it is printed: its blocks, and one shell that lives for the whole of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from django.conf import settings


def blocks(name: str) -> list[tuple[str, str]]:
    """(language, text) of each fenced block of shell, JSON or Python in `docs/<name>`."""
    text = (Path(settings.BASE_DIR) / "docs" / name).read_text()
    return re.findall(r"^```(sh|json|python)\n(.*?)^```$", text, re.M | re.S)


class Shell:
    """One bash that lives for the whole guide, so that variables and functions do too."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            ["/bin/bash"], cwd=folder, env=os.environ | variables, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )

    def run(self, line: str) -> str:
        """What the line printed; it must end well."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{line}\nprintf '\\n<end %s>\\n' $?\n")
        printed: list[str] = []
        for text in self.process.stdout:
            if text.startswith("<end "):
                assert text == "<end 0>\n", (line, printed)
                return "".join(printed).strip()
            printed.append(text)
        raise AssertionError(f"the shell ended at {line}")

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=10)


def shown_in(printed: str, expected: dict[str, Any]) -> dict[str, Any]:
    """`expected` with only the members that the guide shows, however deep."""
    return _only(json.loads(printed), expected)


def _only(body: Any, expected: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _only(body[name], value) if isinstance(value, dict) and isinstance(body[name], dict) else body[name]
        for name, value in expected.items()
    }
