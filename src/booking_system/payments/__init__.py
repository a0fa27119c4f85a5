"""Money for appointments: attempts to pay, what was paid and given back, and its papers."""
