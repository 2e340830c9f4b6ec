"""Base58 as Bitcoin spells it: what Tron's and Solana's addresses are written in. Needs no chain library.

`decode` takes exactly what `encode` makes: another spelling of the same bytes does not exist.
"""

from __future__ import annotations

from hashlib import sha256

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}
_LONGEST = 128  # letters; longer text is no address, no hash and no key


def encode(data: bytes) -> str:
    number, letters = int.from_bytes(data), ""
    while number:
        number, value = divmod(number, 58)
        letters = ALPHABET[value] + letters
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + letters


def decode(text: str) -> bytes:
    """Raises `ValueError` for a letter outside the alphabet, and for text too long to be anything of ours."""
    if len(text) > _LONGEST:
        raise ValueError("too long")
    number = 0
    for letter in text:
        if letter not in _VALUES:
            raise ValueError("not base58")
        number = number * 58 + _VALUES[letter]
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8)


def encode_check(data: bytes) -> str:
    return encode(data + _checksum(data))


def decode_check(text: str) -> bytes:
    """The bytes before the checksum; raises `ValueError` if it does not match."""
    data = decode(text)
    if len(data) < 5 or _checksum(data[:-4]) != data[-4:]:
        raise ValueError("checksum does not match")
    return data[:-4]


def _checksum(data: bytes) -> bytes:
    return sha256(sha256(data).digest()).digest()[:4]
