"""Addresses, amounts and links, with the chains' own libraries as oracles."""

import os
import random
from hashlib import sha256

import pytest

from crypto import base58, formats
from crypto.models import Token

EVM_ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # EIP-55's own example
TRON_ADDRESS = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
SOLANA_ADDRESS = "HAgk14JpMQLgt6rVgv7cBQFJWFto5Dqxi472uT3DKpqk"


@pytest.mark.parametrize(("code", "text", "clean"), [
    ("BSC", EVM_ADDRESS, EVM_ADDRESS),
    ("ETH", EVM_ADDRESS.lower(), EVM_ADDRESS),
    ("POL", "0x" + EVM_ADDRESS[2:].upper(), EVM_ADDRESS),
    ("ETH", f"  {EVM_ADDRESS} ", EVM_ADDRESS),
    ("TRX", TRON_ADDRESS, TRON_ADDRESS),
    ("SOL", SOLANA_ADDRESS, SOLANA_ADDRESS),
])
def test_an_address_comes_back_as_its_network_spells_it(network, code, text, clean):
    assert formats.clean_address(network(code), text) == clean


@pytest.mark.parametrize(("code", "text", "words"), [
    ("BSC", "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "wrong checksum"),  # one capital less
    ("BSC", EVM_ADDRESS[:-1], "40 hexadecimal digits"),
    ("BSC", EVM_ADDRESS + "0", "40 hexadecimal digits"),
    ("BSC", EVM_ADDRESS[2:], "40 hexadecimal digits"),
    ("BSC", "0x" + "0" * 40, "zero address"),
    ("BSC", "0x" + "٣" * 40, "40 hexadecimal digits"),
    ("BSC", EVM_ADDRESS + "\n", "40 hexadecimal digits"),
    ("BSC", TRON_ADDRESS, "40 hexadecimal digits"),
    ("TRX", EVM_ADDRESS, "begin with T"),
    ("TRX", TRON_ADDRESS[:-1] + "u", "wrong checksum"),
    ("TRX", TRON_ADDRESS[:-1], "begin with T"),
    ("TRX", "T" + "l" * 33, "wrong checksum"),
    ("SOL", "0" * 40, "base58"),
    ("SOL", SOLANA_ADDRESS[:-6], "base58"),
    ("SOL", "1" * 32, "system program"),
    ("SOL", "é" * 40, "base58"),
    ("SOL", "", "base58"),
    ("TRX", "", "begin with T"),
    ("ETH", "", "hexadecimal"),
])
def test_what_is_no_address_is_refused_in_words(network, code, text, words):
    with pytest.raises(ValueError, match=words):
        formats.clean_address(network(code), text)


def test_a_token_account_is_no_address_to_withdraw_to(network):
    """It lies off the curve: nobody has a key of it."""
    from crypto.chains.solana.programs import token_account

    account = token_account(SOLANA_ADDRESS, "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v")

    with pytest.raises(ValueError, match="not a wallet"):
        formats.clean_address(network("SOL"), account)


def test_capitals_are_those_of_eip_55():
    from eth_utils import to_checksum_address

    dice = random.Random(55)
    for _ in range(300):
        address = "0x" + dice.randbytes(20).hex()
        assert formats.checksummed(address) == to_checksum_address(address)


def test_the_curve_is_the_one_of_solana():
    from solders.pubkey import Pubkey

    dice = random.Random(25519)
    seen = set()
    for _ in range(300):
        key = dice.randbytes(32)
        assert formats.on_curve(key) is Pubkey.from_bytes(key).is_on_curve()
        seen.add(formats.on_curve(key))
    assert seen == {True, False}


def test_base58_is_that_of_solana_and_takes_one_spelling_only():
    from solders.pubkey import Pubkey

    dice = random.Random(58)
    for length in (0, 1, 2, 25, 32, 64):
        data = bytes(length // 3) + dice.randbytes(length - length // 3)
        assert base58.decode(base58.encode(data)) == data
    key = dice.randbytes(32)
    assert base58.encode(key) == str(Pubkey.from_bytes(key))
    assert base58.encode_check(b"\x41" + bytes.fromhex("a614f803b6fd780986a42c78ec9c7f77e6ded13c")) == TRON_ADDRESS
    for wrong in ("0", "O", "I", "l", "1" * 200, "²"):
        with pytest.raises(ValueError):
            base58.decode(wrong)
    assert sha256(base58.decode_check(TRON_ADDRESS)).digest() != os.urandom(32)


def test_contracts_of_the_networks_are_spelled_right(db):
    """The well-known ones, with the places they have."""
    live = {(token.network_id, token.currency): (token.contract, token.decimals) for token in Token.objects.filter(mode="live")}

    assert live[("BSC", "USDT")] == ("0x55d398326f99059ff775485246999027b3197955", 18)
    assert live[("ETH", "USDC")] == ("0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", 6)
    assert live[("TRX", "USDT")] == (TRON_ADDRESS, 6)
    assert len(live) == 10
    for token in Token.objects.select_related("network"):
        if token.network.family == "evm":
            assert formats.clean_address(token.network, token.contract).lower() == token.contract
        elif token.network.family == "tron":
            assert len(base58.decode_check(token.contract)) == 21
        else:
            assert len(base58.decode(token.contract)) == 32
    assert len(set(Token.objects.values_list("contract", flat=True))) == 20


@pytest.mark.parametrize(("units", "decimals", "minor", "dust"), [
    (10**18, 18, 10**8, 0),
    (10**18 - 1, 18, 10**8 - 1, 9_999_999_999),
    (9_999_999_999, 18, 0, 9_999_999_999),
    (5_000_000, 6, 5 * 10**8, 0),
    (1, 6, 100, 0),
    (123, 8, 123, 0),
    (10**77, 18, 10**67, 0),
])
def test_units_are_floored_to_the_ledgers_places_and_the_dust_is_told(units, decimals, minor, dust):
    assert formats.to_minor(units, decimals) == (minor, dust)


def test_minor_units_become_the_chains_own_exactly_or_not_at_all():
    assert formats.to_units(5 * 10**8, 18) == 5 * 10**18
    assert formats.to_units(5 * 10**8, 6) == 5_000_000
    with pytest.raises(ValueError, match="6 decimal places"):
        formats.to_units(5 * 10**8 + 1, 6)


@pytest.mark.parametrize(("code", "uri"), [
    ("BSC", "ethereum:0x55d398326f99059fF775485246999027B3197955@56/transfer?address={}&uint256=12500000000000000000"),
    ("ETH", "ethereum:0xdAC17F958D2ee523a2206206994597C13D831ec7@1/transfer?address={}&uint256=12500000"),
    ("TRX", "tron:{}?amount=12.5&token=TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
    ("SOL", "solana:{}?amount=12.5&spl-token=Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB"),
])
def test_payment_links_are_those_wallets_read(network, code, uri):
    token = Token.objects.get(network=code, mode="live", currency="USDT")

    assert formats.payment_uri(network(code), token, "ADDRESS", 12_50000000) == uri.format("ADDRESS")


def test_links_to_the_explorers(network):
    assert formats.explorer_transaction_url(network("BSC"), "0xab") == "https://bscscan.com/tx/0xab"
    assert formats.explorer_transaction_url(network("TRX"), "ab") == "https://tronscan.org/#/transaction/ab"
    assert formats.explorer_address_url(network("SOL"), "ab") == "https://solscan.io/account/ab"


def test_a_path_with_another_brace_in_it_breaks_no_link(network):
    bsc = network("BSC")
    bsc.address_path = bsc.transaction_path = "/{% x %}/{}"

    assert formats.explorer_transaction_url(bsc, "0xab") == "https://bscscan.com/{% x %}/0xab"
    assert formats.explorer_address_url(bsc, "0xcd") == "https://bscscan.com/{% x %}/0xcd"


def test_amounts_in_links_are_plain_digits():
    assert [formats.decimal_text(minor) for minor in (10**8, 1, 12_50000000, 10**15)] == ["1", "0.00000001", "12.5", "10000000"]
