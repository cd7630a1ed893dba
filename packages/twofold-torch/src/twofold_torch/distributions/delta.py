"""Laws without randomness: a point mass, a bare log factor, a flat improper prior."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from twofold_torch.errors import SiteTypeError
from twofold_torch.ops.shapes import broadcast_shape, sum_rightmost

from . import constraints
from .base import TorchDistribution
from .checks import as_switch, check_argument
from .lean import LeanLaw, as_parameter

__all__ = ["Delta", "ImproperUniform", "Unit"]


class Delta(LeanLaw, TorchDistribution):
    r"""All probability at the point ``v``.

    .. math:: \log p(x) = \ell \text{ if } x = v, \text{ else } -\infty

    Args:
        v: the point; its rightmost ``event_dim`` dims are one event.
        log_density: the number :math:`\ell` added to the log density, broadcasts with the batch shape of ``v``.
        event_dim: number of event dims of ``v``.

    Raises:
        ValueError: ``v`` has fewer than ``event_dim`` dims.

    Example:
        >>> Delta(torch.tensor([1.0, 2.0]), event_dim=1).log_prob(torch.tensor([1.0, 2.0]))
        tensor(0.)
    """

    arg_constraints = {"v": constraints.dependent, "log_density": constraints.real}
    has_rsample = True

    def __init__(
        self,
        v: Tensor | float,
        log_density: Tensor | float = 0.0,
        event_dim: int = 0,
        validate_args: bool | None = None,
    ) -> None:
        if validate_args is not None:
            self.__dict__["_validation"] = as_switch(type(self).__name__, validate_args)
        value = v if isinstance(v, Tensor) else torch.as_tensor(v)
        split = value.dim() - event_dim
        if split < 0 or event_dim < 0:
            raise ValueError(f"Delta: event_dim {event_dim} does not fit v of shape {tuple(value.shape)}")
        batch_shape = value.shape[:split] if event_dim else value.shape
        dtype = value if value.is_floating_point() else None
        density = as_parameter("Delta", "log_density", log_density, dtype)
        if density.shape != batch_shape:
            batch_shape = broadcast_shape(batch_shape, density.shape)
            density = density.expand(batch_shape)
            value = value.expand(batch_shape + value.shape[split:])
        self.v, self.log_density = value, density
        self._batch_shape, self._event_shape = batch_shape, value.shape[value.dim() - event_dim :]

    @classmethod
    def infer_shapes(cls, **arg_shapes: Any) -> tuple[torch.Size, torch.Size]:
        """Batch and event shape for ``v`` and ``log_density`` of the given shapes and ``event_dim`` (a number)."""
        v, event_dim = torch.Size(arg_shapes["v"]), arg_shapes.get("event_dim", 0)
        split = len(v) - event_dim
        return broadcast_shape(v[:split], arg_shapes.get("log_density", ())), v[split:]

    @constraints.dependent_property
    def support(self) -> constraints.Constraint:
        """All real arrays of the event's shape: any value can be asked about."""
        event_dim = len(self._event_shape)
        return constraints.independent(constraints.real, event_dim) if event_dim else constraints.real

    @property
    def _parameters(self) -> dict[str, int]:  # type: ignore[override]
        return {"v": len(self._event_shape), "log_density": 0}

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """The point itself, repeated."""
        return self.v.expand(torch.Size(sample_shape) + self.v.shape)

    def sample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """The point itself, repeated, without gradient."""
        return self.rsample(sample_shape).detach()

    def log_prob(self, value: Tensor) -> Tensor:
        """``log_density`` where ``value`` is the point, else minus infinity."""
        zero = self.log_density.new_zeros(())
        log_prob = torch.where(self.v == value, zero, zero - torch.inf)
        return sum_rightmost(log_prob, len(self._event_shape)) + self.log_density

    @property
    def mean(self) -> Tensor:
        """The point."""
        return self.v

    @property
    def mode(self) -> Tensor:
        """The point."""
        return self.v

    @property
    def variance(self) -> Tensor:
        """Zero."""
        return torch.zeros_like(self.v)

    def entropy(self) -> Tensor:
        """Minus the expected log density."""
        return -self.log_density


