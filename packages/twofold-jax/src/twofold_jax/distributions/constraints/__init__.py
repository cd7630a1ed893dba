"""Sets of values: the domains of parameters and the supports of laws."""

from twofold_jax.distributions.constraints.base import (
    Constraint,
    dependent,
    dependent_property,
    independent,
    is_dependent,
)
from twofold_jax.distributions.constraints.matrix import *
from twofold_jax.distributions.constraints.matrix import __all__ as _matrix
from twofold_jax.distributions.constraints.scalar import *
from twofold_jax.distributions.constraints.scalar import __all__ as _scalar
from twofold_jax.distributions.constraints.vector import *
from twofold_jax.distributions.constraints.vector import __all__ as _vector

__all__ = ["Constraint", "dependent", "dependent_property", "independent", "is_dependent", *_scalar, *_vector, *_matrix]
