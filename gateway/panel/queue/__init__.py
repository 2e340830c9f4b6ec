"""The work queue: everything that waits for an operator, in one list, and decisions about several records at once."""
