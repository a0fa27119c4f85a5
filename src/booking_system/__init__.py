"""Clinic appointment booking: one package per bounded context, put together in `bootstrap`."""

__version__ = "0.1.0"
