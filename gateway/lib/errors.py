"""The one error that domain code raises. Each contract translates it to its own envelope in one place."""

from __future__ import annotations

from typing import Any


class GatewayError(Exception):
    """A refusal with a stable code.

    `code` is a snake_case word of the domain (contracts map it), `message` a sentence that may be shown to a
    merchant, `details` plain values such as `fields={"amount": "…"}`. Nothing was changed when it is raised.
    """

    code = "error"
    message = "The request could not be carried out."

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.message = message or self.message
        self.details = details
        super().__init__(self.message)


class InvalidFields(GatewayError):
    """Some values are present but bad; `details["fields"]` maps each field to what is wrong with it."""

    code = "invalid_fields"

    def __init__(self, **fields: str) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in fields.items()), fields=fields)


class NotFound(GatewayError):
    """The record does not exist, or is not the caller's to see: the two cannot be told apart."""

    code = "not_found"
    message = "Record does not exist."


class NotAllowed(GatewayError):
    """The caller's role may never do this."""

    code = "insufficient_permissions"
    message = "Your role does not have access to this."


class IllegalTransition(GatewayError):
    """The record is no longer in a state from which this step is allowed."""

    code = "invalid_state"
    message = "The record is no longer in a state that allows this."


class ProviderUnavailable(GatewayError):
    """No provider is set up for this mode, or it cannot be reached; nothing was moved."""

    code = "provider_unavailable"
    message = "No provider is configured for live mode yet. Nothing was created."
