"""The pure part of scheduling: entities, values, rules, refusals."""
