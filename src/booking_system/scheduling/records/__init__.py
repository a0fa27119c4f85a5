"""SQL about time slots that more than one context asks, each question in one text."""
