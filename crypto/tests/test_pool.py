"""The pool: filled to its size, by the signer alone, without two addresses alike."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from crypto import keys, testing, watcher
from crypto.keys import wallet
from crypto.models import DepositAddress, HotWallet, Session, Sweep
from crypto.queries import hot_wallet
from crypto.services import pool
from crypto.services.sweeps import plan_sweeps
from gateway.lib.racing import together


@pytest.fixture(autouse=True)
def _small_pool(settings):
    settings.ADDRESS_POOL_SIZE = 3


def test_every_network_of_test_mode_gets_its_free_addresses(network, signer):
    assert pool.fill_pool() == 15
    assert pool.fill_pool() == 0

    rows = DepositAddress.objects.filter(network="BSC", mode="test").order_by("index")
    assert [row.index for row in rows] == [0, 1, 2]
    assert rows[1].address == keys.address_at(network("BSC"), "test", 1)
    assert rows[1].lookup == rows[1].address.lower()
    assert hot_wallet("BSC", "test") == keys.hot_address(network("BSC"), "test")
    assert hot_wallet("BSC", "live") == ""
    assert not DepositAddress.objects.filter(mode="live").exists()


def test_live_networks_that_are_on_get_theirs(network, signer, settings):
    settings.CRYPTO_RPC = {"TRX": ["https://node.example"]}

    assert pool.fill_pool() == 18
    assert set(DepositAddress.objects.filter(mode="live").values_list("network_id", flat=True)) == {"TRX"}
    assert hot_wallet("TRX", "live") != hot_wallet("TRX", "test")


def test_what_is_used_resting_or_full_is_replaced(network, signer):
    pool.fill_pool()
    used, resting, full = DepositAddress.objects.filter(network="SOL", mode="test").order_by("index")
    DepositAddress.objects.filter(pk=used.pk).update(is_active=False)
    DepositAddress.objects.filter(pk=resting.pk).update(rests_until=timezone.now() + timedelta(hours=1))
    DepositAddress.objects.filter(pk=full.pk).update(received_minor=5)

    assert pool.fill_pool_of(network=network("SOL"), mode="test") == 3
    assert pool.free_addresses(network("SOL"), "test").count() == 3
    assert sorted(DepositAddress.objects.filter(network="SOL").values_list("index", flat=True)) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("process", ["", "web", "worker", "watcher"])
def test_nobody_else_fills_it(network, settings, process):
    settings.PROCESS = process

    assert pool.fill_pool() == 0
    assert not DepositAddress.objects.exists()
    assert not HotWallet.objects.exists()


def test_other_words_than_those_it_began_with_fill_nothing(network, signer, monkeypatch):
    """Addresses of two mnemonics in one pool would be money that nobody sweeps."""
    pool.fill_pool()
    DepositAddress.objects.filter(network="BSC").update(is_active=False)
    wallet.forget()
    monkeypatch.setenv("CRYPTO_MNEMONIC", "test test test test test test test test test test test junk")

    assert pool.fill_pool() == 0
    assert DepositAddress.objects.filter(network="BSC").count() == 3


def test_without_words_it_says_so_and_goes_on(network, signer, settings, monkeypatch, caplog):
    settings.DEMO = False
    monkeypatch.delenv("CRYPTO_MNEMONIC")

    assert pool.fill_pool() == 0
    assert "CRYPTO_MNEMONIC" in caplog.text
    assert not DepositAddress.objects.exists()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_signers_never_make_the_same_address(network, signer, settings):
    settings.ADDRESS_POOL_SIZE = 12
    keys.hot_address(network("BSC"), "test")  # the seed is there before the race

    made = together(3, lambda _: pool.fill_pool_of(network=network("BSC"), mode="test"))

    assert [one for one in made if isinstance(one, Exception)] == []
    indexes = sorted(DepositAddress.objects.filter(network="BSC", mode="test").values_list("index", flat=True))
    assert indexes == list(range(len(indexes)))
    assert len(indexes) == sum(made) >= 12


def test_after_a_restore_no_address_that_may_be_known_is_given_out(network, signer, cast):
    pool.fill_pool()
    before = set(DepositAddress.objects.values_list("lookup", flat=True))
    session = testing.open_session(cast.merchant, "10", fresh=False)
    bsc = network("BSC")

    call_command("retire_addresses")

    session.refresh_from_db()
    assert (session.status, session.address.is_active, session.address.session_id) == ("pending", True, session.pk)
    assert not DepositAddress.objects.filter(session=None, is_active=True).exists()
    assert pool.fill_pool_of(network=bsc, mode="test") == 3
    assert pool.fill_pool_of(network=bsc, mode="test") == 0
    fresh = DepositAddress.objects.filter(network=bsc, mode="test", session=None, is_active=True).order_by("index")
    assert [row.index for row in fresh] == [1_000_003, 1_000_004, 1_000_005]
    assert fresh[0].address == keys.address_at(bsc, "test", 1_000_003)
    assert not before & {row.lookup for row in fresh}
    later = testing.open_session(cast.other, "10", fresh=False)
    assert later.address.index >= 1_000_003


def test_what_is_retired_is_watched_and_swept_as_before(network, signer, cast):
    pool.fill_pool()
    session = testing.open_session(cast.merchant, "100", fresh=False)
    Session.objects.filter(pk=session.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
    watcher.watch_network("BSC", "test")
    pool.retire_free_addresses()
    address = DepositAddress.objects.get(pk=session.address_id)
    assert (address.is_active, address.session_id) == (False, None)

    testing.pay(session)
    testing.confirm(session)

    address.refresh_from_db()
    assert (address.received_minor, address.is_active) == (100 * 10**8, False)
    assert plan_sweeps() == 1
    assert Sweep.objects.get().address_id == address.pk
