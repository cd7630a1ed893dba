"""Numerics with no probability in them: shapes, linear algebra, special functions."""
