"""Addresses of contracts whose views do not exist yet: each answers 401 in its contract's own envelope.

They are routed all the same, because the rule that chooses the contract asks which contract has an address.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from gateway.contracts.base import ContractView, Envelope, UnknownAddress
from gateway.contracts.problems import Unauthenticated


def authentication(code: str, message: str) -> type[BaseAuthentication]:
    """An authentication that knows no credential."""

    class NoCredentialYet(BaseAuthentication):
        def authenticate(self, request: Request) -> None:
            raise Unauthenticated(message, code)

    return NoCredentialYet


def view(envelope: Envelope, code: str, message: str) -> Callable[..., Any]:
    """`view(…)("GET", "POST")` makes the view of an address that has these methods."""
    base = type(
        "Unbuilt", (ContractView,),
        {"envelope": staticmethod(envelope), "authentication_classes": [authentication(code, message)]},
    )

    def with_methods(*methods: str) -> Any:
        handlers = {method.lower(): _never for method in methods}
        return type("Unbuilt", (base,), handlers).as_view()  # type: ignore[attr-defined]

    return with_methods


def unknown(envelope: Envelope) -> Any:
    attributes = {"envelope": staticmethod(envelope), "authentication_classes": [authentication("", "")]}
    return type("Unknown", (UnknownAddress,), attributes).as_view()  # type: ignore[attr-defined]


def _never(self: ContractView, request: Request, **_: str) -> Response:
    raise AssertionError("no caller is let in")
