"""What is shown while chains run."""

from __future__ import annotations

from types import TracebackType
from typing import Any

__all__ = ["ProgressBar"]


class ProgressBar:
    """A tqdm bar that moves once a chunk of iterations, or nothing at all.

    Args:
        is_shown: whether there is a bar; without one tqdm is not even imported.
        total: iterations of the whole run.

    Example:
        >>> with ProgressBar(False, 100) as progress:
        ...     progress.advance(50, "sample", "loss 1.0")
    """

    def __init__(self, is_shown: bool, total: int) -> None:
        self._bar: Any = None
        if is_shown:
            from tqdm.auto import tqdm

            self._bar = tqdm(total=total, unit="it", dynamic_ncols=True)

    @property
    def is_shown(self) -> bool:
        return self._bar is not None

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def advance(self, iterations: int, phase: str, figures: str) -> None:
        """Move the bar by some iterations and show what they were like."""
        if self._bar is not None:
            self._bar.set_description(phase, refresh=False)
            self._bar.set_postfix_str(figures, refresh=False)
            self._bar.update(iterations)
