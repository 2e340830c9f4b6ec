"""What crypto refuses, and why. Contracts translate the codes; messages are for a merchant."""

from __future__ import annotations

from gateway.lib.errors import GatewayError
