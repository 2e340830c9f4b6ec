"""The EVM adapter on a real EVM, with real ERC-20s of 6 and of 18 places, and web3.py as the oracle."""

import threading
import time

import pytest
from web3 import Web3

from crypto.chains import http
from crypto.chains.base import NodeBusy, NodeDown, NodeTimeout, NodeWrong, Payment, Refused
from crypto.chains.evm.chain import EvmChain
from crypto.chains.evm.signing import EvmSigner
from crypto.models import RpcNode
from crypto.tests.evm_world import EvmWorld, plain

KEY = bytes(range(1, 33))
ME = EvmSigner().address(KEY)
pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    world = EvmWorld()
    yield world
    world.server.close()


@pytest.fixture
def evm(network, world):
    return chain_on(network, world, "ETH")


def chain_on(network, world, code, *urls):
    row = network(code)
    row.chain_id = world.chain_id
    return EvmChain(row, "live", list(urls) or [world.server.url])


def seen(chain, *contracts, first=0, last=None, recipients=(ME,)):
    last = chain.height() if last is None else last
    return chain.transfers(first, last, contracts=[one.address for one in contracts], recipients=recipients)


def send(chain, world, contract, units, *, nonce=0, fee=None, recipient=None):
    payment = Payment(ME, recipient or world.friend, contract.address if contract else None, units)
    fee = fee or chain.fee(payment)
    transaction = EvmSigner().sign(chain.build(payment, nonce=nonce, fee=fee), KEY)
    chain.broadcast(transaction)
    return transaction, fee


def test_transfers_of_both_tokens_are_found_as_they_were_made(world, evm):
    first = evm.height()
    six = world.pay(world.usdt, ME, 5_000_000)
    eighteen = world.pay(world.usdc, ME, 10**30)

    found = seen(evm, world.usdt, world.usdc)

    assert [(one.transaction_hash, one.position, one.height, one.units) for one in found] == [
        (six, 0, first + 1, 5_000_000), (eighteen, 0, first + 2, 10**30)
    ]
    assert (found[0].contract, found[0].recipient) == (world.usdt.address.lower(), ME.lower())
    assert found[0].sender == world.bank.lower()
    assert found[0].block_hash == world.w3.eth.get_block(first + 1)["hash"].to_0x_hex()
    assert [one.units for one in seen(evm, world.usdc)] == [10**30]
    assert seen(evm, world.usdt, first=first + 2) == []


def test_a_pull_by_somebody_else_counts_and_fakes_zeros_and_failures_do_not(world, evm):
    world.usdt.functions.approve(world.friend, 7).transact({"from": world.bank})
    pulled = world.usdt.functions.transferFrom(world.bank, ME, 7).transact({"from": world.friend}).to_0x_hex()
    fake = world.pay(world.fake, ME, 7)
    world.pay(world.usdt, ME, 0)
    failed = world.usdt.functions.transfer(ME, 7).transact({"from": world.friend, "gas": 100_000}).to_0x_hex()

    (found,) = seen(evm, world.usdt)

    assert (found.transaction_hash, found.sender, found.units) == (pulled, world.bank.lower(), 7)
    assert evm.receipt(fake).transfers[0].contract == world.fake.address.lower()
    assert not evm.receipt(failed).succeeded
    assert evm.receipt(failed).transfers == ()


def test_positions_count_all_token_transfers_of_a_transaction(world, evm):
    world.usdt.functions.pay_all([world.friend, ME, world.friend, ME], 3).transact({"from": world.bank})

    assert [(one.position, one.units) for one in seen(evm, world.usdt)] == [(1, 3), (3, 3)]


def test_a_receipt_is_what_web3_reads(world, evm):
    paid = world.pay(world.usdt, ME, 5)
    expected = world.w3.eth.get_transaction_receipt(paid)

    receipt = evm.receipt(paid)

    assert receipt.succeeded
    assert receipt.height == expected["blockNumber"]
    assert receipt.block_hash == expected["blockHash"].to_0x_hex()
    assert receipt.gas_used == expected["gasUsed"]
    assert receipt.fee == expected["gasUsed"] * expected["effectiveGasPrice"]
    assert receipt.time.timestamp() == world.w3.eth.get_block(expected["blockNumber"])["timestamp"]
    assert evm.receipt("0x" + "11" * 32) is None
    assert not evm.knows("0x" + "11" * 32)
    assert evm.knows(paid)


