"""Sets of values: the domains of parameters and the supports of laws.

``to_spec`` and ``from_spec`` write one to JSON and read it back; ``describe`` says it in words.
"""

from .base import (
    Constraint,
    dependent,
    dependent_property,
    independent,
    is_dependent,
)
from .describe import describe
from .matrix import *
from .matrix import __all__ as _matrix
from .scalar import *
from .scalar import __all__ as _scalar
from .spec import from_spec, to_spec
from .vector import *
from .vector import __all__ as _vector

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
