"""Tuning while warming up: step size, mass matrix, and when."""
