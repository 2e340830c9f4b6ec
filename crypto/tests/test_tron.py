"""The Tron adapter against a loopback node that answers in the recorded shapes of java-tron's JSON API."""

import json
from hashlib import sha256

import pytest

from crypto.chains.base import NodeBusy, NodeTimeout, NodeWrong, Payment, Refused
from crypto.chains.curves import Tron
from crypto.chains.tron import encoding
from crypto.chains.tron.chain import TronChain
from crypto.chains.tron.signing import TronSigner
from crypto.tests.rpc_server import RpcServer

pytestmark = pytest.mark.django_db
KEY = bytes(range(1, 33))
ME = TronSigner().address(KEY)
USDT = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
USDT_HEX = "a614f803b6fd780986a42c78ec9c7f77e6ded13c"
FRIEND = "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH"
GENESIS = "0" * 16 + "1ebf88508a03865c71d452e25f4d51194196a1d22b6653dc"
TRANSFER = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
START_MS = 1_700_000_000_000


class TronWorld:
    """Blocks 0 … `head`, one every three seconds; `infos[height]` are receipts, as the node tells them."""

    def __init__(self):
        self.head, self.infos, self.branch, self.overrides, self.sent = 100, {}, 0, {}, []
        self.server = RpcServer(self.answer)

    def answer(self, path, body):
        if path in self.overrides:
            found = self.overrides[path]
            return found(body) if callable(found) else found
        return getattr(self, path.rsplit("/", 1)[1])(body)

    def block_id(self, height):
        if height == 0:
            return GENESIS
        return f"{height:016x}" + sha256(f"{height} {self.branch}".encode()).hexdigest()[:48]

    def getblock(self, body):
        height = int(body.get("id_or_num", self.head))
        assert body["detail"] is False
        if height > self.head:
            return {}
        raw = {"number": height, "timestamp": START_MS + 3000 * height, "parentHash": self.block_id(height - 1)}
        if height == 0:
            raw = {"parentHash": "00" * 32}  # as the node leaves zeros out
        return {"blockID": self.block_id(height), "block_header": {"raw_data": raw}}

    def getblockbynum(self, body):
        infos = self.infos.get(body["num"], [])
        return {"blockID": self.block_id(body["num"])} | ({"transactions": [{}] * len(infos)} if infos else {})

    def gettransactioninfobyblocknum(self, body):
        return self.infos.get(body["num"], [])

    def gettransactioninfobyid(self, body):
        return next((one for infos in self.infos.values() for one in infos if one["id"] == body["value"]), {})

    def gettransactionbyid(self, body):
        return {"txID": body["value"]} if self.gettransactioninfobyid(body) else {}

    def gettransactionfrompending(self, body):
        return {"txID": body["value"]} if body["value"] in self.sent else {}

    def getaccount(self, body):
        assert body["visible"] is True
        return {"address": body["address"], "balance": 12_000_000} if body["address"] == ME else {}

    def getchainparameters(self, _):
        values = {"getTransactionFee": 1000, "getEnergyFee": 100, "getCreateAccountFee": 100_000,
                  "getCreateNewAccountFeeInSystemContract": 1_000_000}
        return {"chainParameter": [{"key": "getAllowMultiSign", "value": 1}, {"key": "getNone"}]
                + [{"key": key, "value": value} for key, value in values.items()]}

    def triggerconstantcontract(self, body):
        assert body["visible"] is True
        if body["function_selector"] == "balanceOf(address)":
            return {"result": {"result": True}, "energy_used": 935, "constant_result": [f"{5_000_000:064x}"]}
        return {"result": {"result": True}, "energy_used": 64_285, "constant_result": [f"{1:064x}"],
                "transaction": {"ret": [{}], "visible": True}}

    def broadcasthex(self, body):
        raw = dict(encoding.fields(bytes.fromhex(body["transaction"])))[1]
        self.sent.append(sha256(raw).hexdigest())
        return {"result": True, "code": "SUCCESS", "txid": self.sent[-1], "message": ""}

    def pay(self, height, *moves, name="", **more):
        """A receipt with a log for each (contract in hex, sender, recipient, units)."""
        transaction = sha256(f"{height}{name}{moves}".encode()).hexdigest()
        logs = [{"address": contract, "data": f"{units:064x}",
                 "topics": [TRANSFER, word(sender), word(recipient)]} for contract, sender, recipient, units in moves]
        info = {"id": transaction, "fee": 6_428_500, "blockNumber": height, "blockTimeStamp": START_MS + 3000 * height,
                "contractResult": [f"{1:064x}"], "contract_address": "41" + USDT_HEX,
                "receipt": {"energy_fee": 6_428_500, "energy_usage_total": 64_285, "net_usage": 345, "result": "SUCCESS"},
                "log": logs} | more
        self.infos.setdefault(height, []).append(info)
        return transaction


