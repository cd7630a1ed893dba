"""Estimators of the evidence lower bound, one a file."""

from twofold_jax.infer.elbo.base import ELBO
from twofold_jax.infer.elbo.trace import Trace_ELBO

__all__ = ["ELBO", "Trace_ELBO"]
