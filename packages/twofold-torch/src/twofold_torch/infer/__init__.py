"""Inference: algorithms as handlers around a model, and a loop."""
