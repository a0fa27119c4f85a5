"""The tables of payments, and what guards them."""
