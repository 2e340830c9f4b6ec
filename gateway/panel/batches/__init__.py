"""Payouts by bank file in the panel: batches, the files made of them, the banks' answers, and the formats of both."""
