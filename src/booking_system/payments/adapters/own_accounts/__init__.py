"""Accounts of clinics at providers of payments: stored sealed, chosen, heard, and compared."""
