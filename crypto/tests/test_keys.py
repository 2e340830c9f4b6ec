"""Keys against published vectors, and that only the signer's process may have any."""

import os
import stat

import pytest

from crypto import keys
from crypto.chains.base import Unsigned
from crypto.chains.curves import curve_of
from crypto.keys import mnemonic, wallet
from crypto.keys.derivation import private_key, slip10
from crypto.keys.paths import path_of
from crypto.tests.conftest import WORDS


# The vectors that BIP-39 links to, with their passphrase TREZOR.
@pytest.mark.parametrize(("words", "seed"), [
    (WORDS, "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04"),
    ("legal winner thank year wave sausage worth useful legal winner thank yellow",
     "2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6fa457fe1296106559a3c80937a1c1069be3a3a5bd381ee6260e8d9739fce1f607"),
    ("zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo vote",
     "dd48c104698c30cfe2b6142103248622fb7bb0ff692eebb00089b32d22484e1613912f0a5b694407be899ffd31ed3992c456cdf60f5d4564b8ba3f05a69890ad"),
])
def test_seeds_are_those_of_bip_39(words, seed):
    assert mnemonic.seed_of(words, "TREZOR").hex() == seed
    assert mnemonic.seed_of(f"  {words}\n".replace(" ", "  "), "TREZOR").hex() == seed


@pytest.mark.parametrize("words", [
    "", "abandon", WORDS.replace("about", "abandon"), WORDS + " about", WORDS.replace("about", "abuot"), "zoo " * 12,
])
def test_words_that_are_no_mnemonic_are_refused_without_being_repeated(words):
    with pytest.raises(keys.KeysMissing) as refused:
        mnemonic.seed_of(words)

    assert "abuot" not in str(refused.value)
    assert "abandon" not in str(refused.value)


