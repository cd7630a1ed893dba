"""The one shape check of every sample statement: a value must fit its law and its plates."""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from .errors import ShapeError
from .messages import Message
from .ops.arrays import shape_of
from .typing import Shape

__all__ = ["check_value_shape", "describe_plates"]


def check_value_shape(msg: Message) -> None:
    """Refuse a value that would silently be broadcast against its law, such as (5, 1) against (5,).

    Inside plates a value must broadcast to the law's shape, and several observations are not repeated where the law has
    a dim that no plate declares.  Outside plates a larger value is fine (a vector of
    observations of a scalar law), but value and law may not both grow.  ``infer={"allow_broadcast": True}`` switches
    the check off for one site.
    """
    fn = msg["fn"]
    shape = shape_of(msg["value"])
    batch = (*msg["kwargs"].get("sample_shape", ()), *fn.batch_shape)
    event = fn.event_shape
    if shape == (*batch, *event) or msg["infer"].get("allow_broadcast"):
        return
    ndim = len(event)
    if ndim and (len(shape) < ndim or shape[len(shape) - ndim :] != event):
        _refuse_event(msg, shape, batch, event)
    value_batch = shape[: len(shape) - ndim]
    exempt = msg.get("plates_end_at")
    length = max(len(value_batch), len(batch))
    if exempt is not None:
        length = min(length, -exempt)  # enumeration owns the dims further left
    seen = (1,) * (length - len(value_batch)) + value_batch[max(0, len(value_batch) - length) :]
    want = (1,) * (length - len(batch)) + batch[max(0, len(batch) - length) :]
    pairs = list(zip(seen, want, strict=True))
    value_grows = any(v == 1 and w != 1 for v, w in pairs)
    law_grows = any(w == 1 and v != 1 for v, w in pairs)
    clash = any(v != w and 1 not in (v, w) for v, w in pairs)
    if clash or (law_grows and (value_grows or msg["cond_indep_stack"])):
        _refuse_batch(msg, value_batch, batch, event)
    if value_grows and msg["is_observed"] and msg["cond_indep_stack"] and any(size != 1 for size in seen):
        declared = {frame.dim for frame in msg["cond_indep_stack"]}
        dim = next((dim for dim in range(-1, -length - 1, -1) if want[dim] != 1 and dim not in declared), None)
        if dim is not None:
            _refuse_undeclared(msg, value_batch, batch, dim)


def _refuse_undeclared(msg: Message, value_batch: Shape, batch: Shape, dim: int) -> NoReturn:
    raise ShapeError(
        f"the {np.prod(value_batch, dtype=int)} observations of site {msg['name']!r} would count as "
        f"{np.prod(batch, dtype=int)}, because its law has a dim, {dim}, that no plate declares",
        seen=f"an observation of batch shape {value_batch}, a law of batch shape {batch}, "
        f"plates {describe_plates(msg)}",
        expected="a law with the dims of its plates, or an observation of the law's shape",
        suggestion="drop the dim from what the law is made of, such as with .squeeze(-1); or declare it with a plate "
        'or with .to_event(); if broadcasting is meant, infer={"allow_broadcast": True}',
    )


def _refuse_event(msg: Message, shape: Shape, batch: Shape, event: Shape) -> NoReturn:
    raise ShapeError(
        f"the value of site {msg['name']!r} does not have the shape of one event of its law",
        seen=f"a value of shape {shape}",
        expected=f"shape {(*batch, *event)}: batch shape {batch}, event shape {event}",
        suggestion="reshape the value so that its last dims are those of one event",
    )


def _refuse_batch(msg: Message, value_batch: Shape, batch: Shape, event: Shape) -> NoReturn:
    plates = describe_plates(msg)
    what = "observation" if msg["is_observed"] else "value"
    problem = [f"the {what} of site {msg['name']!r} does not fit {'its plates' if plates else 'its law'}"]
    rows = {what: value_batch, "law": batch}
    width = max(len(str(size)) for shape in rows.values() for size in (*shape, 0)) + 1
    longest = max(map(len, rows.values()))
    problem += [
        f"    {label:12}" + " " * width * (longest - len(shape)) + "".join(f"{size:>{width}}" for size in shape)
        for label, shape in rows.items()
    ]
    if plates:
        problem.append(f"    plates: {plates}")
    aside = f" (without the event shape {event})" if event else ""
    raise ShapeError(
        "\n".join(problem),
        seen=f"batch shape {value_batch}{aside}",
        expected=f"something that broadcasts to {batch}",
        suggestion=_fix(msg, value_batch, batch),
    )


def _fix(msg: Message, value_batch: Shape, batch: Shape) -> str:
    if any(
        frame.full_size not in (None, frame.size) and frame.full_size in value_batch
        for frame in msg["cond_indep_stack"]
    ):
        return "index the data by what the plate yields: `with plate(...) as idx: sample(..., obs=data[idx])`"
    if np.prod(value_batch, dtype=int) == np.prod(batch, dtype=int):
        return f"reshape the value to {batch}"
    if not msg["cond_indep_stack"]:
        return "give the law or the value the other's shape, or mark dims of one event with `.to_event(n)`"
    return (
        "give the plate the length of the data, mark dims of one event with `.to_event(n)`, "
        'or allow it with infer={"allow_broadcast": True}'
    )


def describe_plates(msg: Message) -> str:
    """The plates around a site, outermost first, with dims and sizes."""
    frames = reversed(msg["cond_indep_stack"])
    return ", ".join(
        f"{frame.name!r} (dim {frame.dim}, size {frame.size}"
        + (f" of {frame.full_size})" if frame.full_size not in (None, frame.size) else ")")
        for frame in frames
    )
