"""A real EVM (py-evm by eth-tester) behind a JSON-RPC server, and real ERC-20 contracts compiled by vyper."""

from __future__ import annotations

import functools
import sys

from crypto.tests.rpc_server import RpcError, RpcServer

TOKEN = """
# pragma version ^0.4.0
event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    amount: uint256

balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
decimals: public(uint8)

@deploy
def __init__(places: uint8):
    self.decimals = places
    self.balanceOf[msg.sender] = 2**255

@external
def transfer(receiver: address, amount: uint256) -> bool:
    self.balanceOf[msg.sender] -= amount
    self.balanceOf[receiver] += amount
    log Transfer(sender=msg.sender, receiver=receiver, amount=amount)
    return True

@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowance[msg.sender][spender] = amount
    return True

@external
def transferFrom(owner: address, receiver: address, amount: uint256) -> bool:
    self.allowance[owner][msg.sender] -= amount
    self.balanceOf[owner] -= amount
    self.balanceOf[receiver] += amount
    log Transfer(sender=owner, receiver=receiver, amount=amount)
    return True

@external
def pay_all(receivers: DynArray[address, 20], amount: uint256):
    for receiver: address in receivers:
        self.balanceOf[msg.sender] -= amount
        self.balanceOf[receiver] += amount
        log Transfer(sender=msg.sender, receiver=receiver, amount=amount)
"""


@functools.cache
def compiled():
    from vyper.compiler import compile_code

    out = compile_code(TOKEN, output_formats=["abi", "bytecode"])
    return out["abi"], out["bytecode"]


class EvmWorld:
    """`world.usdt` (6 places), `world.usdc` (18), `world.fake`: contracts of web3, deployed by `world.bank`."""

    def __init__(self):
        from eth_tester import EthereumTester, PyEVMBackend
        from web3 import EthereumTesterProvider, Web3

        self.tester = EthereumTester(PyEVMBackend())
        sys.setrecursionlimit(1000)  # py-evm lifts it so far that Python's own JSON reader could break
        self.provider = EthereumTesterProvider(self.tester)
        self.w3 = Web3(self.provider)
        self.bank, self.friend = self.w3.eth.accounts[:2]
        self.chain_id = self.w3.eth.chain_id
        self.usdt, self.usdc, self.fake = (self.deploy(places) for places in (6, 18, 6))
        self.server = RpcServer(self.answer)
        self.most_blocks = None  # of one eth_getLogs
        self.hook = None

    def deploy(self, places):
        abi, bytecode = compiled()
        made = self.w3.eth.contract(abi=abi, bytecode=bytecode).constructor(places).transact({"from": self.bank})
        return self.w3.eth.contract(self.w3.eth.get_transaction_receipt(made)["contractAddress"], abi=abi)

    def answer(self, method, params):
        if self.hook and (found := self.hook(method, params)) is not None:
            return found[0]
        if method == "eth_getLogs" and self.most_blocks:
            first, last = (int(params[0][end], 16) for end in ("fromBlock", "toBlock"))
            if last - first + 1 > self.most_blocks:
                raise RpcError(-32000, f"exceed maximum block range: {self.most_blocks}")
        try:
            response = self.provider.request_func(self.w3, self.w3.middleware_onion)(method, params)
        except Exception as error:  # eth-tester raises where a node answers an error
            raise RpcError(-32000, in_geths_words(str(error))) from error
        if response.get("error"):
            error = response["error"]
            raise RpcError(-32000, error["message"] if isinstance(error, dict) else str(error))
        return plain(response["result"])

    def pay(self, contract, recipient, units, **more):
        """Mined at once; the hash."""
        call = contract.functions.transfer(self.w3.to_checksum_address(recipient), units)
        return call.transact({"from": self.bank, **more}).to_0x_hex()

    def fund(self, recipient, wei=10**18):
        self.w3.eth.send_transaction({"from": self.bank, "to": recipient, "value": wei})

    def mine(self, blocks=1):
        self.tester.mine_blocks(blocks)


def in_geths_words(message):
    if "nonce" in message:
        return f"nonce too low: {message}"
    if "cannot afford" in message or "does not have enough balance" in message or "insufficient" in message.lower():
        return f"insufficient funds for gas * price + value: {message}"
    return f"execution reverted: {message}"


def plain(value):
    """What eth-tester's Python values look like on the wire."""
    if isinstance(value, dict) or hasattr(value, "items"):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, bool) or value is None:
        return value
    return hex(value) if isinstance(value, int) else value
