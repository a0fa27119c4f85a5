"""Tests of online consultations."""
