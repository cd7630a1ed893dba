"""The probability laws that the clauses speak of.  A law knows nothing of sites, plates or handlers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from twofold_conformance.reference import constraints, draws
from twofold_conformance.reference import tensor as ops
from twofold_conformance.reference.constraints import Constraint
from twofold_conformance.reference.draws import GLOBAL
from twofold_conformance.reference.errors import ShapeError, SupportError
from twofold_conformance.reference.tensor import Tensor, array, tensor
from twofold_conformance.reference.validation import is_validation_enabled

_LOG_2PI = float(np.log(2 * np.pi))


class Law:
    """A distribution: ``batch_shape`` independent variables, each of ``event_shape``."""

    arguments: ClassVar[dict[str, Constraint]] = {}
    """The domain of each argument, in the order of the signature."""
    support: Constraint = constraints.real
    has_rsample: bool = False
    """Whether a draw can be differentiated with respect to the arguments."""
    event_shape: tuple[int, ...] = ()

    def __init__(self, *values: Any) -> None:
        self.values = tuple(tensor(value) for value in values)
        if is_validation_enabled():
            self._check_arguments()
        dims = [constraint.event_dim for constraint in self.arguments.values()]
        events = [value.shape[value.ndim - dim :] for value, dim in zip(self.values, dims, strict=True)]
        batches = [value.shape[: value.ndim - dim] for value, dim in zip(self.values, dims, strict=True)]
        self.batch_shape = np.broadcast_shapes(*batches)
        self.values = tuple(
            ops.broadcast_to(value, self.batch_shape + event) for value, event in zip(self.values, events, strict=True)
        )

    def _check_arguments(self) -> None:
        for (name, constraint), value in zip(self.arguments.items(), self.values, strict=True):
            if not np.all(constraint.check(value)):
                raise SupportError(f"{type(self).__name__}: {name} is {array(value)}, outside {constraint}")

    def expand(self, batch_shape: tuple[int, ...]) -> Law:
        """The same law, ``batch_shape`` independent times."""
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        count = len(self.batch_shape)
        new.values = tuple(ops.broadcast_to(value, batch_shape + value.shape[count:]) for value in self.values)
        new.batch_shape = batch_shape
        return new

    def __call__(self, *sample_shape: Any) -> Tensor:
        """A draw from the global generator."""
        shape = tuple(sample_shape[0]) if sample_shape else ()
        return self.expand(shape + self.batch_shape).draw(GLOBAL)

    def sample(self, key: Tensor, sample_shape: tuple[int, ...] = ()) -> Tensor:
        """A draw with a random key."""
        return self.expand(sample_shape + self.batch_shape).draw(key)

    def draw(self, key: Tensor) -> Tensor:
        """A draw of shape ``batch_shape + event_shape``; ``GLOBAL`` is the key of the global generator."""
        raise TypeError(f"{type(self).__name__} cannot be drawn from")

    def log_prob(self, value: Any) -> Tensor:
        """The log density, of shape ``batch_shape``; with validation on, an error outside the support."""
        if is_validation_enabled():
            self.check_value(value)
        return self.log_density(tensor(value))

    def check_value(self, value: Any, where: Any = True) -> None:
        """Refuse a value of a wrong shape, and one outside the support wherever ``where`` holds."""
        self.value_batch_shape(value)
        inside = self.support.check(value)
        if not np.all(inside | ~np.asarray(array(where))):
            raise SupportError(f"{type(self).__name__}: the value {array(value)} is outside the support {self.support}")

    def value_batch_shape(self, value: Any) -> tuple[int, ...]:
        """The batch part of a value's shape."""
        shape, dims = array(value).shape, len(self.event_shape)
        if shape[len(shape) - dims :] != self.event_shape or len(shape) < dims:
            raise ShapeError(f"a value of {type(self).__name__} has event shape {self.event_shape}, seen: {shape}")
        return shape[: len(shape) - dims]

    def log_density(self, value: Tensor) -> Tensor:
        """The log density, without any check."""
        raise TypeError(f"{type(self).__name__} has no density")

    def safe_value(self, value: Tensor, counted: Any) -> Tensor:
        """``value``, with something harmless inside the support wherever ``counted`` does not hold."""
        entries = tensor(counted).reshape(array(counted).shape + (1,) * len(self.event_shape))
        return ops.where(entries, value, self.support.example())

    def to_event(self) -> Law:
        """The same variables as one: the batch becomes part of the event."""
        return Independent(self)

    def enumerate_support(self) -> Sequence[Any] | None:
        """All values of one variable, if they can be listed."""
        return None


class Normal(Law):
    """Normal(loc, scale)"""

    arguments = {"loc": constraints.real, "scale": constraints.positive}
    has_rsample = True

    def __init__(self, loc: Any = 0.0, scale: Any = 1.0) -> None:
        super().__init__(loc, scale)

    def draw(self, key: Tensor) -> Tensor:
        return self.values[0] + self.values[1] * draws.normal(key, self.batch_shape)

    def log_density(self, value: Tensor) -> Tensor:
        loc, scale = self.values
        return ((value - loc) / scale) ** 2.0 * -0.5 - ops.log(scale) - 0.5 * _LOG_2PI


