"""Estimators of the evidence lower bound, one a file."""

from .base import ELBO
from .trace import Trace_ELBO

__all__ = ["ELBO", "Trace_ELBO"]
