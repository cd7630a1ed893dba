"""Switches of the process and of JAX."""

from __future__ import annotations

import os
import random
import re

import jax
import numpy as np

from .errors import HandlerError
from .tables import format_shapes

__all__ = ["enable_x64", "format_shapes", "set_host_device_count", "set_platform", "set_rng_seed"]


def enable_x64(use_x64: bool = True) -> None:
    """Compute with 64 bits, or with 32 again.  Call it before anything is compiled.

    Example:
        >>> enable_x64(False)
    """
    jax.config.update("jax_enable_x64", bool(use_x64))  # type: ignore[no-untyped-call]


def set_platform(platform: str | None = None) -> None:
    """Choose the platform, ``"cpu"``, ``"gpu"`` or ``"tpu"``.  Call it before anything is computed.

    Args:
        platform: its name; default: the environment variable ``JAX_PLATFORMS``, or the CPU.

    Example:
        >>> set_platform("cpu")
    """
    jax.config.update("jax_platforms", platform or os.environ.get("JAX_PLATFORMS") or "cpu")  # type: ignore[no-untyped-call]


def set_host_device_count(n: int) -> None:
    """Let JAX see ``n`` CPU devices, for parallel chains.  Call it before anything is computed.

    Raises:
        HandlerError: ``n`` is not positive.

    Example:
        >>> set_host_device_count(1)
    """
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise HandlerError("the number of devices must be a positive integer", seen=repr(n), expected="1, 2, ...")
    flags = re.sub(r"--xla_force_host_platform_device_count=\S+", "", os.environ.get("XLA_FLAGS", "")).split()
    os.environ["XLA_FLAGS"] = " ".join([f"--xla_force_host_platform_device_count={n}", *flags])


def set_rng_seed(rng_seed: int | None = None) -> None:
    """Seed the generators of Python and NumPy, as data preparation uses them; JAX draws with keys only.

    Args:
        rng_seed: an integer; default: a new seed of the system.

    Example:
        >>> set_rng_seed(0)
    """
    random.seed(rng_seed)
    np.random.seed(rng_seed)
