"""Strategies for the first value of a latent: see ``twofold_torch.infer.initialization``."""

from ..initialization import (
    InitStrategy,
    init_to_feasible,
    init_to_mean,
    init_to_median,
    init_to_sample,
    init_to_uniform,
    init_to_value,
)

__all__ = [
    "InitStrategy",
    "init_to_feasible",
    "init_to_mean",
    "init_to_median",
    "init_to_sample",
    "init_to_uniform",
    "init_to_value",
]
