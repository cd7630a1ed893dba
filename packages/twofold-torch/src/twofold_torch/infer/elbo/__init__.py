"""Estimators of the evidence lower bound, one a file."""

from .base import ELBO
from .enum import TraceEnum_ELBO
from .trace import Trace_ELBO

__all__ = ["ELBO", "TraceEnum_ELBO", "Trace_ELBO"]
