"""What requirements.txt installs and nothing else: processes of the tests run as on a machine without development tools.

The packages of requirements-dev.txt stand beside the others, so a process would find what no installation has, and a
missing requirement would first be missed by an operator.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
_SITE = '''"""Written by tests/released.py: what requirements.txt does not bring cannot be imported."""

import sys

MISSING = {names!r}


class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in MISSING:
            raise ModuleNotFoundError(f"No module named {{name!r}} (requirements.txt does not bring it)", name=name)


sys.meta_path.insert(0, NotInstalled())
'''


def pinned(file: str) -> list[Requirement]:
    """The lines of a requirements file."""
    lines = (line.split("#")[0].strip() for line in (ROOT / file).read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-r")]


@cache
def needed(file: str = "requirements.txt") -> frozenset[str]:
    """Names of all distributions that those lines ask for, and those that they need in turn."""
    seen: set[tuple[str, str]] = set()
    asked = [(one.name, extra) for one in pinned(file) for extra in ("", *one.extras)]
    while asked:
        name, extra = asked.pop()
        if (plain(name), extra) not in seen:
            seen.add((plain(name), extra))
            asked += [(one.name, more) for one in _requirements(name, extra) for more in ("", *one.extras)]
    return frozenset(name for name, _ in seen)


def _requirements(name: str, extra: str) -> list[Requirement]:
    found = [Requirement(line) for line in distribution(name).requires or []]
    return [one for one in found if one.marker is None or one.marker.evaluate({"extra": extra})]


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def alone(folder: Path) -> str:
    """A folder for a process's PYTHONPATH, in which it finds no more than requirements.txt brings."""
    place = folder / "released"
    if not place.exists():  # once: processes may be reading it
        place.mkdir()
        (place / "sitecustomize.py").write_text(_SITE.format(names=_missing()))
    return str(place)


@cache
def _missing() -> set[str]:
    """Modules that are here for other reasons."""
    brought = needed()
    return {
        module for module, names in packages_distributions().items()
        if not {plain(name) for name in names} & brought and module.isidentifier()
    }