def word(address):
    return encoding.address_bytes(address)[1:].rjust(32, b"\0").hex()


@pytest.fixture
def world():
    world = TronWorld()
    yield world
    world.server.close()


@pytest.fixture
def tron(network, world):
    return TronChain(network("TRX"), "live", [world.server.url])


def seen(chain, first=1, last=100):
    return chain.transfers(first, last, contracts=[USDT], recipients=[ME])


def test_transfers_of_the_token_to_us_are_found_in_receipts(world, tron):
    paid = world.pay(40, (USDT_HEX, FRIEND, FRIEND, 1), (USDT_HEX, FRIEND, ME, 5_000_000))
    world.pay(41, ("11" * 20, FRIEND, ME, 7), name="fake")
    world.pay(41, (USDT_HEX, FRIEND, ME, 7), name="failed", result="FAILED", receipt={"result": "OUT_OF_ENERGY"})
    world.pay(41, (USDT_HEX, FRIEND, ME, 7), name="reverted", receipt={"result": "REVERT"})
    world.pay(41, (USDT_HEX, FRIEND, ME, 0), name="nothing")
    world.infos[42] = [{"id": "ab" * 32, "blockNumber": 42, "fee": 267_000, "receipt": {"net_fee": 267_000}}]

    (found,) = seen(tron)

    assert (found.transaction_hash, found.position, found.height, found.units) == (paid, 1, 40, 5_000_000)
    assert (found.contract, found.sender, found.recipient) == (USDT, FRIEND, ME)
    assert found.block_hash == world.block_id(40) == tron.block(40).hash


def test_for_nobody_no_block_is_read(world, tron):
    assert tron.transfers(1, 100, contracts=[USDT], recipients=[]) == []
    assert world.server.paths == []


def test_heights_blocks_and_receipts(world, tron):
    paid = world.pay(40, (USDT_HEX, FRIEND, ME, 5))
    plain = "ab" * 32
    world.infos[42] = [{"id": plain, "blockNumber": 42, "fee": 267_000, "receipt": {"net_fee": 267_000}}]

    assert tron.height() == 100
    block = tron.block(40)
    assert (block.parent, block.time.timestamp()) == (world.block_id(39), START_MS / 1000 + 120)
    receipt = tron.receipt(paid)
    assert (receipt.succeeded, receipt.height, receipt.fee, receipt.gas_used) == (True, 40, 6_428_500, 64_285)
    assert [(one.recipient, one.units) for one in receipt.transfers] == [(ME, 5)]
    assert tron.receipt(plain).succeeded
    assert tron.receipt("cd" * 32) is None
    assert not tron.knows("cd" * 32)
    assert tron.knows(paid)
    assert tron.token_balance(ME, USDT) == 5_000_000
    assert (tron.native_balance(ME), tron.native_balance(FRIEND)) == (12_000_000, 0)
    with pytest.raises(NodeWrong):
        tron.block(101)
    with pytest.raises(NodeWrong):
        seen(tron, last=101)


def test_a_reorganisation_shows_in_the_hash(world, tron):
    before = tron.block(100).hash
    world.branch = 1

    assert tron.block(100).hash != before
    assert tron.block(100).parent == tron.block(99).hash


