"""Bank statements in the panel: files and their import, credits and what is decided about them."""
