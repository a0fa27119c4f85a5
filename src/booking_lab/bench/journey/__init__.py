"""What a page's way to a booking costs, request by request, beside bare FastAPI."""
