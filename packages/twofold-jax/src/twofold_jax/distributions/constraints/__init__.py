"""Sets of values: the domains of parameters and the supports of laws.

``to_spec`` and ``from_spec`` write one to JSON and read it back; ``describe`` says it in words.
"""

from twofold_jax.distributions.constraints.base import (
    Constraint,
    dependent,
    dependent_property,
    independent,
    is_dependent,
)
from twofold_jax.distributions.constraints.describe import describe
from twofold_jax.distributions.constraints.matrix import *
from twofold_jax.distributions.constraints.matrix import __all__ as _matrix
from twofold_jax.distributions.constraints.scalar import *
from twofold_jax.distributions.constraints.scalar import __all__ as _scalar
from twofold_jax.distributions.constraints.spec import from_spec, to_spec
from twofold_jax.distributions.constraints.vector import *
from twofold_jax.distributions.constraints.vector import __all__ as _vector

__all__ = [
    "Constraint",
    "dependent",
    "dependent_property",
    "describe",
    "from_spec",
    "independent",
    "is_dependent",
    "to_spec",
    *_scalar,
    *_vector,
    *_matrix,
]
