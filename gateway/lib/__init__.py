"""The ground every part stands on. Knows nothing of the domain and imports no app."""
