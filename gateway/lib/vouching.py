"""A test credential that the panel vouches for: its owner is signed in, so one call of this process needs no secret.

The API's authentication asks here before it looks for a secret. Nothing that comes over the wire gets here: a
credential is tied to a request object that was made in this process, for one contract, and live ones are never taken.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from django.http import HttpRequest

from gateway.lib.errors import NotAllowed
from gateway.lib.modes import Mode

_NAME = "_vouched_credential"


class Credential(Protocol):
    mode: str


T = TypeVar("T", bound=Credential)


def vouch(request: HttpRequest, contract: str, credential: Credential) -> None:
    """Lets `request` pass as a call of `contract` with `credential`. Raises `NotAllowed` for a live one."""
    if credential.mode != Mode.TEST:
        raise NotAllowed("Only test credentials can be vouched for.")
    setattr(request, _NAME, (contract, credential))


def vouched(request: HttpRequest, contract: str, kind: type[T]) -> T | None:
    """The credential that `request` was vouched for with, for `contract`."""
    kept: tuple[str, Any] | None = request.__dict__.get(_NAME)
    if kept is None or kept[0] != contract or not isinstance(kept[1], kind):
        return None
    return kept[1] if kept[1].mode == Mode.TEST else None
