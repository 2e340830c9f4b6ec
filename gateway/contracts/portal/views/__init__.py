"""One module a resource. A view validates, calls one service or query, and renders; it decides nothing."""
