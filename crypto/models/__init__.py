"""Crypto: networks and their tokens, deposit addresses, checkout sessions, what happened on chain, what is sent.

Amounts are integers of 10⁻⁸ of a token (`amount_minor`, as in the ledger) beside the chain's own units (`raw_units`,
decimal text, since they outgrow 64 bits). The chain's units are floored to the ledger's, and the rest is told.
"""

from crypto.models.addresses import DepositAddress
from crypto.models.exports import Export
from crypto.models.figures import SessionFigure, TransferFigure
from crypto.models.house import HouseWithdrawal
from crypto.models.networks import BlockMark, ChainState, HotWallet, Network, RpcNode, ScanGap, Token
from crypto.models.outgoing import Attempt, Endowment, GasFunding, Outgoing, Sender, Sweep
from crypto.models.reversals import CreditReversal
from crypto.models.sessions import Session, SessionEvent, TransactionClaim
from crypto.models.simulated import (
    SimulatedBalance,
    SimulatedEra,
    SimulatedFork,
    SimulatedNetwork,
    SimulatedTransaction,
)
from crypto.models.transactions import ChainTransaction
from crypto.models.withdrawals import Withdrawal, WithdrawalAddress

__all__ = [
    "Attempt", "BlockMark", "ChainState", "ChainTransaction", "CreditReversal", "DepositAddress", "Endowment",
    "Export", "GasFunding", "HotWallet", "HouseWithdrawal", "Network", "Outgoing", "RpcNode", "ScanGap", "Sender",
    "Session", "SessionEvent", "SessionFigure", "SimulatedBalance", "SimulatedEra", "SimulatedFork",
    "SimulatedNetwork", "SimulatedTransaction", "Sweep", "Token", "TransactionClaim", "TransferFigure", "Withdrawal",
    "WithdrawalAddress",
]
