"""Rows of scheduling's tables that contexts above write in transactions of their own."""
