"""Backups: taken while people book, restored into an empty database, and rehearsed."""