def test_receipts_that_are_not_there_yet_are_no_empty_block(world, tron):
    world.pay(40, (USDT_HEX, FRIEND, ME, 5))
    world.overrides["/wallet/gettransactioninfobyblocknum"] = []

    with pytest.raises(NodeWrong, match="has no receipts of block 40"):
        seen(tron)


def test_a_block_that_changes_while_it_is_read_is_read_again_later(world, tron):
    world.pay(40, (USDT_HEX, FRIEND, ME, 5))
    infos, answers = world.infos[40], iter([True, False])
    world.overrides["/wallet/gettransactioninfobyblocknum"] = (
        lambda body: infos if body["num"] == 40 and next(answers) else [])
    world.overrides["/wallet/getblockbynum"] = lambda body: {}

    with pytest.raises(NodeWrong, match="two different blocks"):
        seen(tron)


# Our bytes ------------------------------------------------------------------------------------------------------
def test_a_native_transfer_is_byte_for_byte_what_java_tron_makes():
    """From the node's own documentation: raw_data_hex and txID of `wallet/createtransaction`."""
    raw = (
        "0a02193b2208aaecd88e4e0e752840e098909f9b305a68080112640a2d747970652e676f6f676c65617069732e636f6d2f70726f746f636f6c"
        "2e5472616e73666572436f6e747261637412330a154198927ffb9f554dc4a453c64b2e553a02d6df514b121541d0b69631440f0a494bb51f7e"
        "ee68ff5c593c00f01880ade20470b4d58c9f9b30"
    )
    terms = encoding.Terms(bytes.fromhex("193b"), bytes.fromhex("aaecd88e4e0e7528"), 1656580476000, 1656580418228, 0)

    made = encoding.native_transfer(
        "TPswDDCAWhJAZGdHPidFg5nEf8TkNToDX1", "TUznHJfHe6gdYY7gvWmf6bNZHuPHDZtowf", 10_000_000, terms
    )

    assert made.hex() == raw
    assert encoding.transaction_id(made) == "c558bd35978267d8999baf6148703cbc94786f3f2e22893637588ca05437d7f0"


def test_a_token_transfer_is_what_the_chain_has_mined():
    """A TRC-20 transfer of the Nile network with its signature. Its wallet left the 0x41 in the call's address, which
    the contract ignores and we do not write."""
    raw = (
        "0a028ad92208eaef69105495eb1540f09fc0cfcd335aae01081f12a9010a31747970652e676f6f676c65617069732e636f6d2f70726f746f63"
        "6f6c2e54726967676572536d617274436f6e747261637412740a1541495511a493d8c362be4267224e6d81013a6862ee121541eca9bc828a30"
        "05b9a3b909f2cc5c2a54794de05f2244a9059cbb00000000000000000000004150125bea243a640bf85348873b6c4f3c517aee7a0000000000"
        "0000000000000000000000000000000000000000000000000000017090cbbccfcd33900180c2d72f"
    )
    signature = (
        "1788bf0281f67c42f5a09322523edee9969e808a863776f21ab6543de9dd42ca0e4955577879df8074086c620eb96709ba9a95d60a166de190"
        "a081e8d69801da00"
    )
    sender, recipient, contract = (encoding.address_of(bytes.fromhex(one)) for one in (
        "495511a493d8c362be4267224e6d81013a6862ee", "50125bea243a640bf85348873b6c4f3c517aee7a",
        "eca9bc828a3005b9a3b909f2cc5c2a54794de05f"))
    terms = encoding.Terms(
        bytes.fromhex("8ad9"), bytes.fromhex("eaef69105495eb15"), 1773182914544, 1773182854544, 100_000_000)

    made = encoding.token_transfer(sender, recipient, contract, 1, terms).hex()

    assert made == raw.replace("00000000004150125bea", "00000000000050125bea")
    assert Tron().is_signed(bytes.fromhex(raw), bytes.fromhex(signature), sender)
    assert not Tron().is_signed(bytes.fromhex(made), bytes.fromhex(signature), sender)