def test_a_range_too_large_is_halved_and_still_whole(world, evm):
    hashes = [world.pay(world.usdt, ME, number) for number in range(1, 8)]
    world.most_blocks = 2

    assert [one.transaction_hash for one in seen(evm, world.usdt, first=0)] == hashes
    assert world.server.calls.count("eth_getLogs") > 4


def test_one_block_that_is_too_large_is_said_and_not_skipped(world, evm):
    world.pay(world.usdt, ME, 1)
    world.most_blocks = 0.5

    with pytest.raises(NodeBusy, match="too large"):
        seen(evm, world.usdt)


def test_many_recipients_are_asked_for_in_parts(world, evm):
    many = [Web3.to_checksum_address(f"0x{number:040x}") for number in range(1, 900)]
    world.pay(world.usdt, many[0], 1)
    world.pay(world.usdt, many[-1], 2)

    assert [one.units for one in seen(evm, world.usdt, recipients=many)] == [1, 2]
    assert world.server.calls.count("eth_getLogs") == 3


def test_a_reorganisation_shows_in_hashes_and_takes_transfers_back(world, evm):
    before = world.tester.take_snapshot()
    lost = world.pay(world.usdt, ME, 5)
    old = evm.block(evm.height())
    world.tester.revert_to_snapshot(before)
    kept = world.pay(world.usdt, ME, 6)

    new = evm.block(evm.height())

    assert (old.height, old.parent) == (new.height, new.parent)
    assert old.hash != new.hash
    assert [one.transaction_hash for one in seen(evm, world.usdt)] == [kept]
    assert evm.receipt(lost) is None


@pytest.mark.parametrize(("code", "terms"), [
    ("ETH", {"gas", "maxFeePerGas", "maxPriorityFeePerGas"}), ("BSC", {"gas", "gasPrice"}),
])
def test_our_own_transfer_is_mined_at_no_more_than_it_said(network, world, code, terms):
    chain = chain_on(network, world, code)
    world.pay(world.usdt, ME, 5_000_000)
    world.fund(ME)

    transaction, fee = send(chain, world, world.usdt, 2_000_000)
    chain.broadcast(transaction)  # known already: no harm

    assert set(fee.terms) == terms
    receipt = chain.receipt(transaction.transaction_hash)
    assert receipt.succeeded
    assert 0 < receipt.fee <= fee.most
    assert chain.native_balance(ME) == 10**18 - receipt.fee == world.w3.eth.get_balance(ME)
    assert chain.token_balance(ME, world.usdt.address) == 3_000_000
    assert world.usdt.functions.balanceOf(world.friend).call() == 2_000_000
    assert chain.next_nonce(ME) == 1
    with pytest.raises(Refused) as refused:
        send(chain, world, world.usdt, 1, nonce=0)
    assert refused.value.reason == "nonce_used"


def test_native_coin_is_sent_as_it_is(world, evm):
    world.fund(ME)
    before = world.w3.eth.get_balance(world.friend)

    transaction, fee = send(evm, world, None, 10**15)

    assert fee.terms["gas"] == 21_000
    assert evm.receipt(transaction.transaction_hash).gas_used == 21_000
    assert world.w3.eth.get_balance(world.friend) == before + 10**15


def test_what_we_sign_is_what_eth_account_reads(world, evm):
    from eth_account import Account
    from eth_account.typed_transactions import TypedTransaction
    from hexbytes import HexBytes

    world.pay(world.usdt, ME, 10)
    payment = Payment(ME, world.friend, world.usdt.address, 9)
    unsigned = evm.build(payment, nonce=3, fee=evm.fee(payment))

    signed = EvmSigner().sign(unsigned, KEY)

    assert Account.recover_transaction(signed.raw) == ME
    fields = TypedTransaction.from_bytes(HexBytes(signed.raw)).as_dict()
    assert (fields["nonce"], fields["chainId"], fields["value"]) == (3, world.chain_id, 0)
    assert fields["to"] == bytes.fromhex(world.usdt.address[2:])
    function, arguments = world.usdt.decode_function_input(fields["data"])
    assert (function.fn_name, list(arguments.values())) == ("transfer", [world.friend, 9])


