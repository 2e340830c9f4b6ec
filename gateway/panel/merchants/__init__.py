"""Merchants: the list, one of them with what it has, onboarding, settings, fees, suspension."""
