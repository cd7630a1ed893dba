"""The one shape check of every statement: a value must fit its law and its plates."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from .errors import ShapeError
from .messages import CondIndepStackFrame, Message, is_law
from .ops.shapes import broadcast_shape

__all__ = ["check_value_shape"]


def check_value_shape(msg: Message) -> None:
    """Refuse a value, supplied by ``obs=`` or by a handler, that would broadcast the site to another shape in silence.

    Inside plates the value has to broadcast to the shape that law and plates give the site; any length will do at the
    dim of a plate without a size, and a latent value may have dims to the left of the plates (enumeration puts them
    there).  Several observations are not repeated where the law has a dim that no plate declares.
    Outside plates the value may be larger than the law or the law larger than the value, not both at once.
    ``infer={"allow_broadcast": True}`` switches the check off for one site.

    Raises:
        ShapeError: with the site, its plates, the shapes, and what to do.
    """
    fn, value = msg["fn"], msg["value"]
    shape = getattr(value, "shape", None)
    if shape is None or not is_law(fn) or msg["infer"].get("allow_broadcast"):
        return
    enumerated = msg["infer"].get("_dim_to_id")
    if enumerated and not msg["is_observed"]:
        return
    event_shape = fn.event_shape
    event_dim = len(event_shape)
    law_batch = fn.batch_shape
    if enumerated:
        law_batch = type(law_batch)(1 if i - len(law_batch) in enumerated else s for i, s in enumerate(law_batch))
    if shape == law_batch + event_shape:
        return
    split = len(shape) - event_dim
    if split < 0 or any(size not in (1, seen) for size, seen in zip(event_shape, shape[split:], strict=True)):
        raise _event_error(msg)
    batch = shape[:split]
    frames = [frame for frame in msg["cond_indep_stack"] if frame.dim is not None]
    fits = _fits_plates(batch, law_batch, frames, msg["is_observed"]) if frames else _fits_law(batch, law_batch)
    if not fits:
        raise _batch_error(msg, batch, frames)
    if frames and msg["is_observed"]:
        dim = _undeclared_dim(batch, law_batch, frames)
        if dim is not None:
            raise _undeclared_error(msg, batch, dim, frames)


def _fits_law(batch: Sequence[int], law_batch: Sequence[int]) -> bool:
    try:
        joint = broadcast_shape(batch, law_batch)
    except ValueError:
        return False
    return len(joint) in (len(batch), len(law_batch)) and joint in (
        _stripped(batch, joint),
        _stripped(law_batch, joint),
    )


def _stripped(shape: Sequence[int], like: Sequence[int]) -> tuple[int, ...]:
    """``shape`` with leading ones added, so that it can be compared with ``like``."""
    return (1,) * (len(like) - len(shape)) + tuple(shape)


def _fits_plates(
    batch: Sequence[int], law_batch: Sequence[int], frames: list[CondIndepStackFrame], is_observed: bool
) -> bool:
    unsized = {frame.dim for frame in frames if frame.size < 0}
    depth = max(-frame.dim for frame in frames if frame.dim is not None)
    for position in range(1, max(len(batch), len(law_batch)) + 1):
        size = batch[-position] if position <= len(batch) else 1
        expected = law_batch[-position] if position <= len(law_batch) else 1
        if size in (1, expected):
            continue
        is_free = expected == 1 and (-position in unsized or (position > depth and not is_observed))
        if not is_free:
            return False
    return True


def _undeclared_dim(batch: Sequence[int], law_batch: Sequence[int], frames: list[CondIndepStackFrame]) -> int | None:
    """A dim of the law that is no plate's, where a value of several entries is repeated along this dim or another."""
    declared = {frame.dim for frame in frames}
    padded = (1,) * (len(law_batch) - len(batch)) + tuple(batch)
    is_repeated = any(size == 1 != expected for size, expected in zip(padded, law_batch, strict=False))
    if not is_repeated or all(size == 1 for size in batch):
        return None
    dims = range(-1, -len(law_batch) - 1, -1)
    return next((dim for dim in dims if law_batch[dim] != 1 and dim not in declared), None)


def _undeclared_error(msg: Message, batch: Sequence[int], dim: int, frames: list[CondIndepStackFrame]) -> ShapeError:
    law_batch = tuple(msg["fn"].batch_shape)
    return ShapeError(
        f"site {msg['name']!r}: {prod(batch)} observations would count as {prod(law_batch)}, because the law has a "
        f"dim, {dim}, that no plate declares",
        seen=f"an observation of batch shape {tuple(batch)}, a law of batch shape {law_batch}, "
        f"plates {_plates(frames)}",
        expected="a law with the dims of its plates, or an observation of the law's shape",
        suggestion="drop the dim from what the law is made of, such as with .squeeze(-1); or declare it with a plate "
        'or with .to_event(); if broadcasting is meant, infer={"allow_broadcast": True}',
    )


def _plates(frames: list[CondIndepStackFrame]) -> str:
    return ", ".join(f"{f.name!r} (dim {f.dim}, size {f.size if f.size >= 0 else 'any'})" for f in frames)


def _event_error(msg: Message) -> ShapeError:
    fn = msg["fn"]
    return ShapeError(
        f"site {msg['name']!r}: the {_role(msg)} does not fit the event shape of {type(fn).__name__}",
        seen=f"shape {tuple(msg['value'].shape)}",
        expected=f"event shape {tuple(fn.event_shape)} at the right, after batch shape {tuple(fn.batch_shape)}",
        suggestion="reshape the value, or declare other event dims with .to_event()",
    )


def _role(msg: Message) -> str:
    return "observation" if msg["is_observed"] else "value"


def _batch_error(msg: Message, batch: Sequence[int], frames: list[CondIndepStackFrame]) -> ShapeError:
    law_batch = tuple(msg["fn"].batch_shape)
    plates = _plates(frames)
    width = max(len(str(size)) for size in (*batch, *law_batch, 0)) + 1
    dims = max(len(batch), len(law_batch))

    def row(label: str, shape: Sequence[int]) -> str:
        return f"{label:>12}: " + "".join(f"{size:>{width}}" for size in ("",) * (dims - len(shape)) + tuple(shape))

    table = "\n    ".join(["", row("value", tuple(batch)), row("site", law_batch)])
    return ShapeError(
        f"site {msg['name']!r}: the {_role(msg)} does not fit " + (f"its plates {plates}" if plates else "its law"),
        seen=f"batch shape {tuple(batch)}",
        expected=f"a shape that broadcasts to {law_batch}{table}",
        suggestion=_advice(tuple(batch), law_batch, frames),
    )


def _advice(batch: tuple[int, ...], law_batch: tuple[int, ...], frames: list[Any]) -> str:
    if len(batch) == len(law_batch) + 1 and batch[-1] == 1 and batch[:-1] == law_batch:
        advice = "drop the last dim of the data with .squeeze(-1)"
    elif not frames:
        advice = "give data and law one shape"
    elif len(batch) > len(law_batch):
        advice = "declare the further dims with a plate, or with .to_event()"
    else:
        advice = "give the plate the size of the data, or index the data with what the plate yields"
    return advice + '; if broadcasting is meant, infer={"allow_broadcast": True}'
