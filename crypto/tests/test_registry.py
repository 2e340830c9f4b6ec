"""Which networks are on, what stands behind each, and what a wrong environment is told at start."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from crypto.chains import registry
from crypto.chains.evm.chain import EvmChain
from crypto.chains.simulated.chain import SimulatedChain
from crypto.chains.solana.chain import SolanaChain
from crypto.chains.tron.chain import TronChain
from crypto.models import Token
from gateway import run
from gateway.lib import environment

NODE = ["https://node.example/key"]


def test_test_mode_has_every_network_simulated(network):
    assert [row.code for row in registry.enabled_networks("test")] == ["BSC", "ETH", "POL", "TRX", "SOL"]
    assert all(isinstance(registry.chain_for(row, "test"), SimulatedChain) for row in registry.enabled_networks("test"))


def test_live_mode_has_those_that_the_environment_names(network, settings):
    assert registry.enabled_networks("live") == []
    with pytest.raises(LookupError, match="CRYPTO_NETWORKS"):
        registry.chain_for(network("BSC"), "live")

    settings.CRYPTO_RPC = dict.fromkeys(["SOL", "BSC", "TRX"], NODE)

    assert [row.code for row in registry.enabled_networks("live")] == ["BSC", "TRX", "SOL"]
    assert registry.is_enabled("TRX", "live")
    assert not registry.is_enabled("ETH", "live")
    assert registry.is_enabled("ETH", "test")
    kinds = [type(registry.chain_for(row, "live")) for row in registry.enabled_networks("live")]
    assert kinds == [EvmChain, TronChain, SolanaChain]
    assert registry.chain_for(network("BSC"), "live") is registry.chain_for(network("BSC"), "live")


def test_tokens_of_a_network(network):
    token = registry.token_for("BSC", "live", "USDC")
    assert (token.contract, token.decimals) == ("0x8ac76a51cc950d9822d68b83fe1ad97b32cd580d", 18)
    assert registry.token_for(network("BSC"), "test", "USDC").contract != token.contract
    assert registry.token_for("BSC", "live", "DAI") is None

    Token.objects.filter(pk=token.pk).update(active=False)
    assert registry.token_for("BSC", "live", "USDC") is None
    assert registry.known_token("BSC", "live", "USDC").pk == token.pk
    assert [row.currency for row in registry.known_tokens("BSC", "live")] == ["USDT", "USDC"]


@pytest.mark.parametrize(("value", "words"), [
    ("", "RPC_BSC must hold its RPC addresses"), (" , ", "RPC_BSC must hold its RPC addresses"),
    ("ws://node", "https:// or http://"), ("https://a,node.example", "https:// or http://"),
])
def test_a_network_without_nodes_is_said_plainly(monkeypatch, value, words):
    monkeypatch.setenv("RPC_BSC", value)

    with pytest.raises(ImproperlyConfigured, match=words) as refused:
        environment.rpc_addresses(["BSC"])
    assert "ws://node" not in str(refused.value)  # it may hold a key


def test_several_nodes_keep_their_order(monkeypatch):
    monkeypatch.setenv("RPC_TRX", " https://one/key , http://two:8090 ")

    assert environment.rpc_addresses([" TRX", ""]) == {"TRX": ["https://one/key", "http://two:8090"]}
    assert environment.rpc_addresses([]) == {}


def test_the_gateway_does_not_start_half_configured(tmp_path):
    told = {name: value for name, value in os.environ.items() if not name.startswith("RPC_")}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=run.ROOT, capture_output=True, text=True, timeout=90, check=False,
        env=told | {"DATA_DIR": str(tmp_path), "CRYPTO_NETWORKS": "ETH,BSC", "RPC_ETH": "https://node.example"},
    )

    assert done.returncode != 0
    assert "CRYPTO_NETWORKS names BSC, so RPC_BSC must hold its RPC addresses." in done.stderr
