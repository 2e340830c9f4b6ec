"""The kinds of values that several answers share, as the OpenAPI document describes them."""

from __future__ import annotations

from typing import Annotated, Literal

from gateway.contracts.schema import Says

Timestamp = Annotated[str, Says(format="date-time", example="2026-01-30T18:10:23Z")]
Amount = Annotated[str, Says(pattern=r"^-?\d+\.\d{8}$", example="100.00000000", description="Tokens, eight places.")]
Number = Annotated[float, Says(example=100, description="Tokens, with every digit.")]
Dollars = Annotated[float, Says(example=100.5, description="US dollars and cents.")]
Uuid = Annotated[str, Says(format="uuid")]
Link = Annotated[str, Says(format="uri")]
Network = Literal["BSC", "ETH", "POL", "TRX", "SOL"]
Currency = Literal["USDT", "USDC"]
SessionStatus = Literal["pending", "paid", "failed", "expired"]
