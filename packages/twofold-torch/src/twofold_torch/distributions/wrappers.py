"""Laws around a law: more event dims, more batch dims, a mask."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch import distributions as td

from twofold_torch.errors import ShapeError, SupportError
from twofold_torch.ops.shapes import broadcast_shape, broadcasts_to, sum_rightmost

from . import constraints
from .base import TorchDistribution, TorchDistributionMixin, expand_error
from .checks import check_shape

__all__ = ["ExpandedDistribution", "Independent", "MaskedDistribution"]


class _Wrapper(TorchDistributionMixin):
    """Passes on what a wrapper does not change."""

    base_dist: Any
    arg_constraints: dict[str, constraints.Constraint] = {}
    _batch_shape: torch.Size
    _event_shape: torch.Size

    @property
    def has_rsample(self) -> bool:
        """Whether draws are reparameterised."""
        chosen = self.__dict__.get("_has_rsample")
        return bool(self.base_dist.has_rsample if chosen is None else chosen)

    @has_rsample.setter
    def has_rsample(self, value: bool) -> None:
        self.__dict__["_has_rsample"] = value

    @property
    def has_enumerate_support(self) -> bool:
        """Whether the support can be listed."""
        return bool(self.base_dist.has_enumerate_support)

    @property
    def _validate_args(self) -> bool:
        return False  # the base law checks its own values

    @_validate_args.setter
    def _validate_args(self, value: bool | None) -> None:
        self.__dict__["_validation"] = value

    @constraints.dependent_property
    def support(self) -> constraints.Constraint:
        """Domain of the values."""
        support: constraints.Constraint = self.base_dist.support
        return support

    @property
    def mean(self) -> Tensor:
        """Mean of the law."""
        return self._over_batch(self.base_dist.mean)

    @property
    def mode(self) -> Tensor:
        """Most probable value."""
        return self._over_batch(self.base_dist.mode)

    @property
    def variance(self) -> Tensor:
        """Variance of each entry."""
        return self._over_batch(self.base_dist.variance)

    def _over_batch(self, statistic: Tensor) -> Tensor:
        return statistic.expand(self._batch_shape + self._event_shape)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_dist!r}, {self._setting()})"

    def _setting(self) -> str:
        return f"batch_shape={tuple(self._batch_shape)}"


class Independent(_Wrapper, td.Independent):  # type: ignore[type-arg,override]
    r"""``base_dist`` with its rightmost batch dims counted as event dims.

    .. math:: \log p(x) = \sum_{i} \log p_\text{base}(x_i)

    Args:
        base_dist: any law.
        reinterpreted_batch_ndims: how many batch dims become event dims, from 0 to all.
        validate_args: True or False tells ``base_dist`` to check its values or not.

    Raises:
        ShapeError: ``base_dist`` has fewer batch dims.

    Example:
        >>> from twofold_torch.distributions import Normal
        >>> Independent(Normal(torch.zeros(3), 1.0), 1).log_prob(torch.zeros(3))
        tensor(-2.7568)
    """

    def __init__(self, base_dist: Any, reinterpreted_batch_ndims: int, validate_args: bool | None = None) -> None:
        if type(base_dist) is Independent:  # one wrapper is enough
            reinterpreted_batch_ndims += base_dist.reinterpreted_batch_ndims
            base_dist = base_dist.base_dist
        batch_shape = base_dist.batch_shape
        split = len(batch_shape) - reinterpreted_batch_ndims
        if not 0 <= split <= len(batch_shape):
            raise ShapeError(
                f"{type(base_dist).__name__} has too few batch dims for to_event",
                seen=f"{reinterpreted_batch_ndims} dims asked of batch_shape {tuple(batch_shape)}",
                expected=f"between 0 and {len(batch_shape)}",
            )
        if validate_args is not None:
            base_dist._validate_args = validate_args
        self.base_dist = base_dist
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        self._batch_shape = batch_shape[:split]
        self._event_shape = batch_shape[split:] + base_dist.event_shape

    @constraints.dependent_property
    def support(self) -> constraints.Constraint:
        """Domain of the values: that of ``base_dist``, entry by entry."""
        support: constraints.Constraint = self.base_dist.support
        if not self.reinterpreted_batch_ndims:
            return support
        return constraints.independent(support, self.reinterpreted_batch_ndims)

    def expand(self, batch_shape: Iterable[int], _instance: Any = None) -> Any:
        """The law with its batch dims expanded; draws differ along new dims."""
        split = len(self._batch_shape)
        inner = self.base_dist.batch_shape[split:]
        new = Independent(self.base_dist.expand(torch.Size(batch_shape) + inner), self.reinterpreted_batch_ndims)
        if "_has_rsample" in self.__dict__:
            new.has_rsample = self.has_rsample
        return new

    def to_event(self, reinterpreted_batch_ndims: int | None = None) -> Any:
        """Count more batch dims as event dims, or (a negative number) fewer."""
        num_dims = len(self._batch_shape) if reinterpreted_batch_ndims is None else reinterpreted_batch_ndims
        if num_dims == 0:
            return self
        total = self.reinterpreted_batch_ndims + num_dims
        return self.base_dist if total == 0 else Independent(self.base_dist, total)

    def sample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw without gradient."""
        draw: Tensor = self.base_dist.sample(torch.Size(sample_shape))
        return draw

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient."""
        draw: Tensor = self.base_dist.rsample(torch.Size(sample_shape))
        return draw

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density of ``value``, summed over the reinterpreted dims."""
        return sum_rightmost(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def entropy(self) -> Tensor:
        """Entropy, summed over the reinterpreted dims."""
        return sum_rightmost(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values; only for laws whose reinterpreted dims have size 1 in all, since others have too many."""
        if self.reinterpreted_batch_ndims and self._event_shape.numel() > 1:
            raise NotImplementedError(
                f"the support of {type(self.base_dist).__name__} with to_event({self.reinterpreted_batch_ndims}) is a "
                "Cartesian product and is not enumerated; declare the dims as a plate instead"
            )
        values: Tensor = self.base_dist.enumerate_support(expand=expand)
        return values

    def _setting(self) -> str:
        return str(self.reinterpreted_batch_ndims)


class ExpandedDistribution(_Wrapper, TorchDistribution):  # type: ignore[override]
    """``base_dist`` with a larger batch shape, for laws without an ``expand`` of their own.

    Args:
        base_dist: any law.
        batch_shape: shape that ``base_dist.batch_shape`` broadcasts to; draws differ along every dim of it.
    """

    def __init__(self, base_dist: Any, batch_shape: Iterable[int] = ()) -> None:
        if isinstance(base_dist, ExpandedDistribution):
            base_dist = base_dist.base_dist
        shape = torch.Size(batch_shape)
        if not broadcasts_to(base_dist.batch_shape, shape):
            raise expand_error(base_dist, shape)
        self.base_dist = base_dist
        self._batch_shape, self._event_shape = shape, base_dist.event_shape

    def expand(self, batch_shape: Iterable[int], _instance: Any = None) -> Any:
        """The law with its batch dims expanded further."""
        shape = torch.Size(batch_shape)
        if not broadcasts_to(self._batch_shape, shape):
            raise expand_error(self, shape)
        new = ExpandedDistribution(self.base_dist, shape)
        if "_has_rsample" in self.__dict__:
            new.has_rsample = self.has_rsample
        return new

    def sample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw without gradient; entries along new dims are independent."""
        return self._draw(self.base_dist.sample, torch.Size(sample_shape))

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient; entries along new dims are independent."""
        return self._draw(self.base_dist.rsample, torch.Size(sample_shape))

    def _draw(self, draw: Any, sample_shape: torch.Size) -> Tensor:
        base_shape = self.base_dist.batch_shape
        num_new = len(self._batch_shape) - len(base_shape)
        stretched = [
            dim
            for dim, (small, large) in enumerate(zip(base_shape, self._batch_shape[num_new:], strict=True))
            if small != large
        ]
        lead = sample_shape + self._batch_shape[:num_new]
        sizes = torch.Size(self._batch_shape[num_new + dim] for dim in stretched)
        value: Tensor = draw(lead + sizes)
        start = len(lead) + len(sizes)
        for position, dim in enumerate(stretched):  # swap each drawn dim with the dim of size 1 that it fills
            value = value.transpose(len(lead) + position, start + dim)
        return value.reshape(lead + self._batch_shape[num_new:] + self._event_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density of ``value``."""
        log_prob: Tensor = self.base_dist.log_prob(value)
        return log_prob.expand(broadcast_shape(log_prob.shape, self._batch_shape))

    def entropy(self) -> Tensor:
        """Entropy of each law of the batch."""
        entropy: Tensor = self.base_dist.entropy()
        return entropy.expand(self._batch_shape)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values, along a new leftmost dim."""
        values: Tensor = self.base_dist.enumerate_support(expand=False)
        base_dims = len(self.base_dist.batch_shape)
        lead = values.shape[:1] + (1,) * (len(self._batch_shape) - base_dims) + values.shape[1:]
        values = values.reshape(lead)
        return values.expand(values.shape[:1] + self._batch_shape + self._event_shape) if expand else values


class MaskedDistribution(_Wrapper, TorchDistribution):  # type: ignore[override]
    """``base_dist`` whose log density counts only where ``mask`` is True.

    Where the mask is False the value is replaced by one inside the support before it is scored, so a NaN, or a value
    outside the support, reaches neither the log density nor its gradient.

    Args:
        base_dist: any law.
        mask: a bool, or a boolean tensor that broadcasts with ``base_dist.batch_shape``.

    Raises:
        SupportError: ``mask`` is not boolean.

    Example:
        >>> from twofold_torch.distributions import Normal
        >>> data = torch.tensor([0.0, float("nan")])
        >>> Normal(0.0, 1.0).mask(~data.isnan()).log_prob(data)
        tensor([-0.9189,  0.0000])
    """

    def __init__(self, base_dist: Any, mask: Tensor | bool) -> None:
        if isinstance(mask, Tensor):
            if mask.dtype is not torch.bool:
                raise SupportError(
                    "mask must be boolean", seen=mask.dtype, expected="torch.bool", suggestion="compare: mask > 0"
                )
            batch_shape = _masked_shape(mask, base_dist)
            mask = mask.expand(batch_shape)
            base_dist = base_dist.expand(batch_shape) if base_dist.batch_shape != batch_shape else base_dist
        elif not isinstance(mask, bool):
            raise SupportError("mask must be boolean", seen=f"{mask!r}", expected="True, False or a boolean tensor")
        self.base_dist, self._mask = base_dist, mask
        self._batch_shape, self._event_shape = base_dist.batch_shape, base_dist.event_shape

    def expand(self, batch_shape: Iterable[int], _instance: Any = None) -> Any:
        """The law with its batch dims expanded; the mask is repeated along new dims."""
        shape = torch.Size(batch_shape)
        mask = self._mask.expand(shape) if isinstance(self._mask, Tensor) else self._mask
        new = MaskedDistribution(self.base_dist.expand(shape), mask)
        if "_has_rsample" in self.__dict__:
            new.has_rsample = self.has_rsample
        return new

    def sample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw without gradient; the mask does not matter."""
        draw: Tensor = self.base_dist.sample(torch.Size(sample_shape))
        return draw

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient; the mask does not matter."""
        draw: Tensor = self.base_dist.rsample(torch.Size(sample_shape))
        return draw

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density of ``value``, exactly 0 where masked out."""
        if self._mask is True:
            log_prob: Tensor = self.base_dist.log_prob(value)
            return log_prob
        value = torch.as_tensor(value)
        check_shape(type(self.base_dist).__name__, value, self._batch_shape, self._event_shape)
        event_dim = len(self._event_shape)
        shape = broadcast_shape(self._batch_shape, value.shape[: value.dim() - event_dim])
        if self._mask is False:
            dtype = value.dtype if value.is_floating_point() else torch.get_default_dtype()
            return value.new_zeros((), dtype=dtype).expand(shape)
        entry_mask = self._mask.reshape(self._mask.shape + (1,) * event_dim)
        full = value.expand(shape + value.shape[value.dim() - event_dim :])
        safe = torch.where(entry_mask, full, constraints.feasible_like(self.base_dist.support, full))
        log_prob = self.base_dist.log_prob(safe)
        return torch.where(self._mask, log_prob, log_prob.new_zeros(()))

    def score_parts(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """The log density of ``value``, split for estimators of gradients, all parts masked."""
        return super().score_parts(value, *args, **kwargs).scale_and_mask(mask=self._mask)

    def entropy(self) -> Tensor:
        """Entropy, 0 where masked out."""
        entropy: Tensor = self.base_dist.entropy()
        return entropy * self._mask

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values of ``base_dist``."""
        values: Tensor = self.base_dist.enumerate_support(expand=expand)
        return values

    def _setting(self) -> str:
        return f"mask={self._mask if isinstance(self._mask, bool) else f'tensor of shape {tuple(self._mask.shape)}'}"


def _masked_shape(mask: Tensor, law: Any) -> torch.Size:
    try:
        return broadcast_shape(mask.shape, law.batch_shape)
    except ValueError as error:
        raise ShapeError(
            f"the mask of {type(law).__name__} does not fit its batch",
            seen=f"mask of shape {tuple(mask.shape)}",
            expected=f"a shape that broadcasts with batch_shape {tuple(law.batch_shape)}",
        ) from error
