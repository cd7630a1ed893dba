"""The handler that fixes the random numbers of a run: seed."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from ..errors import HandlerError
from ..runtime import Messenger
from ..util import get_rng_state, set_rng_seed, set_rng_state

__all__ = ["seed"]


class seed(Messenger):
    """Run with seeded generators (of torch, NumPy and Python), and put them back as they were at the end.

    Args:
        fn: model.
        rng_seed: an integer.

    Raises:
        HandlerError: the seed is no integer.

    Example:
        >>> from twofold_torch import sample, distributions as dist
        >>> model = seed(lambda: sample("x", dist.Normal(0.0, 1.0)), rng_seed=1)
        >>> bool(model() == model())
        True
    """

    def __init__(self, fn: Callable[..., Any] | None = None, rng_seed: Any = None) -> None:
        super().__init__(fn)
        try:
            self.rng_seed = operator.index(rng_seed)
        except TypeError as error:
            raise HandlerError(
                "seed needs an integer",
                seen=repr(rng_seed),
                expected="such as rng_seed=0",
                suggestion="write seed(model, rng_seed=0)",
            ) from error

    def __enter__(self) -> Any:
        result = super().__enter__()
        self._former = get_rng_state()
        set_rng_seed(self.rng_seed)
        return result

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> bool | None:
        set_rng_state(self._former)
        return super().__exit__(exc_type, exc_value, traceback)