def test_a_token_transfer_says_exactly_our_payment(world, tron):
    payment = Payment(ME, FRIEND, USDT, 5_000_000)
    unsigned = tron.build(payment, nonce=None, fee=tron.fee(payment))

    signed = TronSigner().sign(unsigned, KEY)

    transaction = dict(encoding.fields(bytes.fromhex(signed.raw)))
    raw = transaction[1]
    assert sha256(raw).hexdigest() == signed.transaction_hash
    assert Tron().is_signed(raw, transaction[2], ME)
    fields = dict(encoding.fields(raw))
    assert fields[1].hex() == f"{100:04x}"
    assert fields[4].hex() == world.block_id(100)[16:32]
    assert fields[8] == START_MS + 300_000 + 300_000  # the head's time, and five minutes
    assert fields[18] == 64_285 * 6 // 5 * 100
    contract = dict(encoding.fields(fields[11]))
    assert contract[1] == 31
    parameter = dict(encoding.fields(contract[2]))
    assert parameter[1] == b"type.googleapis.com/protocol.TriggerSmartContract"
    call = dict(encoding.fields(parameter[2]))
    assert encoding.address_of(call[1]) == ME
    assert encoding.address_of(call[2]) == USDT
    assert call[4].hex() == "a9059cbb" + word(FRIEND) + f"{5_000_000:064x}"
    assert set(call) == {1, 2, 4}  # no TRX, no other token goes with it
    assert set(fields) == {1, 4, 8, 11, 14, 18}


def test_two_equal_payments_of_one_moment_are_two_transactions(world, tron):
    payment = Payment(ME, FRIEND, USDT, 5)
    fee = tron.fee(payment)

    hashes = {TronSigner().sign(tron.build(payment, nonce=None, fee=fee), KEY).transaction_hash for _ in range(20)}

    assert len(hashes) == 20


def test_a_form_is_dead_when_its_time_is_over_for_certain(world, tron):
    payment = Payment(ME, FRIEND, USDT, 5)
    unsigned = tron.build(payment, nonce=None, fee=tron.fee(payment))

    world.head = unsigned.dead_after_height
    assert not tron.is_dead(unsigned.dead_after_height)
    world.head += 1
    assert tron.is_dead(unsigned.dead_after_height)
    assert tron.block(world.head).time.timestamp() * 1000 > unsigned.payload["expiration"]


def test_fees_cover_energy_bandwidth_and_a_new_account(world, tron):
    token = tron.fee(Payment(ME, FRIEND, USDT, 5))
    native = tron.fee(Payment(ME, FRIEND, None, 5))

    assert token.terms == {"fee_limit": 7_714_200}
    assert token.most == 7_714_200 + 400_000
    assert (native.terms, native.most) == ({"fee_limit": 0}, 300_000 + 1_100_000)


def test_a_payment_that_would_fail_or_cost_too_much_is_not_priced(world, tron):
    payment = Payment(ME, FRIEND, USDT, 5)
    world.overrides["/wallet/triggerconstantcontract"] = {
        "result": {"result": True, "message": b"REVERT opcode executed".hex()}, "energy_used": 700,
        "constant_result": [""], "transaction": {"ret": [{"ret": "FAILED"}]}}
    with pytest.raises(Refused, match="REVERT opcode executed"):
        tron.fee(payment)
    world.overrides["/wallet/triggerconstantcontract"] = {"result": {"result": True}, "energy_used": 64_285_000}
    with pytest.raises(NodeWrong, match="ceiling"):
        tron.fee(payment)


def test_what_was_mined_before_it_expired_is_no_refusal(world, tron):
    payment = Payment(ME, FRIEND, None, 5)
    signed = TronSigner().sign(tron.build(payment, nonce=None, fee=tron.fee(payment)), KEY)
    world.infos[100] = [{"id": signed.transaction_hash, "blockNumber": 100, "receipt": {}}]
    world.overrides["/wallet/broadcasthex"] = {"code": "TRANSACTION_EXPIRATION_ERROR", "message": ""}

    tron.broadcast(signed)

    assert tron.receipt(signed.transaction_hash).succeeded