# BIP-44's first addresses of the best known test mnemonics, as every wallet shows them.
@pytest.mark.parametrize(("words", "path", "family", "address"), [
    (WORDS, "m/44'/60'/0'/0/0", "evm", "0x9858EfFD232B4033E47d90003D41EC34EcaEda94"),
    ("test test test test test test test test test test test junk", "m/44'/60'/0'/0/0", "evm",
     "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
    ("test test test test test test test test test test test junk", "m/44'/60'/0'/0/1", "evm",
     "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"),
    (WORDS, "m/44'/195'/0'/0/0", "tron", "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH"),
    (WORDS, "m/44'/501'/0'/0'", "solana", "HAgk14JpMQLgt6rVgv7cBQFJWFto5Dqxi472uT3DKpqk"),
])
def test_addresses_are_those_of_bip_44(words, path, family, address):
    assert curve_of(family).address(private_key(mnemonic.seed_of(words), path, family)) == address


# SLIP-10's test vector 1 for ed25519.
@pytest.mark.parametrize(("path", "key"), [
    ("m", "2b4be7f19ee27bbf30c667b642d5f4aa69fd169872f8fc3059c08ebae2eb19e7"),
    ("m/0'", "68e0fe46dfb67e368c75379acec591dad19df3cde26e63b93a8e704f1dade7a3"),
    ("m/0'/1'", "b1d0bad404bf35da785a64ca1ac54b2617211d2777696fbffaf208f746ae84f2"),
    ("m/0'/1'/2'", "92a5b23c0b8a99e37d07df3fb9966917f5d06e02ddbd909c7e184371463e9fc9"),
    ("m/0'/1'/2'/2'", "30d1dc7e5fc04c31219ab25a27ae00b50f6fd66622f6e9c913253d6511d1e662"),
    ("m/0'/1'/2'/2'/1000000000'", "8f94d394a8e8fd6b1bc2f3f49f5c47e385281d5c17e65324b0f62483e37e8793"),
])
def test_ed25519_keys_are_those_of_slip_10(path, key):
    assert slip10(bytes(range(16)), path).hex() == key


def test_ed25519_has_hardened_levels_only():
    with pytest.raises(ValueError, match="hardened"):
        slip10(bytes(16), "m/44'/501'/0")


def test_eth_account_and_solders_derive_the_same(network):
    from eth_account import Account
    from solders.keypair import Keypair

    Account.enable_unaudited_hdwallet_features()
    seed = mnemonic.seed_of(WORDS)
    bsc = path_of(network("BSC"), "live", 7)
    sol = path_of(network("SOL"), "live", 7)

    assert curve_of("evm").address(private_key(seed, bsc, "evm")) == Account.from_mnemonic(WORDS, account_path=bsc).address
    expected = Keypair.from_seed_and_derivation_path(seed, sol)
    assert curve_of("solana").address(private_key(seed, sol, "solana")) == str(expected.pubkey())


def test_each_place_in_the_tree_is_of_one_network_and_mode(network):
    """These are written down here a second time on purpose: money lies at them."""
    assert path_of(network("BSC"), "live", 0) == "m/44'/60'/112'/0/0"
    assert path_of(network("BSC"), "test", 0) == "m/44'/60'/113'/0/0"
    assert path_of(network("ETH"), "live", 12) == "m/44'/60'/2'/0/12"
    assert path_of(network("POL"), "live", keys.HOT) == "m/44'/60'/274'/1/0"
    assert path_of(network("TRX"), "live", 3) == "m/44'/195'/0'/0/3"
    assert path_of(network("TRX"), "test", keys.HOT) == "m/44'/195'/1'/1/0"
    assert path_of(network("SOL"), "live", 3) == "m/44'/501'/0'/0'/3'"
    assert path_of(network("SOL"), "test", keys.HOT) == "m/44'/501'/1'/1'/0'"
    with pytest.raises(ValueError, match="outside"):
        path_of(network("BSC"), "live", 2**31)


@pytest.mark.parametrize("process", ["", "web", "worker", "clerk", "watcher", "courier", "scheduler"])
def test_no_other_process_may_use_keys(network, settings, monkeypatch, process):
    settings.PROCESS = process
    monkeypatch.setenv("CRYPTO_MNEMONIC", WORDS)
    wallet.forget()
    bsc = network("BSC")

    for use in (
        lambda: keys.hot_address(bsc, "test"), lambda: keys.address_at(bsc, "test", 0),
        lambda: keys.sign(bsc, "test", 0, Unsigned({})), wallet._seed,
    ):
        with pytest.raises(keys.KeysForbidden, match="signer"):
            use()
    assert os.environ["CRYPTO_MNEMONIC"] == WORDS  # nobody has even read it


def test_the_signer_forgets_where_its_words_came_from(network, signer):
    assert keys.address_at(network("BSC"), "test", 0) == "0xeAb57E462EE01f8d6c99275E5b06f99c313b1758"
    assert "CRYPTO_MNEMONIC" not in os.environ


def test_words_may_stand_in_a_file(network, signer, monkeypatch, tmp_path):
    file = tmp_path / "words"
    file.write_text(WORDS + "\n")
    monkeypatch.delenv("CRYPTO_MNEMONIC")
    monkeypatch.setenv("CRYPTO_MNEMONIC_FILE", str(file))

    assert keys.address_at(network("BSC"), "test", 0) == "0xeAb57E462EE01f8d6c99275E5b06f99c313b1758"


def test_a_file_that_cannot_be_read_is_said_without_its_content(signer, monkeypatch, tmp_path):
    monkeypatch.delenv("CRYPTO_MNEMONIC")
    monkeypatch.setenv("CRYPTO_MNEMONIC_FILE", str(tmp_path / "nowhere"))

    with pytest.raises(keys.KeysMissing, match="CRYPTO_MNEMONIC_FILE cannot be read"):
        mnemonic.read_words()


def test_production_without_words_says_what_to_set(signer, settings, monkeypatch):
    settings.DEMO = False
    monkeypatch.delenv("CRYPTO_MNEMONIC")

    with pytest.raises(keys.KeysMissing, match="CRYPTO_MNEMONIC"):
        mnemonic.read_words()


def test_the_demo_makes_words_of_its_own_once(signer, settings, monkeypatch, tmp_path):
    settings.DATA_DIR = tmp_path
    monkeypatch.delenv("CRYPTO_MNEMONIC")

    words = mnemonic.read_words()

    assert mnemonic.read_words() == words
    assert len(words.split()) == 24
    assert len(mnemonic.seed_of(words)) == 64
    assert stat.S_IMODE((tmp_path / "mnemonic").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["mnemonic"]


def test_a_key_signs_for_its_own_address_alone(network, signer):
    bsc = network("BSC")
    payload = {"sender": keys.address_at(bsc, "live", 1), "chainId": 56, "nonce": 0, "to": keys.hot_address(bsc, "live"),
               "value": 1, "data": "0x", "gas": 21000, "gasPrice": 10**9}

    with pytest.raises(ValueError, match="not the sender's"):
        keys.sign(bsc, "live", 2, Unsigned(payload))
    assert keys.sign(bsc, "live", 1, Unsigned(payload)).transaction_hash.startswith("0x")
