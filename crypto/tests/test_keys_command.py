"""`manage.py crypto_keys` tells addresses, never words."""

import io
import stat

import pytest
from django.core.management import CommandError, call_command

from crypto.models import DepositAddress, HotWallet
from crypto.tests.conftest import WORDS

pytestmark = pytest.mark.django_db


def run(**options):
    out = io.StringIO()
    call_command("crypto_keys", stdout=out, stderr=out, **options)
    return out.getvalue()


def test_typed_words_are_checked_and_their_addresses_shown(monkeypatch):
    monkeypatch.setattr("getpass.getpass", lambda prompt: WORDS)
    HotWallet.objects.create(network_id="BSC", mode="test", address="0x7ad6D6864763A93a83D52c61f58f4b000e8aa11e")
    HotWallet.objects.create(network_id="ETH", mode="test", address="0x" + "11" * 20)

    said = run(mode="test", count=2)

    assert "BSC (test): this installation's" in said
    assert "ETH (test): NOT this installation's" in said
    assert "SOL (test): not used here yet" in said
    assert "hot wallet  m/44'/60'/113'/1/0         0x7ad6D6864763A93a83D52c61f58f4b000e8aa11e" in said
    assert "deposit 0   m/44'/60'/113'/0/0         0xeAb57E462EE01f8d6c99275E5b06f99c313b1758" in said
    assert said.count("deposit ") == 10
    assert "abandon" not in said


def test_words_that_are_none_are_not_repeated(monkeypatch, tmp_path):
    monkeypatch.setattr("getpass.getpass", lambda prompt: "correct horse battery staple")
    with pytest.raises(CommandError) as refused:
        run()
    assert "not valid" in str(refused.value)
    assert "horse" not in str(refused.value)
    with pytest.raises(CommandError, match="cannot be read"):
        run(file=tmp_path / "nowhere")


def test_fresh_words_go_into_a_file_that_only_its_owner_reads(tmp_path):
    file = tmp_path / "words"

    said = run(new=file)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    words = file.read_text()
    assert len(words.split()) == 24
    assert words.strip() not in said
    assert "The mnemonic is valid." in run(file=file)
    with pytest.raises(CommandError, match="exists already"):
        run(new=file)
    assert file.read_text() == words


def test_the_pool_is_filled_by_the_signer_alone(settings, signer):
    settings.ADDRESS_POOL_SIZE = 3
    settings.PROCESS = "web"
    with pytest.raises(CommandError, match="GATEWAY_PROCESS=signer"):
        call_command("fill_address_pool")
    assert DepositAddress.objects.count() == 0

    settings.PROCESS = "signer"
    out = io.StringIO()
    call_command("fill_address_pool", stdout=out)

    assert (out.getvalue(), DepositAddress.objects.count()) == ("15 addresses made.\n", 15)


def test_a_pool_that_cannot_be_filled_is_no_success(settings, signer, monkeypatch):
    """A start-up script must not take other words, or none, for a pool that is full."""
    from crypto.keys import wallet

    settings.ADDRESS_POOL_SIZE = 1
    HotWallet.objects.create(network_id="BSC", mode="test", address="0x" + "11" * 20)
    with pytest.raises(CommandError, match="not the one this installation began with"):
        call_command("fill_address_pool")
    monkeypatch.setenv("CRYPTO_MNEMONIC", "correct horse")
    wallet.forget()

    with pytest.raises(CommandError, match="not valid"):
        call_command("fill_address_pool")

    assert DepositAddress.objects.count() == 0


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(CommandError, match="cannot be made"):
        run(new=tmp_path / "nowhere" / "words")


def test_a_network_that_is_not_there_is_not_reconciled():
    """It was told as nothing to compare, with the exit code of a match."""
    with pytest.raises(CommandError, match=r"No such network: bsc\. There are BSC, ETH, POL, TRX, SOL\."):
        call_command("reconcile_chain", network=["bsc"])
