"""Accounts of our own that receive UPI money: kept by operators, given to new payments in turn, within their limits."""

from payments.receiving.keeping import add_account, change_account, switch_account
from payments.receiving.rotation import assign_account

__all__ = ["add_account", "assign_account", "change_account", "switch_account"]
