"""What clinics set of their messages."""
