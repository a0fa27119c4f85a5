"""Seeing inside: the line of each request, numbers for Prometheus, traces for OpenTelemetry."""
