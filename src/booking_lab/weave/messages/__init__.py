"""The weave of messages: relay, planner and sender meet who books, moves and cancels."""
