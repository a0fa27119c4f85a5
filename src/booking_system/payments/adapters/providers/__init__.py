"""Providers of payments: Stripe, PayPal, and one of our own that takes no money."""
