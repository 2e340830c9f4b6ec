"""Health: what the installation knows of itself, and the page that shows it."""
