"""One, two and three instances of the API, with pages shared in a Redis and without."""
