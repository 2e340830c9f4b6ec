"""Tron's transactions as protobuf, written field by field, and its addresses as bytes.

The bytes that are signed come from our own intent alone: a node contributes the block that a transaction refers to,
which decides nothing but until when it is good.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from crypto import base58

TRANSFER, TRIGGER = 1, 31  # contract types
_NAMES = {TRANSFER: "TransferContract", TRIGGER: "TriggerSmartContract"}
_TRANSFER_CALL = bytes.fromhex("a9059cbb")  # transfer(address,uint256)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a transaction says beside its payment; times in milliseconds, the fee's limit in sun."""

    ref_block_bytes: bytes
    ref_block_hash: bytes
    expiration: int
    timestamp: int
    fee_limit: int


def address_bytes(address: str) -> bytes:
    """21 bytes, the first 0x41."""
    data = base58.decode_check(address)
    if len(data) != 21 or data[0] != 0x41:
        raise ValueError("not a Tron address")
    return data


def address_of(last_twenty: bytes) -> str:
    return base58.encode_check(b"\x41" + last_twenty[-20:])


def transfer_call(recipient: str, units: int) -> bytes:
    return _TRANSFER_CALL + address_parameter(recipient) + units.to_bytes(32)


def address_parameter(address: str) -> bytes:
    return address_bytes(address)[1:].rjust(32, b"\0")


def native_transfer(sender: str, recipient: str, units: int, terms: Terms) -> bytes:
    """raw_data of a transfer of TRX."""
    value = _bytes(1, address_bytes(sender)) + _bytes(2, address_bytes(recipient)) + _number(3, units)
    return _raw(TRANSFER, value, terms)


def token_transfer(sender: str, recipient: str, contract: str, units: int, terms: Terms) -> bytes:
    """raw_data of a call of a TRC-20 contract's `transfer`."""
    value = (
        _bytes(1, address_bytes(sender)) + _bytes(2, address_bytes(contract))
        + _bytes(4, transfer_call(recipient, units))
    )
    return _raw(TRIGGER, value, terms)


def _raw(kind: int, value: bytes, terms: Terms) -> bytes:
    parameter = _bytes(1, f"type.googleapis.com/protocol.{_NAMES[kind]}".encode()) + _bytes(2, value)
    contract = _number(1, kind) + _bytes(2, parameter)
    return (
        _bytes(1, terms.ref_block_bytes) + _bytes(4, terms.ref_block_hash) + _number(8, terms.expiration)
        + _bytes(11, contract) + _number(14, terms.timestamp) + _number(18, terms.fee_limit)
    )


def transaction_id(raw_data: bytes) -> str:
    return sha256(raw_data).hexdigest()


def signed_transaction(raw_data: bytes, signature: bytes) -> bytes:
    return _bytes(1, raw_data) + _bytes(2, signature)


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message, in order: numbers and byte strings, which is all that Tron's transactions have."""
    place = 0
    while place < len(data):
        key, place = _read_varint(data, place)
        if key & 7 == 0:
            number, place = _read_varint(data, place)
            yield key >> 3, number
        elif key & 7 == 2:
            length, place = _read_varint(data, place)
            if place + length > len(data):
                raise ValueError("cut short")
            yield key >> 3, data[place : place + length]
            place += length
        else:
            raise ValueError("not a field of a transaction")


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if place >= len(data) or shift > 63:
            raise ValueError("cut short")
        number |= (data[place] & 0x7F) << shift
        shift, place = shift + 7, place + 1
        if data[place - 1] < 0x80:
            return number, place


def _varint(number: int) -> bytes:
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])


def _number(field: int, value: int) -> bytes:
    """Zero is the default of proto3 and is not written."""
    return _varint(field << 3) + _varint(value) if value else b""


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value if value else b""