@pytest.mark.parametrize("code", ["ETH", "BSC"])
def test_a_replacement_offers_an_eighth_more_of_everything(network, world, code):
    chain = chain_on(network, world, code)
    world.pay(world.usdt, ME, 10)
    payment = Payment(ME, world.friend, world.usdt.address, 9)
    fee = chain.fee(payment)

    better = chain.fee(payment, beyond=fee)

    for name in set(fee.terms) - {"gas"}:
        assert better.terms[name] * 1000 >= fee.terms[name] * 1125


def test_a_payment_that_would_fail_or_cost_too_much_is_not_priced(world, evm):
    world.fund(ME)
    with pytest.raises(Refused, match="would fail"):
        evm.fee(Payment(ME, world.friend, world.usdt.address, 1))
    world.pay(world.usdt, ME, 1)
    world.hook = lambda method, _: [hex(10**11)] if method == "eth_maxPriorityFeePerGas" else None
    evm.fee(Payment(ME, world.friend, world.usdt.address, 1))
    world.hook = lambda method, _: [hex(10**15)] if method == "eth_maxPriorityFeePerGas" else None
    with pytest.raises(NodeWrong, match="ceiling"):
        evm.fee(Payment(ME, world.friend, world.usdt.address, 1))


def test_without_coin_for_gas_it_is_refused(world, evm):
    world.pay(world.usdt, ME, 10)
    assert evm.fee(Payment(ME, world.friend, world.usdt.address, 1)).terms["gas"] == 100_000

    with pytest.raises(Refused) as refused:
        send(evm, world, world.usdt, 1)
    assert refused.value.reason == "no_gas"


def test_a_node_of_another_chain_is_never_asked_anything(network, world):
    row = network("BSC")  # its chain is 56
    chain = EvmChain(row, "live", [world.server.url])

    with pytest.raises(NodeWrong, match="is of chain"):
        chain.height()
    assert set(world.server.calls) == {"eth_chainId"}


def nothing(method):
    return lambda asked, _: [None] if asked == method else None


@pytest.mark.parametrize("method", ["eth_getLogs", "eth_getBlockByNumber"])
def test_null_is_not_an_empty_range(world, evm, method):
    world.pay(world.usdt, ME, 1)
    last = evm.height()
    world.hook = nothing(method)

    with pytest.raises(NodeWrong):
        seen(evm, world.usdt, last=last)
    world.hook = nothing("eth_getBlockByNumber")
    with pytest.raises(NodeWrong):
        evm.block(last)


def test_logs_that_the_receipt_denies_are_not_believed(world, evm):
    """A node that claims a transfer must show the transaction that made it, and that must have succeeded."""
    world.pay(world.usdt, ME, 1)
    failed = world.usdt.functions.transfer(ME, 7).transact({"from": world.friend, "gas": 100_000}).to_0x_hex()
    logs = plain(world.w3.eth.get_logs({"fromBlock": 0, "toBlock": "latest", "address": world.usdt.address}))
    lie = dict(logs[-1], transactionHash=failed)
    world.hook = lambda method, _: [[lie]] if method == "eth_getLogs" else None

    with pytest.raises(NodeWrong, match="denies"):
        seen(evm, world.usdt)
    world.hook = lambda method, _: [[dict(logs[-1], blockNumber=hex(10**6))]] if method == "eth_getLogs" else None
    with pytest.raises(NodeWrong, match="answered a log of block"):
        seen(evm, world.usdt)


