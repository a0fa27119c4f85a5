"""Hear from providers what became of messages, and what people answered."""
