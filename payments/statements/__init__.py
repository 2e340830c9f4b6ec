"""Bank statements: uploaded, seen in a preview, imported by a worker, and their credits matched with payments."""
