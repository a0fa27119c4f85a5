"""Accounts of clinics with providers: stored sealed, tried, used, and verified with."""
