"""Withdrawals of crypto: the queue, the list, one with everything about it, asking, deciding, and where they may go."""
