"""What a slot's row says of its hold, as SQL."""

HOLD_COLUMNS = """s.hold_id, s.held_until, s.hold_minutes, s.hold_extended, s.held_for, s.held_by,
 s.hold_network, s.hold_place, s.hold_blocks, s.hold_service_id, s.hold_duration_minutes,
 s.hold_price_amount, s.hold_price_currency, s.hold_payment"""

LET_GO = """hold_id = NULL, held_until = NULL, hold_minutes = NULL, hold_extended = false,
 held_for = NULL, held_by = NULL, hold_network = NULL, hold_place = NULL, hold_blocks = NULL,
 hold_service_id = NULL, hold_duration_minutes = NULL, hold_price_amount = NULL,
 hold_price_currency = NULL, hold_payment = NULL"""
"""What ends the hold of a slot, for an UPDATE of it."""
