"""Other programs that follow what happens: the feed of events."""