class HalfNormal(Law):
    """HalfNormal(scale): the modulus of a normal variable."""

    arguments = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, scale: Any = 1.0) -> None:
        super().__init__(scale)

    def draw(self, key: Tensor) -> Tensor:
        noise = draws.normal(key, self.batch_shape)
        return self.values[0] * ops.where(noise < 0.0, -noise, noise)

    def log_density(self, value: Tensor) -> Tensor:
        (scale,) = self.values
        density = (value / scale) ** 2.0 * -0.5 - ops.log(scale) - 0.5 * _LOG_2PI + float(np.log(2))
        return ops.where(value >= 0.0, density, -np.inf)


class LogNormal(Law):
    """LogNormal(loc, scale): the exponential of a normal variable."""

    arguments = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, loc: Any = 0.0, scale: Any = 1.0) -> None:
        super().__init__(loc, scale)

    def draw(self, key: Tensor) -> Tensor:
        return ops.exp(self.values[0] + self.values[1] * draws.normal(key, self.batch_shape))

    def log_density(self, value: Tensor) -> Tensor:
        loc, scale = self.values
        logged = ops.log(value)
        density = ((logged - loc) / scale) ** 2.0 * -0.5 - ops.log(scale) - 0.5 * _LOG_2PI - logged
        return ops.where(value > 0.0, density, -np.inf)


class Exponential(Law):
    """Exponential(rate)"""

    arguments = {"rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, rate: Any = 1.0) -> None:
        super().__init__(rate)

    def draw(self, key: Tensor) -> Tensor:
        return -ops.log1p(-draws.uniform(key, self.batch_shape)) / self.values[0]

    def log_density(self, value: Tensor) -> Tensor:
        (rate,) = self.values
        return ops.where(value >= 0.0, ops.log(rate) - rate * value, -np.inf)


class Gamma(Law):
    """Gamma(concentration, rate)"""

    arguments = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.positive

    def __init__(self, concentration: Any, rate: Any = 1.0) -> None:
        super().__init__(concentration, rate)

    def draw(self, key: Tensor) -> Tensor:
        return draws.gamma(key, self.batch_shape, self.values[0]) / self.values[1].detach()

    def log_density(self, value: Tensor) -> Tensor:
        shape, rate = self.values
        density = shape * ops.log(rate) + (shape - 1.0) * ops.log(value) - rate * value - ops.lgamma(shape)
        return ops.where(value > 0.0, density, -np.inf)


class Beta(Law):
    """Beta(concentration1, concentration0)"""

    arguments = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval

    def __init__(self, concentration1: Any, concentration0: Any) -> None:
        super().__init__(concentration1, concentration0)

    def draw(self, key: Tensor) -> Tensor:
        parts = draws.gamma(key, (2, *self.batch_shape), ops.stack(self.values))
        return parts[0] / (parts[0] + parts[1])

    def log_density(self, value: Tensor) -> Tensor:
        one, zero = self.values
        norm = ops.lgamma(one) + ops.lgamma(zero) - ops.lgamma(one + zero)
        density = (one - 1.0) * ops.log(value) + (zero - 1.0) * ops.log(1.0 - value) - norm
        return ops.where((value >= 0.0) & (value <= 1.0), density, -np.inf)


class Uniform(Law):
    """Uniform(low, high)"""

    arguments = {"low": constraints.real, "high": constraints.real}
    has_rsample = True

    def __init__(self, low: Any = 0.0, high: Any = 1.0) -> None:
        super().__init__(low, high)

    @property
    def support(self) -> Constraint:  # type: ignore[override]
        return constraints.interval(*(array(value) for value in self.values))

    def _check_arguments(self) -> None:
        super()._check_arguments()
        if not np.all(array(self.values[0]) < array(self.values[1])):
            raise SupportError(f"Uniform: low {array(self.values[0])} is not below high {array(self.values[1])}")

    def draw(self, key: Tensor) -> Tensor:
        low, high = self.values
        return low + (high - low) * draws.uniform(key, self.batch_shape)

    def log_density(self, value: Tensor) -> Tensor:
        low, high = self.values
        return ops.where((value >= low) & (value <= high), -ops.log(high - low), -np.inf)


class Bernoulli(Law):
    """Bernoulli(probs)"""

    arguments = {"probs": constraints.unit_interval}
    support = constraints.integers(0, 1)

    def __init__(self, probs: Any) -> None:
        super().__init__(probs)

    def draw(self, key: Tensor) -> Tensor:
        return ops.where(draws.uniform(key, self.batch_shape) < self.values[0].detach(), 1.0, 0.0)

    def log_density(self, value: Tensor) -> Tensor:
        (probs,) = self.values
        return ops.where(value == 1.0, ops.log(probs), ops.where(value == 0.0, ops.log(1.0 - probs), -np.inf))

    def enumerate_support(self) -> Sequence[Any]:
        return (0.0, 1.0)


class Categorical(Law):
    """Categorical(probs): ``probs`` of shape ``batch_shape + (k,)``; values are integers below k."""

    arguments = {"probs": constraints.simplex}

    def __init__(self, probs: Any) -> None:
        super().__init__(probs)

    @property
    def support(self) -> Constraint:  # type: ignore[override]
        return constraints.integers(0, self.values[0].shape[-1] - 1)

    def draw(self, key: Tensor) -> Tensor:
        return ops.apply(_COUNT_BELOW, draws.uniform(key, self.batch_shape), self.values[0])

    def log_density(self, value: Tensor) -> Tensor:
        (probs,) = self.values
        terms = [ops.where(value == i, ops.log(probs[..., i]), 0.0) for i in range(probs.shape[-1])]
        return ops.stack(terms).sum(0)

    def enumerate_support(self) -> Sequence[Any]:
        return range(self.values[0].shape[-1])


_COUNT_BELOW = ops.Op(lambda u, p: np.minimum((u[..., None] > np.cumsum(p, -1)).sum(-1), p.shape[-1] - 1))
_CHOLESKY = ops.Op(np.linalg.cholesky)


class Poisson(Law):
    """Poisson(rate)"""

    arguments = {"rate": constraints.positive}
    support = constraints.integers(0)

    def __init__(self, rate: Any) -> None:
        super().__init__(rate)

    def draw(self, key: Tensor) -> Tensor:
        return draws.poisson(key, self.batch_shape, self.values[0]) * 1.0

    def log_density(self, value: Tensor) -> Tensor:
        (rate,) = self.values
        return value * ops.log(rate) - rate - ops.lgamma(value + 1.0)


class MultivariateNormal(Law):
    """MultivariateNormal(loc, covariance_matrix).  A draw can be differentiated with respect to ``loc`` alone."""

    arguments = {"loc": constraints.real_vector, "covariance_matrix": constraints.positive_definite}
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc: Any, covariance_matrix: Any) -> None:
        super().__init__(loc, covariance_matrix)
        self.event_shape = self.values[1].shape[-1:]

    def draw(self, key: Tensor) -> Tensor:
        loc, covariance = self.values
        noise = draws.normal(key, (*self.batch_shape, *self.event_shape, 1))
        return loc + (ops.apply(_CHOLESKY, covariance) @ noise)[..., 0]

    def log_density(self, value: Tensor) -> Tensor:
        loc, covariance = self.values
        gap = value - loc
        column = gap.reshape((*gap.shape, 1))
        squared = (ops.transpose(column) @ ops.inverse(covariance) @ column)[..., 0, 0]
        return (squared + ops.log_determinant(covariance) + self.event_shape[0] * _LOG_2PI) * -0.5


