"""What a search costs at size, compared with the same search on few rows."""
