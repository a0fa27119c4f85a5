"""PostgreSQL plumbing: the engine, the one place that commits, the outbox."""
