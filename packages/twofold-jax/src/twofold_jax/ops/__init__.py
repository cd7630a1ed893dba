"""Numerics with no probability in them."""
