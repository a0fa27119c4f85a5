"""Rooms as they are open in this process: sockets, what they say, and the bus between processes."""
