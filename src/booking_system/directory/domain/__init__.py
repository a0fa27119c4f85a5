"""The pure part of directory: entities, values, rules, refusals."""
