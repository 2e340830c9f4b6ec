"""Adapters that an installation brings itself, to payment companies and banks of its own: docs/adapters.md.

They are named in settings and loaded at the start, so that one that cannot work ends it, in plain words.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

_NAME = re.compile(r"[a-z][a-z0-9_]{0,23}", re.ASCII)  # as long as the columns that keep it, and good in an address


def load(setting: str, protocol: type, taken: Collection[str]) -> list[Any]:
    """What the dotted paths in `setting` name, each with all that `protocol` asks for and a name that is its own.

    Raises `ImproperlyConfigured`.
    """
    found: dict[str, Any] = {}
    for path in getattr(settings, setting):
        adapter = _imported(setting, path)
        if lacks := [name for name in _asked_by(protocol) if not hasattr(adapter, name)]:
            raise ImproperlyConfigured(f"{setting}: {path} lacks {', '.join(lacks)}.")
        if not isinstance(adapter.name, str) or not _NAME.fullmatch(adapter.name):
            raise ImproperlyConfigured(f"{setting}: {path} needs a name of up to 24 a-z, 0-9 and _, a letter first.")
        if adapter.name in taken or adapter.name in found:
            raise ImproperlyConfigured(f"{setting}: {path} has the name of another adapter, {adapter.name}.")
        found[adapter.name] = adapter
    return list(found.values())


def check_choice(setting: str, names: Collection[str]) -> None:
    """Raises `ImproperlyConfigured` unless the setting is empty or one of `names`."""
    chosen = getattr(settings, setting)
    if chosen and chosen not in names:
        raise ImproperlyConfigured(f"{setting} must be empty or one of {', '.join(names)}; it is {chosen!r}.")


def _imported(setting: str, path: str) -> Any:
    try:
        return import_string(path)
    except Exception as error:  # whatever its module may raise while it loads
        raise ImproperlyConfigured(f"{setting}: {path} cannot be imported: {type(error).__name__}: {error}") from error


def _asked_by(protocol: type) -> list[str]:
    return [name for name in (*protocol.__annotations__, *vars(protocol)) if not name.startswith("_")]
