"""What every view of the signed contract has: its caller, its last checks, and its success envelope."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.http import HttpResponse
from rest_framework.response import Response

from accounts import credentials
from accounts.actors import Viewer
from accounts.errors import AccountSuspended
from gateway.contracts.base import ContractView, UnknownAddress
from gateway.contracts.problems import MalformedRequest, PayloadTooLarge, Unauthenticated, unknown_address
from gateway.contracts.signed import replays
from gateway.contracts.signed.authentication import SignedAuthentication, SignedCaller
from gateway.contracts.signed.errors import AddressNotAllowed, UnexpectedQuery, envelope
from gateway.lib.middleware import client_address
from gateway.lib.modes import Mode


class SignedView(ContractView):
    """`reads_balance`: a live pair without an allow-list may make this call and no other."""

    envelope = staticmethod(envelope)
    authentication_classes = [SignedAuthentication]
    reads_balance: ClassVar[bool] = False

    def check_caller(self) -> None:
        self._check_address()
        if self.me.is_suspended:
            raise AccountSuspended("This account is suspended.")
        if not replays.take(self.me.signature):
            raise Unauthenticated("A request with this signature has been accepted before.", "replayed_request")

    def _check_address(self) -> None:
        pair, address = self.me.credential, client_address(self.request._request)
        if not credentials.allows_address(pair, address):
            raise AddressNotAllowed(f"The address {address} is not in the allow-list of this access key.")
        if pair.mode == Mode.LIVE and not pair.allowed_addresses and not self.reads_balance:
            raise AddressNotAllowed(
                "This live access key has no allow-list, so it can only read its balance. "
                f"Add your server's address (this request came from {address}) in the panel, under API keys."
            )

    @property
    def me(self) -> SignedCaller:
        return cast(SignedCaller, self.caller)

    @property
    def viewer(self) -> Viewer:
        return self.me.viewer

    def good(self, data: Any, message: str) -> Response:
        return Response({"error": "", "data": data, "message": message, "success": True})


class SignedUnknownAddress(UnknownAddress, SignedView):
    """Whatever the signed contract has nothing at."""

    def _respond(self) -> HttpResponse:
        try:
            return super()._respond()
        except (UnexpectedQuery, MalformedRequest, PayloadTooLarge):
            return self.refusal(unknown_address())
