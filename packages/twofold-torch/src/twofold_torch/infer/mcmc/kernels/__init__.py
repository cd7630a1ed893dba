"""Kernels: one Markov transition a file."""

from .base import Info, Kernel, State, Tuning
from .hmc import HMC
from .nuts import NUTS

__all__ = ["HMC", "NUTS", "Info", "Kernel", "State", "Tuning"]
