"""Algorithms of inference."""
