"""``seed``: where random keys come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..errors import HandlerError, RandomKeyError, SiteTypeError
from ..messages import Message, is_auxiliary
from ..ops.arrays import is_prng_key
from ..params import ParamMemo
from ..runtime import Messenger
from ..transformations import current_transformation
from ..typing import Key

__all__ = ["seed"]


class seed(Messenger):
    """Supply random keys, each site its own: key ``i`` of a run is ``fold_in(rng_seed, i)``.

    Every sample site, subsampled plate, callable initial value and ``prng_key()`` takes one number ``i``, whether or
    not it draws; so conditioning a model changes no other draw.  Each call, and each entry of the ``with`` block,
    begins anew: a seeded model is a pure function.

    Args:
        fn: the model.
        rng_seed: an int, a 0-d integer array, or a random key of either kind; the same number gives the same run.
        hide_types: types of sites that get no key, such as ``["plate"]``.

    Raises:
        HandlerError: ``rng_seed`` is missing.
        SiteTypeError: ``rng_seed`` is none of these.
        RandomKeyError: a site inside ``vmap``, ``scan`` or ``jit`` within the model would draw with a key from outside.

    Example:
        >>> from twofold_jax import sample, distributions as dist
        >>> model = seed(lambda: sample("x", dist.Normal(0.0, 1.0)), rng_seed=0)
        >>> bool(model() == model())
        True
    """

    reads_key = False
    passes_stop = True

    def __init__(
        self,
        fn: Callable[..., Any] | None = None,
        rng_seed: int | Key | None = None,
        hide_types: Sequence[str] | None = None,
    ) -> None:
        if isinstance(fn, int | np.integer) or is_prng_key(fn):
            raise HandlerError(
                "seed takes the model first",
                seen=repr(fn),
                suggestion="write seed(model, rng_seed=0) or seed(rng_seed=0)",
                expected="a model, or nothing for a context manager",
            )
        super().__init__(fn)
        self.rng_key = _as_key(rng_seed)
        self.hide_types = frozenset(hide_types or ())
        self._count = 0

    def __enter__(self) -> Any:
        entered = super().__enter__()
        self._count = 0
        self._memo = ParamMemo()
        self._transformations = current_transformation()
        return entered

    def process_message(self, msg: Message) -> None:
        kind = msg["type"]
        if kind == "param":
            self._memo.recall(msg)
        if msg.get("is_seeded") or kind in self.hide_types or not _takes_key(msg):
            return
        index = self._count
        self._count = index + 1
        msg["is_seeded"] = True
        msg["kwargs"]["rng_key"] = None
        msg["draw_key"] = lambda: self._key(index, msg)

    def postprocess_message(self, msg: Message) -> None:
        if msg["type"] == "param":
            self._memo.remember(msg)

    def _key(self, index: int, msg: Message) -> Key:
        if current_transformation() != self._transformations:
            raise RandomKeyError(
                f"site {msg['name']!r} stands inside a JAX transformation (jit, vmap, scan, ...) within a seeded model",
                seen="a draw inside, its seed handler outside: one key would serve every row or step",
                expected="the seed handler on the same side of the transformation as its sites",
                suggestion="use plate instead of vmap; transform the whole seeded model; or split prng_key() before, "
                "and draw inside under a seed handler for each key",
            )
        return jax.random.fold_in(self.rng_key, index)


def _takes_key(msg: Message) -> bool:
    kind = msg["type"]
    if kind == "sample":
        return not (is_auxiliary(msg) and msg["is_observed"])  # a factor never draws
    if kind == "plate":
        size, subsample_size = msg["args"]
        return subsample_size < size and not msg.get("is_repeat")
    if kind == "param":
        return callable(msg["args"][0])
    return kind == "prng_key"


def _as_key(rng_seed: Any) -> Key:
    if rng_seed is None:
        raise HandlerError(
            "seed needs rng_seed",
            seen="nothing",
            suggestion="write seed(model, rng_seed=0)",
            expected="an int, or a random key",
        )
    if is_prng_key(rng_seed):
        return rng_seed
    is_integer = isinstance(rng_seed, int | np.integer) and not isinstance(rng_seed, bool)
    is_integer_array = (
        isinstance(rng_seed, jax.Array | np.ndarray)
        and rng_seed.shape == ()
        and jnp.issubdtype(rng_seed.dtype, jnp.integer)
    )
    if not (is_integer or is_integer_array):
        raise SiteTypeError(
            "rng_seed of seed has the wrong type",
            seen=f"{rng_seed!r} of type {type(rng_seed).__name__}",
            expected="an int, a 0-d integer array, or one random key",
            suggestion="pass an int, or jax.random.key(0)",
        )
    return jax.random.PRNGKey(rng_seed)