class Delta(Law):
    """Delta(v): all mass on one value; density 1 there."""

    arguments = {"v": constraints.real}
    has_rsample = True

    def __init__(self, v: Any) -> None:
        super().__init__(v)

    def draw(self, key: Tensor) -> Tensor:
        return self.values[0] + 0.0

    def log_density(self, value: Tensor) -> Tensor:
        return ops.where(value == self.values[0], 0.0, -np.inf)

    def safe_value(self, value: Tensor, counted: Any) -> Tensor:
        return ops.where(counted, value, self.values[0])


class Independent(Law):
    """The whole batch of ``base`` as the event of one variable."""

    def __init__(self, base: Law) -> None:
        self.base, self.batch_shape, self.values = base, (), ()
        self.event_shape, self.has_rsample = base.batch_shape + base.event_shape, base.has_rsample

    def expand(self, batch_shape: tuple[int, ...]) -> Law:
        new = Independent(self.base)
        new.base, new.batch_shape = self.base.expand(batch_shape + self._inner()), batch_shape
        return new

    def _inner(self) -> tuple[int, ...]:
        """The part of the event that was the batch of ``base``."""
        return self.event_shape[: len(self.event_shape) - len(self.base.event_shape)]

    def draw(self, key: Tensor) -> Tensor:
        return self.base.draw(key)

    def check_value(self, value: Any, where: Any = True) -> None:
        self.value_batch_shape(value)
        counted = np.asarray(array(where))
        self.base.check_value(value, counted.reshape(counted.shape + (1,) * len(self._inner())))

    def log_density(self, value: Tensor) -> Tensor:
        inner = tuple(range(-len(self._inner()), 0))
        return self.base.log_density(value).sum(inner)


class Unit(Law):
    """The law behind ``factor``: one empty value, whose log density is ``log_factor``."""

    arguments = {"log_factor": Constraint()}
    event_shape = (0,)

    def __init__(self, log_factor: Any, has_rsample: bool | None = None) -> None:
        super().__init__(log_factor)
        self.has_rsample, self.gradient_is_declared = has_rsample is True, has_rsample is not None

    def _check_arguments(self) -> None:
        """A factor may be anything, NaN and infinity included."""

    def check_value(self, value: Any, where: Any = True) -> None:
        """There is one value only."""

    def safe_value(self, value: Tensor, counted: Any) -> Tensor:
        return value

    def log_density(self, value: Tensor) -> Tensor:
        return self.values[0]
