"""Refusals about webhook endpoints and deliveries."""

from gateway.lib.errors import GatewayError, IllegalTransition, InvalidFields


class UrlNotAllowed(InvalidFields):
    """The endpoint's address is not one that the gateway sends to."""

    def __init__(self, why: str) -> None:
        super().__init__(url=why)


class UnknownEvents(InvalidFields):
    """Some names are not events of the endpoint's contract."""

    def __init__(self, unknown: list[str], known: list[str]) -> None:
        super().__init__(events=f"unknown: {', '.join(unknown)}; the events are {', '.join(known) or 'none yet'}")


class TooManyEndpoints(GatewayError):
    code = "too_many_endpoints"
    message = "This merchant has as many webhook endpoints in this mode as it may have."


class TestsUnderWay(GatewayError):
    """`details["retry_after"]`: seconds."""

    code = "rate_limit_exceeded"
    message = "Other test deliveries are waiting for their answers. Try again in a few seconds."


class EndpointOff(IllegalTransition):
    message = "The endpoint is disabled or deleted; enable it before sending again."


class DeliveryUnderWay(IllegalTransition):
    message = "This delivery is being sent right now."
