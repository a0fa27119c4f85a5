"""The pure part of identity: entities, values, rules, refusals."""
