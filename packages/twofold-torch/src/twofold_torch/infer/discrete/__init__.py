"""Exact elimination of enumerated sites."""
