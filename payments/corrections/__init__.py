"""Corrections of a merchant's balance by operators: proposed by one, booked when another confirms (decision 25)."""
