"""What every law can do: draw, score, and take on other shapes.

Three classes, by where a law comes from:

- :class:`TorchDistributionMixin`: the public surface, put before a class of ``torch.distributions``.
- :class:`TorchDistribution`: base of laws that torch does not have.
- :class:`WrappedLaw`, :class:`LeanLaw` in ``lean.py``: how torch's own constructors are used, or replaced by lean ones.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor
from torch.distributions import Distribution as _TorchBase
from torch.distributions.utils import lazy_property

from twofold_torch.errors import ShapeError, SiteTypeError
from twofold_torch.ops.shapes import broadcast_shape
from twofold_torch.validation import is_validation_enabled

from . import constraints
from .checks import as_switch, check_argument, check_shape, check_value

__all__ = ["Distribution", "ScoreParts", "TorchDistribution", "TorchDistributionMixin"]


class ScoreParts(NamedTuple):
    """The parts of a log density that estimators of gradients treat differently.

    Args:
        log_prob: the log density.
        score_function: what multiplies the downstream cost in a score-function term; 0 where draws are reparameterised.
        entropy_term: what enters the entropy with its gradient; 0 where draws are not reparameterised.
    """

    log_prob: Tensor
    score_function: Tensor | float
    entropy_term: Tensor | float

    def scale_and_mask(self, scale: Tensor | float = 1.0, mask: Tensor | bool | None = None) -> ScoreParts:
        """Multiply density and entropy by ``scale`` and zero all parts where ``mask`` is False.

        The score function is not scaled: the cost that it multiplies already is.
        """
        parts = (_scaled(self.log_prob, scale), self.score_function, _scaled(self.entropy_term, scale))
        return ScoreParts(*(_masked(part, mask) for part in parts))  # type: ignore[arg-type]


def _scaled(part: Tensor | float, scale: Tensor | float) -> Tensor | float:
    if isinstance(part, int | float) and part == 0:
        return part
    return part * scale if not (isinstance(scale, int | float) and scale == 1) else part


def _masked(part: Tensor | float, mask: Tensor | bool | None) -> Tensor | float:
    if mask is None or mask is True or (isinstance(part, int | float) and part == 0):
        return part
    if mask is False:
        return torch.zeros_like(torch.as_tensor(part))
    tensor = torch.as_tensor(part)
    return torch.where(mask, tensor, torch.zeros_like(tensor))


class Distribution(ABC):
    """The least that a statement ``sample`` needs: a call that draws, and ``log_prob``.

    A class of your own may derive from it and define these two only. Every law of this package counts as an instance.
    """

    has_rsample: bool = False
    has_enumerate_support: bool = False

    @abstractmethod
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Draw a value."""

    @abstractmethod
    def log_prob(self, value: Any, *args: Any, **kwargs: Any) -> Tensor:
        """Log density of ``value``."""

    def score_parts(self, value: Any, *args: Any, **kwargs: Any) -> ScoreParts:
        """The log density of ``value``, split for estimators of gradients."""
        return _score_parts(self, self.log_prob(value, *args, **kwargs))

    def has_rsample_(self, value: bool) -> Self:
        """Say whether draws count as reparameterised, in place; returns the law itself."""
        return _say_has_rsample(self, value)


def _score_parts(law: Any, log_prob: Tensor) -> ScoreParts:
    if law.has_rsample:
        return ScoreParts(log_prob=log_prob, score_function=0.0, entropy_term=log_prob)
    return ScoreParts(log_prob=log_prob, score_function=log_prob, entropy_term=0.0)


def _say_has_rsample(law: Any, value: bool) -> Any:
    if not isinstance(value, bool):
        raise SiteTypeError(f"has_rsample_ of {type(law).__name__} is of the wrong type", seen=value, expected="a bool")
    law.has_rsample = value
    return law