def test_a_broadcast_is_taken_once_and_twice(world, tron):
    payment = Payment(ME, FRIEND, None, 5)
    signed = TronSigner().sign(tron.build(payment, nonce=None, fee=tron.fee(payment)), KEY)

    tron.broadcast(signed)
    world.overrides["/wallet/broadcasthex"] = {"code": "DUP_TRANSACTION_ERROR", "message": b"Dup transaction.".hex()}
    tron.broadcast(signed)

    assert world.sent == [signed.transaction_hash]
    assert tron.knows(signed.transaction_hash)


@pytest.mark.parametrize(("code", "message", "reason"), [
    ("TRANSACTION_EXPIRATION_ERROR", "Transaction expired", "expired"),
    ("TAPOS_ERROR", "Tapos check error", "expired"),
    ("BANDWITH_ERROR", "Account resource insufficient error", "no_gas"),
    ("CONTRACT_VALIDATE_ERROR", "Validate TransferContract error, balance is not sufficient.", "no_gas"),
    ("CONTRACT_VALIDATE_ERROR", "Contract validate error : account [..] does not exist", "other"),
    ("SIGERROR", "Validate signature error", "other"),
])
def test_a_refusal_says_why(world, tron, code, message, reason):
    payment = Payment(ME, FRIEND, None, 5)
    signed = TronSigner().sign(tron.build(payment, nonce=None, fee=tron.fee(payment)), KEY)
    world.overrides["/wallet/broadcasthex"] = {"code": code, "txid": "", "message": message.encode().hex()}

    with pytest.raises(Refused) as refused:
        tron.broadcast(signed)
    assert refused.value.reason == reason
    assert message[:40] in str(refused.value)


@pytest.mark.parametrize(("answer", "error"), [
    ({"code": "SERVER_BUSY", "message": ""}, NodeBusy),
    ({"Error": "class java.lang.NullPointerException : null"}, NodeWrong),
    ({}, NodeWrong), ([], NodeWrong), (None, NodeWrong), ({"result": False}, NodeWrong),
])
def test_an_unclear_answer_to_a_broadcast_is_no_refusal(world, tron, answer, error):
    payment = Payment(ME, FRIEND, None, 5)
    signed = TronSigner().sign(tron.build(payment, nonce=None, fee=tron.fee(payment)), KEY)
    world.overrides["/wallet/broadcasthex"] = answer

    with pytest.raises(error):
        tron.broadcast(signed)


@pytest.mark.parametrize(("trouble", "error"), [
    (b"<html>sorry</html>", NodeWrong), (b"{}", NodeWrong), (b"null", NodeWrong), (b'"text"', NodeWrong), (429, NodeBusy),
    (502, NodeTimeout), ("redirect", NodeWrong), ("hang_up", NodeTimeout), (b'{"blockID": "zz", "block_header": {}}', NodeWrong),
    (b'{"Error": "lack of computing resources, request frequency limit"}', NodeBusy),
])
def test_bad_answers_are_errors(world, tron, trouble, error):
    tron.height()
    world.server.trouble.append(trouble)

    with pytest.raises(error):
        tron.height()
    assert tron.height() == 100


def test_a_block_id_of_another_height_is_not_believed(world, tron):
    tron.height()
    other = world.getblock({"id_or_num": "50", "detail": False})
    world.overrides["/wallet/getblock"] = lambda body: other

    with pytest.raises(NodeWrong, match="for 40"):
        tron.block(40)
    other["block_header"]["raw_data"]["number"] = 40
    with pytest.raises(NodeWrong, match="another height"):
        tron.block(40)


def test_a_node_of_another_chain_is_refused(network, world):
    chain = TronChain(network("TRX"), "live", [world.server.url], genesis="11" * 32)

    with pytest.raises(NodeWrong, match="another chain"):
        chain.height()


def test_only_the_senders_key_signs(world, tron):
    payment = Payment(FRIEND, ME, None, 5)
    with pytest.raises(ValueError, match="not the sender's"):
        TronSigner().sign(tron.build(payment, nonce=None, fee=tron.fee(payment)), KEY)
    json.dumps(tron.build(payment, nonce=None, fee=tron.fee(payment)).payload)  # it is kept as JSON