@pytest.mark.parametrize(("trouble", "error"), [
    (b"<html>maintenance</html>", NodeWrong), (b"", NodeWrong), (b'{"jsonrpc": "2.0", "id": 0}', NodeWrong),
    (b'{"jsonrpc": "2.0", "id": 0, "result": "0xzz"}', NodeWrong), (b"[" * 100_000, NodeWrong), (b"null", NodeWrong),
    (b'{"jsonrpc": "2.0", "id": 0, "result": {}}', NodeWrong), ("redirect", NodeWrong),
    (b'{"jsonrpc": "2.0", "id": 0, "error": {"code": -32005, "message": "limit exceeded"}}', NodeBusy),
    (429, NodeBusy), (500, NodeTimeout), (503, NodeTimeout), ("hang_up", NodeTimeout), ("huge", NodeBusy),
])
def test_a_bad_answer_is_an_error_and_the_next_node_is_asked(network, world, monkeypatch, trouble, error):
    monkeypatch.setattr(http.post, "__kwdefaults__", {"seconds": 10.0, "max_body": 2**20})
    alone = chain_on(network, world, "ETH")
    height = alone.height()
    world.server.trouble.append(trouble)
    with pytest.raises(error):
        alone.height()

    other = EvmWorld()
    two = chain_on(network, world, "ETH", world.server.url, other.server.url)
    two.height()
    world.server.trouble.append(trouble)
    if trouble != "huge":  # too large is about the question, which another node would be no wiser about
        assert two.height() == height
    other.server.close()


@pytest.mark.parametrize("trouble", ["hang", "drip"])
def test_a_slow_answer_ends_at_its_deadline(world, evm, monkeypatch, trouble):
    evm.height()
    monkeypatch.setattr(http.post, "__kwdefaults__", {"seconds": 0.5, "max_body": 2**20})
    world.server.trouble.append(trouble)
    started = time.monotonic()

    with pytest.raises(NodeTimeout, match="no answer within"):
        evm.height()
    assert time.monotonic() - started < 15


def test_a_node_that_goes_backwards_is_not_believed(world, evm):
    world.mine(30)
    height = evm.height()
    world.hook = lambda method, _: [hex(height - 20)] if method == "eth_blockNumber" else None

    with pytest.raises(NodeWrong, match="backwards"):
        evm.height()


def test_nodes_are_tried_in_the_order_of_health_and_rest_after_failures(network, world):
    dead = "http://127.0.0.1:9"
    chain = chain_on(network, world, "ETH", dead, world.server.url)

    chain.height()
    chain.height()

    ill, well = RpcNode.objects.get(failures__gt=0), RpcNode.objects.get(failures=0)
    assert (ill.failures, ill.last_error) == (1, "cannot be connected to")  # asked once; then the other came first
    assert well.answered_at is not None
    assert world.server.calls.count("eth_blockNumber") == 2

    alone = chain_on(network, world, "ETH", dead)
    for _ in range(2):
        with pytest.raises(NodeDown):
            alone.height()
    with pytest.raises(NodeDown, match="resting"):
        alone.height()


def test_a_url_with_a_key_is_shown_nowhere(network, world, caplog):
    chain = chain_on(network, world, "ETH", "http://127.0.0.1:9/v3/SECRETKEY")

    with pytest.raises(NodeDown) as error:
        chain.height()

    row = RpcNode.objects.get()
    assert "SECRETKEY" not in f"{error.value} {row.label} {row.last_error} {caplog.text}"


def test_a_broadcast_is_only_surely_not_sent_if_nobody_was_reached(network, world, monkeypatch):
    world.pay(world.usdt, ME, 10)
    world.fund(ME)
    dead = "http://127.0.0.1:9"
    chain = chain_on(network, world, "ETH", world.server.url, dead)
    payment = Payment(ME, world.friend, world.usdt.address, 1)
    transaction = EvmSigner().sign(chain.build(payment, nonce=0, fee=chain.fee(payment)), KEY)
    world.server.trouble.append("hang_up")

    with pytest.raises(NodeTimeout):
        chain.broadcast(transaction)
    with pytest.raises(NodeDown):
        chain_on(network, world, "ETH", dead).broadcast(transaction)
    assert world.w3.eth.get_transaction_count(ME) == 0


def test_threads_share_the_connections(world, evm):
    evm.height()
    heights = []
    threads = [threading.Thread(target=lambda: heights.append(evm.nodes._nodes[0].rpc("eth_blockNumber", []))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(heights) == 8


def test_every_node_is_asked_for_a_receipt_that_one_word_is_not_enough_for(world, network):
    paid = world.pay(world.usdt, ME, 5)
    chain = chain_on(network, world, "ETH", world.server.url, "http://127.0.0.1:9")

    true, gone = chain.receipts(paid)

    assert (true, type(gone)) == (chain.receipt(paid), NodeDown)
    assert chain.receipts("0x" + "11" * 32)[0] is None