@Distribution.register
class TorchDistributionMixin:
    """What a ``torch.distributions`` law gains: calls, shape helpers, masks, checks that follow one switch.

    Put it before the torch class: ``class Weibull(WrappedLaw, torch.distributions.Weibull)``.
    """

    _batch_shape: torch.Size
    _event_shape: torch.Size

    @property
    def _validate_args(self) -> bool:
        """Whether this law checks: as its constructor was told, else as both switches say, ours and torch's."""
        chosen = self.__dict__.get("_validation")
        if chosen is not None:
            return bool(chosen)
        # `python -O` turns torch's default off; ours is a switch of its own and stays
        switched_on = is_validation_enabled() and (_TorchBase._validate_args or not __debug__)
        return switched_on and not torch.compiler.is_compiling()

    @_validate_args.setter
    def _validate_args(self, value: bool | None) -> None:
        self.__dict__["_validation"] = None if value is None else as_switch(type(self).__name__, value)

    def _validate_sample(self, value: Any) -> None:
        name = type(self).__name__
        check_shape(name, value, self._batch_shape, self._event_shape)
        try:
            support = self.support  # type: ignore[attr-defined]
        except NotImplementedError:
            return  # a law of someone else's that does not say where it lives
        if support is not None and not constraints.is_dependent(support):
            check_value(name, support, value)

    def __call__(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw a value: reparameterised where the law can, otherwise without gradient.

        Args:
            sample_shape: leading dims of independent draws.

        Returns:
            A tensor of shape ``sample_shape + batch_shape + event_shape``.
        """
        law: Any = self
        rule = law.rsample if law.has_rsample else law.sample
        draw: Tensor = rule(torch.Size(sample_shape)) if sample_shape else rule()
        return draw

    def score_parts(self, value: Any, *args: Any, **kwargs: Any) -> ScoreParts:
        """The log density of ``value``, split for estimators of gradients."""
        law: Any = self
        return _score_parts(self, law.log_prob(value, *args, **kwargs))

    def has_rsample_(self, value: bool) -> Self:
        """Say whether draws count as reparameterised, in place; returns the law itself."""
        _say_has_rsample(self, value)
        return self

    @property
    def event_dim(self) -> int:
        """Number of dims of one event."""
        return len(self.event_shape)  # type: ignore[attr-defined]

    @property
    def is_discrete(self) -> bool:
        """Whether the support is discrete."""
        return bool(self.support.is_discrete)  # type: ignore[attr-defined]

    def shape(self, sample_shape: Iterable[int] = ()) -> torch.Size:
        """Shape of a draw: ``sample_shape + batch_shape + event_shape``."""
        law: Any = self
        return torch.Size(sample_shape) + law.batch_shape + law.event_shape

    def expand_by(self, sample_shape: Iterable[int]) -> Any:
        """The law with ``sample_shape`` put before its ``batch_shape``; draws differ along it."""
        law: Any = self
        return law.expand(torch.Size(sample_shape) + law.batch_shape)

    def to_event(self, reinterpreted_batch_ndims: int | None = None) -> Any:
        """Count the rightmost batch dims as event dims: ``log_prob`` sums over them.

        Args:
            reinterpreted_batch_ndims: how many; None for all. A negative number gives dims of an
                :class:`Independent` back to the batch.

        Returns:
            An :class:`Independent`, or the law itself for 0.

        Raises:
            ShapeError: there are not so many dims.

        Example:
            >>> from twofold_torch.distributions import Normal
            >>> law = Normal(torch.zeros(3, 4), 1.0).to_event(1)
            >>> law.batch_shape, law.event_shape
            (torch.Size([3]), torch.Size([4]))
        """
        from .wrappers import Independent

        law: Any = self
        num_dims = len(law.batch_shape) if reinterpreted_batch_ndims is None else reinterpreted_batch_ndims
        if num_dims == 0:
            return self
        if num_dims < 0:
            raise ShapeError(
                f"{type(self).__name__}.to_event({num_dims}) cannot give event dims back to the batch",
                seen=f"event_shape {tuple(law.event_shape)} that belongs to one event of the law",
                expected="a law made by to_event with at least as many dims",
            )
        return Independent(law, num_dims)

    def mask(self, mask: Tensor | bool) -> Any:
        """The law whose log density counts only where ``mask`` is True.

        Args:
            mask: a bool, or a boolean tensor that broadcasts with ``batch_shape``.

        Returns:
            A :class:`MaskedDistribution`. Masked-out values may be anything, NaN too: neither the log density nor
            its gradient sees them.
        """
        from .wrappers import MaskedDistribution

        return MaskedDistribution(self, mask)

    @classmethod
    def infer_shapes(cls, **arg_shapes: Iterable[int]) -> tuple[torch.Size, torch.Size]:
        """Batch and event shape of the law that arguments of the given shapes would make.

        Args:
            arg_shapes: the shape of each constructor argument that is a tensor.

        Returns:
            ``(batch_shape, event_shape)``.

        Example:
            >>> from twofold_torch.distributions import Normal
            >>> Normal.infer_shapes(loc=(3, 1), scale=(4,))
            (torch.Size([3, 4]), torch.Size([]))
        """
        arg_constraints: Any = cls.arg_constraints  # type: ignore[attr-defined]
        event_dim: int = cls.support.event_dim  # type: ignore[attr-defined]
        batches, event_shape = [], torch.Size()
        for name, shape in arg_shapes.items():
            size, dims = torch.Size(shape), _event_dim_of(arg_constraints, name)
            batches.append(size[: len(size) - dims])
            if event_dim and dims >= event_dim:
                event_shape = size[len(size) - event_dim :]
        return broadcast_shape(*batches), event_shape


def _event_dim_of(arg_constraints: dict[str, Any], name: str) -> int:
    try:
        return int(arg_constraints[name].event_dim)
    except KeyError:
        raise ValueError(f"no argument {name!r}; there are {sorted(arg_constraints)}") from None


def expand_error(law: Any, batch_shape: Iterable[int]) -> ShapeError:
    """The error for a batch shape that a law cannot be expanded to."""
    return ShapeError(
        f"{type(law).__name__} cannot be expanded to this batch shape",
        seen=tuple(batch_shape),
        expected=f"a shape that batch_shape {tuple(law.batch_shape)} broadcasts to",
    )


class ArgumentCheck(_TorchBase):
    """Stands behind a torch class in the method order and makes its constructor check as ours do."""

    def __init__(
        self,
        batch_shape: Iterable[int] = (),
        event_shape: Iterable[int] = (),
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape, self._event_shape = torch.Size(batch_shape), torch.Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            check_arguments(self)


def check_arguments(law: Any) -> None:
    """Check every argument that the law holds, and no derived one, against its ``arg_constraints``."""
    for name, constraint in law.arg_constraints.items():
        derived = name not in law.__dict__ and isinstance(getattr(type(law), name, None), lazy_property)
        if not derived and not constraints.is_dependent(constraint):
            check_argument(type(law).__name__, name, constraint, getattr(law, name))


class TorchDistribution(TorchDistributionMixin, ArgumentCheck):
    """Base of laws that torch does not have.

    A law defines ``support``, ``arg_constraints``, ``log_prob`` and ``sample`` or ``rsample`` (with ``has_rsample``);
    ``expand`` works at once, and may be overridden by a cheaper one.

    Args:
        batch_shape: shape of independent, not identically distributed draws.
        event_shape: shape of one draw.
        validate_args: check arguments and values; None for the package's switch.
    """

    def expand(self, batch_shape: Iterable[int], _instance: Any = None) -> Any:
        """The law with its batch dims expanded; draws differ along new dims."""
        from .wrappers import ExpandedDistribution

        return ExpandedDistribution(self, torch.Size(batch_shape))
