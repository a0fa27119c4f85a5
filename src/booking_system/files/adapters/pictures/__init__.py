"""Pictures: decoded in a process of their own, and written anew."""