class Unit(LeanLaw, TorchDistribution):
    """A law on the one-point space whose log density is ``log_factor``: a factor in the form of a law.

    Args:
        log_factor: any real number or tensor; its shape is ``batch_shape``.
        has_rsample: whether a guide's estimator may differentiate through the factor; None for no.

    Raises:
        SiteTypeError: ``log_factor`` is no number or tensor.

    Example:
        >>> Unit(torch.tensor([1.0, 2.0])).log_prob(torch.empty(2, 0))
        tensor([1., 2.])
    """

    arg_constraints = {"log_factor": constraints.real}
    support = constraints.real_vector
    _parameters = {"log_factor": 0}
    _event_shape = torch.Size((0,))

    def __init__(
        self, log_factor: Tensor | float, *, has_rsample: bool | None = None, validate_args: bool | None = None
    ) -> None:
        if validate_args is not None:
            self.__dict__["_validation"] = as_switch(type(self).__name__, validate_args)
        self.log_factor = as_parameter("Unit", "log_factor", log_factor)
        self._batch_shape = self.log_factor.shape
        if self._validate_args:
            check_argument("Unit", "log_factor", constraints.real, self.log_factor)
        if has_rsample is not None:
            if not isinstance(has_rsample, bool):
                raise SiteTypeError(
                    "Unit: has_rsample is of the wrong type", seen=has_rsample, expected="True or False"
                )
            self.has_rsample = has_rsample

    @classmethod
    def infer_shapes(cls, **arg_shapes: Any) -> tuple[torch.Size, torch.Size]:
        """Batch and event shape for a ``log_factor`` of the given shape."""
        return torch.Size(arg_shapes["log_factor"]), torch.Size((0,))

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """The one point: an empty vector for each entry of the batch."""
        return self.log_factor.new_empty(self.shape(sample_shape))

    def sample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """The one point: an empty vector for each entry of the batch."""
        return self.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        """``log_factor``, whatever ``value`` is."""
        return self.log_factor.expand(broadcast_shape(self._batch_shape, value.shape[:-1]))


class ImproperUniform(TorchDistribution):
    """Flat on ``support``: log density 0 everywhere, and no draws.

    Args:
        support: the constraint that values satisfy.
        batch_shape: shape of independent values.
        event_shape: shape of one value, at least ``support.event_dim`` dims.

    Raises:
        ValueError: ``event_shape`` has fewer dims than an event of ``support``.

    Example:
        >>> law = ImproperUniform(constraints.positive, (2,), ())
        >>> law.log_prob(torch.tensor([1.0, 5.0]))
        tensor([0., 0.])
    """

    arg_constraints: dict[str, constraints.Constraint] = {}

    def __init__(
        self,
        support: constraints.Constraint,
        batch_shape: Iterable[int] = (),
        event_shape: Iterable[int] = (),
        validate_args: bool | None = None,
    ) -> None:
        event_shape = torch.Size(event_shape)
        if not isinstance(support, constraints.Constraint):
            raise SiteTypeError("ImproperUniform needs a constraint", seen=support, expected="such as constraints.real")
        if len(event_shape) < support.event_dim:
            raise ValueError(
                f"ImproperUniform: event_shape {tuple(event_shape)} has fewer dims than an event of {support} "
                f"({support.event_dim})"
            )
        extra = len(event_shape) - support.event_dim
        self._support = constraints.independent(support, extra) if extra else support
        super().__init__(torch.Size(batch_shape), event_shape, validate_args=validate_args)

    @constraints.dependent_property
    def support(self) -> constraints.Constraint:
        """The constraint that values satisfy."""
        return self._support

    def expand(self, batch_shape: Iterable[int], _instance: Any = None) -> ImproperUniform:
        """The law with another batch shape."""
        validation = self.__dict__.get("_validation")
        return ImproperUniform(self._support, batch_shape, self._event_shape, validate_args=validation)

    def log_prob(self, value: Tensor) -> Tensor:
        """Zero."""
        if self._validate_args:
            self._validate_sample(value)
        batch_shape = value.shape[: value.dim() - len(self._event_shape)]
        dtype = value.dtype if value.is_floating_point() else torch.get_default_dtype()
        return value.new_zeros((), dtype=dtype).expand(broadcast_shape(self._batch_shape, batch_shape))

    def sample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Refused: a flat law without end has no draws."""
        raise NotImplementedError(
            "ImproperUniform has no draws; give the site a value (an observation, or an initial value for inference)"
        )
