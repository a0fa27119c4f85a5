"""When doctors can be booked: time slots."""
