"""`Distribution`: what every law offers, and the little that a law has to define."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ..errors import RandomKeyError
from ..ops.arrays import as_array_like, broadcast_shapes, is_prng_key, shape_of
from ..validation import enable_validation, is_validation_enabled
from .checks import check_arguments, check_value
from .constraints.base import Constraint

if TYPE_CHECKING:
    pass

__all__ = ["Distribution", "Shape"]

Shape = tuple[int, ...]


class Distribution:
    """A law of probability over arrays.

    Values have shape ``sample_shape + batch_shape + event_shape``: independent draws, independent but different laws,
    and the dims of one value.  A law is a pytree whose leaves are its arguments, kept as they were given; making one
    does no work of JAX, and its shapes follow its leaves through ``vmap``.

    A new law states `arg_constraints`, `support` and defines either ``_sample(key, shape)`` and ``_log_prob(value)``,
    where ``shape`` is the batch shape asked for, or in the manner of NumPyro ``sample(key, sample_shape)`` and
    ``log_prob(value)``.

    Args:
        batch_shape: shape of the law's parameters, less the dims that one value needs.
        event_shape: shape of one value.
        validate_args: whether arguments and values are checked; by default as `enable_validation` says.

    Example:
        >>> from twofold_jax.distributions import Normal
        >>> law = Normal(np.zeros(3), 1.0).to_event(1)
        >>> law.batch_shape, law.event_shape
        ((), (3,))
    """

    arg_constraints: ClassVar[dict[str, Constraint]] = {}
    """Domain of each argument."""
    has_enumerate_support: ClassVar[bool] = False
    """Whether `enumerate_support` can list all values."""
    reparametrized_params: ClassVar[Sequence[str]] = ()
    """Arguments with respect to which a draw is differentiable."""
    pytree_data_fields: ClassVar[tuple[str, ...]] = ()
    """Attributes that are leaves besides the arguments."""
    pytree_aux_fields: ClassVar[tuple[str, ...]] = ()
    """Attributes that are fixed when a program is compiled."""

    _data_names: ClassVar[tuple[str, ...]] = ()
    _aux_names: ClassVar[tuple[str, ...]] = ()
    _validate_args: bool | None = None
    _explicit_shapes: tuple[Shape, Shape] | None = None
    _batch_shape: Shape | None = None
    _event_shape: Shape | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._data_names = cls.gather_pytree_data_fields()
        cls._aux_names = cls.gather_pytree_aux_fields()
        jax.tree_util.register_pytree_with_keys(
            cls, _flatten_with_keys, cls.tree_unflatten, lambda law: law.tree_flatten()
        )

    def __init__(
        self, batch_shape: Sequence[int] = (), event_shape: Sequence[int] = (), *, validate_args: bool | None = None
    ) -> None:
        self._explicit_shapes = tuple(batch_shape), tuple(event_shape)
        self._batch_shape, self._event_shape = self._explicit_shapes
        self._settle(validate_args)

    def _set(self, validate_args: bool | None, **arguments: Any) -> None:
        """Store the arguments of a law whose shapes follow from them, and check them."""
        law = type(self).__name__
        for name, argument in arguments.items():
            self.__dict__[name] = as_array_like(argument, f"argument {name!r} of {law}")
        self._batch_shape = self._infer_batch_shape()
        self._settle(validate_args)

    def _settle(self, validate_args: bool | None) -> None:
        if validate_args is not None:
            self._validate_args = validate_args
        if self._is_checked:
            check_arguments(self)

    @property
    def _is_checked(self) -> bool:
        return is_validation_enabled() if self._validate_args is None else self._validate_args

    @property
    def _is_random(self) -> bool:
        """Whether a draw uses its key."""
        return True

    # Shapes

    def _infer_batch_shape(self) -> Shape:
        """Batch shape that follows from the arguments, less the dims which their constraints take as one value."""
        shapes = []
        names = []
        for name, constraint in self.arg_constraints.items():
            if name in self.__dict__:
                shape = shape_of(self.__dict__[name])
                shapes.append(shape[: len(shape) - constraint.event_dim] if constraint.event_dim else shape)
                names.append(name)
        return broadcast_shapes(*shapes, what=f"the arguments {', '.join(names)} of {type(self).__name__}")

    def _infer_event_shape(self) -> Shape:
        return ()

    @property
    def batch_shape(self) -> Shape:
        """Shape of independent, possibly different laws."""
        if self._batch_shape is None:
            self._batch_shape = self._infer_batch_shape()
        return self._batch_shape

    @property
    def event_shape(self) -> Shape:
        """Shape of one value."""
        if self._event_shape is None:
            self._event_shape = self._infer_event_shape()
        return self._event_shape

    @property
    def event_dim(self) -> int:
        """Number of dims of one value."""
        return len(self.event_shape)

    def shape(self, sample_shape: Sequence[int] = ()) -> Shape:
        """Shape of a draw: ``sample_shape + batch_shape + event_shape``."""
        return (*sample_shape, *self.batch_shape, *self.event_shape)

    @classmethod
    def infer_shapes(cls, *args: Any, **kwargs: Any) -> tuple[Shape, Shape]:
        """Batch and event shape of the law for the given shapes of its arguments.

        Example:
            >>> from twofold_jax.distributions import Normal
            >>> Normal.infer_shapes((3, 1), scale=(4,))
            ((3, 4), ())
        """

        def stand_in(x: Any) -> Any:
            return np.broadcast_to(np.float32(0), x) if isinstance(x, tuple) else x

        law = cls(*map(stand_in, args), **{k: stand_in(v) for k, v in kwargs.items()}, validate_args=False)
        return law.batch_shape, law.event_shape

    # Draws and densities

    @property
    def support(self) -> Constraint | None:
        """Set of all possible values."""
        return None

    @property
    def is_discrete(self) -> bool:
        """Whether the values are isolated points."""
        return self.support is not None and self.support.is_discrete

    @property
    def has_rsample(self) -> bool:
        """Whether a draw is differentiable with respect to all arguments."""
        return set(self.reparametrized_params) >= set(self.arg_constraints)

    def sample(self, key: Array | None = None, sample_shape: Sequence[int] = ()) -> Array:
        """Draw values of shape ``sample_shape + batch_shape + event_shape``.

        Args:
            key: random key of JAX, of either kind; used up by the call.
            sample_shape: shape of independent draws.

        Raises:
            RandomKeyError: ``key`` is no random key.
        """
        return self._sample(self._usable(key), (*sample_shape, *self.batch_shape))

    def rsample(self, key: Array | None = None, sample_shape: Sequence[int] = ()) -> Array:
        """`sample` for laws whose draws are differentiable with respect to their arguments.

        Raises:
            NotImplementedError: the law has no differentiable draw.
        """
        return self.sample(key, sample_shape) if self.has_rsample else self._lacks("differentiable draw (rsample)")

    def sample_with_intermediates(
        self, key: Array | None = None, sample_shape: Sequence[int] = ()
    ) -> tuple[Array, list[Any]]:
        """Draw as `sample` does, with what `log_prob` can reuse to spare the inversion of transforms."""
        return self._sample_with_intermediates(self._usable(key), (*sample_shape, *self.batch_shape))

    def log_prob(self, value: ArrayLike, intermediates: list[Any] | None = None) -> Array:
        """Log density, or log probability of a discrete law, of ``value``.

        Args:
            value: any shape that broadcasts with ``batch_shape + event_shape``.
            intermediates: what `sample_with_intermediates` returned beside ``value``.

        Returns:
            One number per value: the broadcast shape less the event dims.

        Raises:
            SupportError: checks are on, ``value`` is concrete, and some of it lies outside the support.
        """
        if self._is_checked:
            value = check_value(self, value)
        elif isinstance(value, (list, tuple)):
            value = np.asarray(value)
        return self._log_prob(value)

    def _sample(self, key: Array, shape: Shape) -> Array:
        """Draw independent values of batch shape ``shape``, to which `batch_shape` broadcasts."""
        if type(self).sample is Distribution.sample:
            self._lacks("sampler")
        batch = self.batch_shape
        lead = len(shape) - len(batch)
        grown = [i for i, size in enumerate(batch) if size != shape[lead + i]]
        draws = self.sample(key, (*shape[:lead], *(shape[lead + i] for i in grown)))
        for j, i in enumerate(grown):
            draws = jnp.swapaxes(draws, lead + j, lead + len(grown) + i)
        return jnp.squeeze(draws, tuple(range(lead, lead + len(grown)))) if grown else draws

    def _sample_with_intermediates(self, key: Array, shape: Shape) -> tuple[Array, list[Any]]:
        return self._sample(key, shape), []

    def _log_prob(self, value: ArrayLike) -> Array:
        return self._lacks("density")

    def _usable(self, key: Any) -> Array:
        if is_prng_key(key) or not self._is_random:
            return key
        raise RandomKeyError(
            f"a draw from {type(self).__name__} needs a random key",
            seen=repr(key),
            expected="one key of jax.random",
            suggestion="pass jax.random.PRNGKey(0), or run the model in handlers.seed",
        )

    def _lacks(self, what: str) -> NoReturn:
        raise NotImplementedError(f"{type(self).__name__} has no {what}")

    def __call__(
        self,
        rng_key: Array | None = None,
        sample_shape: Sequence[int] = (),
        *,
        sample_intermediates: bool = False,
    ) -> Any:
        """Draw by calling the law; with ``sample_intermediates`` the pair of `sample_with_intermediates`."""
        draw = self.sample_with_intermediates if sample_intermediates else self.sample
        return draw(rng_key, sample_shape)

    # Properties of the law

    @property
    def mean(self) -> Array:
        """Expectation, of shape ``batch_shape + event_shape``; NaN or infinite where it does not exist."""
        return self._lacks("mean in closed form")

    @property
    def variance(self) -> Array:
        """Variance of each entry, of shape ``batch_shape + event_shape``."""
        return self._lacks("variance in closed form")

    @property
    def mode(self) -> Array:
        """Most probable value, of shape ``batch_shape + event_shape``."""
        return self._lacks("mode in closed form")

    def cdf(self, value: ArrayLike) -> Array:
        """Probability of values of at most ``value``."""
        return self._lacks("distribution function in closed form")

    def icdf(self, q: ArrayLike) -> Array:
        """The value below which the law has probability ``q``."""
        return self._lacks("quantile function in closed form")

    def entropy(self) -> Array:
        """Expectation of ``-log_prob``, of batch shape."""
        return self._lacks("entropy in closed form")

    def enumerate_support(self, expand: bool = True) -> Array:
        """All values of a finite law along a new first dim.

        Args:
            expand: whether the batch dims have their size (values repeated) or size 1.
        """
        return self._lacks("finite support")

    def _enumerated(self, values: ArrayLike, expand: bool) -> Array:
        lead = np.shape(values)[:1]
        event = self.event_shape
        spread = jnp.reshape(values, lead + (1,) * len(self.batch_shape) + event)
        return jnp.broadcast_to(spread, lead + self.batch_shape + event) if expand else spread

    def _spread(self, value: ArrayLike) -> Array:
        """``value`` broadcast to the shape of one draw."""
        return jnp.broadcast_to(value, self.shape())

    # Laws made from this one

    def expand(self, batch_shape: Sequence[int]) -> Distribution:
        """The law with its batch dims repeated up to ``batch_shape``; draws of the repetitions are independent."""
        from .wrappers import ExpandedDistribution

        shape = tuple(batch_shape)
        return self if shape == self.batch_shape else ExpandedDistribution(self, shape)

    def expand_by(self, sample_shape: Sequence[int]) -> Distribution:
        """`expand` by further dims on the left."""
        return self.expand((*sample_shape, *self.batch_shape))

    def to_event(self, reinterpreted_batch_ndims: int | None = None) -> Distribution:
        """The law whose last batch dims are part of the event; all of them by default.

        Raises:
            ShapeError: the law has fewer batch dims.
        """
        from .wrappers import Independent

        n = len(self.batch_shape) if reinterpreted_batch_ndims is None else reinterpreted_batch_ndims
        return self if n == 0 else Independent(self, n)

    def mask(self, mask: ArrayLike) -> Distribution:
        """The law whose log density is 0 where ``mask`` is False, whatever the value there, NaN included."""
        from .wrappers import MaskedDistribution

        return self if mask is True else MaskedDistribution(self, mask)

    # Arguments, checks, and the pytree

    def get_args(self) -> dict[str, Any]:
        """Arguments of the law by name, as they were given."""
        return {name: self.__dict__[name] for name in self.arg_constraints if name in self.__dict__}

    def validate_args(self, strict: bool = True) -> None:
        """Check the arguments now.

        Args:
            strict: whether an argument that is being traced, and cannot be looked at, is an error.

        Raises:
            SupportError: an argument lies outside its domain.
            RuntimeError: ``strict`` and an argument is being traced.
        """
        check_arguments(self)
        traced = [name for name, arg in self.get_args().items() if isinstance(arg, jax.core.Tracer)]
        if strict and traced:
            raise RuntimeError(f"{type(self).__name__} cannot check {', '.join(traced)} while being traced")

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Switch the checks of all laws, as `enable_validation` does."""
        enable_validation(value)

    @classmethod
    def gather_pytree_data_fields(cls) -> tuple[str, ...]:
        """Names of the attributes that are leaves of the pytree."""
        inherited = [name for base in reversed(cls.__mro__) for name in base.__dict__.get("pytree_data_fields", ())]
        return tuple(dict.fromkeys([*cls.arg_constraints, *inherited]))

    @classmethod
    def gather_pytree_aux_fields(cls) -> tuple[str, ...]:
        """Names of the attributes that are structure of the pytree."""
        inherited = [name for base in reversed(cls.__mro__) for name in base.__dict__.get("pytree_aux_fields", ())]
        return tuple(dict.fromkeys(["_validate_args", "_explicit_shapes", *inherited]))

    def tree_flatten(self) -> tuple[tuple[Any, ...], Any]:
        """Leaves and structure."""
        own = self.__dict__
        present = tuple(name for name in self._data_names if name in own)
        return tuple(own[name] for name in present), (present, tuple(own.get(name) for name in self._aux_names))

    @classmethod
    def tree_unflatten(cls, aux: Any, children: Iterable[Any]) -> Self:
        """The inverse of `tree_flatten`; checks nothing, because leaves may be anything during transformations."""
        present, fixed = aux
        self = object.__new__(cls)
        self.__dict__.update(zip(present, children, strict=True))
        self.__dict__.update((n, v) for n, v in zip(cls._aux_names, fixed, strict=True) if v is not None)
        if self._explicit_shapes is not None:
            self._batch_shape, self._event_shape = self._explicit_shapes
        return self

    def __repr__(self) -> str:
        fields = [(name, self.__dict__[name]) for name in self._data_names if name in self.__dict__]
        described = ", ".join(f"{name.lstrip('_')}: {_describe(field)}" for name, field in fields)
        return f"{type(self).__name__}({described})"


def _describe(field: Any) -> str:
    return str(tuple(field.shape)) if hasattr(field, "dtype") else repr(field)


def _flatten_with_keys(law: Distribution) -> tuple[Any, Any]:
    children, aux = law.tree_flatten()
    if type(law).tree_flatten is Distribution.tree_flatten:
        keys: list[Any] = [jax.tree_util.GetAttrKey(name) for name in aux[0]]
    else:
        keys = [jax.tree_util.FlattenedIndexKey(i) for i in range(len(children))]
    return list(zip(keys, children, strict=True)), aux
