"""Adapters: providers, statements, routers."""
