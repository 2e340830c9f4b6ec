"""Reads the chains: what was paid to our addresses, how deep it lies, and what left the chain again.

One watcher at a time for a network and mode (a lease). The cursor moves over a range only when all of it was read, or
when the hole is written down as a `ScanGap` that is asked for until it is read. Every step may be repeated.
"""

from crypto.watcher.rounds import watch, watch_network

__all__ = ["watch", "watch_network"]
