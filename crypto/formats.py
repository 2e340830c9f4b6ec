"""How networks write addresses, amounts and links: pure functions, light enough for web processes.

An address that passes `clean_address` is one that somebody can hold the key of, in the network's own spelling: EVM
with its EIP-55 checksum, Tron with base58check, Solana on the curve. Amounts are integers on both sides; what does
not fit the ledger's 8 places is floored and told, never rounded.
"""

from __future__ import annotations

import re
from decimal import Decimal

from Crypto.Hash import keccak

from crypto import base58
from crypto.models.networks import Network, Token

LEDGER_PLACES = 8
_EVM = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_TRON_PREFIX = b"\x41"
# The field and the constant of edwards25519 (RFC 8032).
_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P


def clean_address(network: Network, text: str) -> str:
    """`text` in the network's own spelling. Raises `ValueError` with words for whoever typed it."""
    return _CLEANERS[network.family](text.strip(" "))


def lookup_form(network: Network, address: str) -> str:
    """What transfers are matched by: EVM addresses in lower case, others as they are."""
    return address.lower() if network.family == Network.Family.EVM else address


def checksummed(address: str) -> str:
    """An EVM address with the capitals of EIP-55."""
    digits = address[2:].lower()
    digest = keccak.new(digest_bits=256, data=digits.encode()).hexdigest()
    return "0x" + "".join(
        digit.upper() if int(nibble, 16) >= 8 else digit for digit, nibble in zip(digits, digest, strict=False)
    )


def _clean_evm(text: str) -> str:
    if not _EVM.fullmatch(text):
        raise ValueError("must be 0x and 40 hexadecimal digits")
    digits = text[2:]
    if digits not in (digits.lower(), digits.upper()) and checksummed(text) != text:
        raise ValueError("has a wrong checksum: capitals and small letters do not match, check it for typing errors")
    if int(digits, 16) == 0:
        raise ValueError("is the zero address, which nobody owns")
    return checksummed(text)


def _clean_tron(text: str) -> str:
    if len(text) != 34 or text[0] != "T":
        raise ValueError("must be 34 letters and digits that begin with T")
    try:
        data = base58.decode_check(text)
    except ValueError:
        raise ValueError("has a wrong checksum: check it for typing errors") from None
    if len(data) != 21 or data[:1] != _TRON_PREFIX or data[1:] == bytes(20):
        raise ValueError("is not an address of this network")
    return text


def _clean_solana(text: str) -> str:
    try:
        data = base58.decode(text) if 32 <= len(text) <= 44 else b""
    except ValueError:
        data = b""
    if len(data) != 32:
        raise ValueError("must be a base58 address of 32 to 44 letters and digits")
    if data == bytes(32):
        raise ValueError("is the system program, which nobody owns")
    if not on_curve(data):
        raise ValueError("is not a wallet's address (it may be a token account or a program)")
    return text


def on_curve(data: bytes) -> bool:
    """Whether 32 bytes are a point of edwards25519, so that a private key for them can exist."""
    y = int.from_bytes(data, "little") & (2**255 - 1)
    if y >= _P:
        return False
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    return square == 0 or pow(square, (_P - 1) // 2, _P) == 1


_CLEANERS = {
    Network.Family.EVM.value: _clean_evm,
    Network.Family.TRON.value: _clean_tron,
    Network.Family.SOLANA.value: _clean_solana,
}


def to_minor(units: int, decimals: int) -> tuple[int, int]:
    """The chain's units as the ledger's 10⁻⁸, floored, and the units that were left over: `(minor, dust)`."""
    if decimals <= LEDGER_PLACES:
        return units * _power(LEDGER_PLACES - decimals), 0
    return divmod(units, _power(decimals - LEDGER_PLACES))


def to_units(minor: int, decimals: int) -> int:
    """The ledger's 10⁻⁸ as the chain's units. Raises `ValueError` if the token has too few places for it."""
    if decimals >= LEDGER_PLACES:
        return minor * _power(decimals - LEDGER_PLACES)
    units, rest = divmod(minor, _power(LEDGER_PLACES - decimals))
    if rest:
        raise ValueError(f"must have at most {decimals} decimal places")
    return units


def _power(places: int) -> int:
    return int(10**places)


def decimal_text(minor: int, decimals: int = LEDGER_PLACES) -> str:
    """Plain digits without trailing zeros, for links that wallets read: `12.5`."""
    text = f"{Decimal(minor).scaleb(-decimals):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def payment_uri(network: Network, token: Token, address: str, minor: int) -> str:
    """What a QR code holds: EIP-681, Tron's usual form, or Solana Pay."""
    amount = decimal_text(minor)
    if network.family == Network.Family.EVM:
        units = to_units(minor, token.decimals)
        contract = checksummed(token.contract)
        return f"ethereum:{contract}@{network.chain_id}/transfer?address={address}&uint256={units}"
    if network.family == Network.Family.TRON:
        return f"tron:{address}?amount={amount}&token={token.contract}"
    return f"solana:{address}?amount={amount}&spl-token={token.contract}"


def explorer_transaction_url(network: Network, transaction_hash: str) -> str:
    return network.explorer + network.transaction_path.replace("{}", transaction_hash)


def explorer_address_url(network: Network, address: str) -> str:
    return network.explorer + network.address_path.replace("{}", address)
