"""What is shown while chains run."""

from __future__ import annotations

from types import TracebackType

from tqdm.auto import tqdm

__all__ = ["ProgressBar"]


class ProgressBar:
    """A tqdm bar that looks at the figures ten times a second at most, or nothing at all.

    Args:
        is_shown: whether there is a bar.
        total: iterations of the whole run.

    Example:
        >>> with ProgressBar(False, 100) as progress:
        ...     progress.advance(50)
        False
    """

    def __init__(self, is_shown: bool, total: int) -> None:
        self._bar = tqdm(total=total, unit="it", dynamic_ncols=True) if is_shown else None

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

    def advance(self, iterations: int) -> bool:
        """Move the bar; whether it was drawn anew, so that it is time for `describe`."""
        return self._bar is not None and bool(self._bar.update(iterations))

    def describe(self, phase: str, figures: str) -> None:
        """Show the phase and what the iterations were like, when the bar is drawn next."""
        if self._bar is not None:
            self._bar.set_description(phase, refresh=False)
            self._bar.set_postfix_str(figures, refresh=False)
