"""Planning, sending and showing messages."""
