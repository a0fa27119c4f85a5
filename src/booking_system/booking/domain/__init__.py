"""The pure part of booking: entities, values, rules, refusals."""
