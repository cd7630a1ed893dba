"""Reparameterisers, for ``handlers.reparam``."""

from .base import Reparam
from .loc_scale import LocScaleReparam
from .transform import TransformReparam

__all__ = ["LocScaleReparam", "Reparam", "TransformReparam"]
