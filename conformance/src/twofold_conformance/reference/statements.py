"""The statements that both flavours share.  ``stateful.py`` and ``stateless.py`` add what differs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from twofold_conformance.reference import tensor as ops
from twofold_conformance.reference.errors import ShapeError, StatementError
from twofold_conformance.reference.laws import Law, Unit
from twofold_conformance.reference.mechanism import STACK, Message, message, show
from twofold_conformance.reference.tensor import Tensor, array, tensor


def sample_site(
    name: str,
    fn: Any,
    default: Callable[[Message], Any],
    *,
    obs: Any = None,
    infer: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Any:
    """Draw a random variable, or take ``obs`` as its value.  Every sample site of both flavours passes here."""
    check_name(name)
    infer = own_infer(infer)
    return show(
        message(
            "sample",
            name,
            default,
            fn=fn,
            value=obs,
            is_observed=is_given(obs),
            infer=infer,
            check=check_shape,
            **fields,
        )
    )


def check_name(name: Any) -> None:
    if not isinstance(name, str):
        raise StatementError(f"the name of a site is a string, seen: {name!r}")


def is_given(obs: Any) -> bool:
    """Zero and False are observations too."""
    return obs is not None


def own_infer(infer: Mapping[str, Any] | None) -> dict[str, Any]:
    """A dict of the site's own, so that handlers never write into the caller's."""
    return dict(infer or {})


def check_shape(msg: Message) -> None:
    """Refuse a value that does not fit its law, before any log density is made of it.

    Inside plates the value may not enlarge the law's batch shape: a datum for each member of the plate, no more.
    Outside plates a larger value stands for several data, but only one of the two may stretch: (5, 1) against (5,) is a
    mistake.  ``infer={"allow_broadcast": True}`` allows it at one site.
    """
    law, value = msg["fn"], array(msg["value"])
    if not isinstance(law, Law):
        return
    where = _describe(msg)
    try:
        batch = law.value_batch_shape(value)
        joint = np.broadcast_shapes(batch, law.batch_shape)
    except ValueError as error:
        raise ShapeError(f"{where}: the value has shape {value.shape}, which does not fit: {error}") from None
    free = _free_dims(msg)
    sized = [frame.dim for frame in msg["cond_indep_stack"] if frame.dim is not None and frame.size >= 0]
    enlarged = [dim for dim in _enlarged(law.batch_shape, joint) if dim not in free]
    stretched = _enlarged(batch, joint)
    if msg["infer"].get("allow_broadcast"):
        return
    if enlarged and sized:
        raise ShapeError(f"{where}: a value of batch shape {batch} against a law of batch shape {law.batch_shape}")
    if enlarged and stretched:
        raise ShapeError(f"{where}: value {batch} and law {law.batch_shape} would stretch each other to {joint}")


def _enlarged(shape: tuple[int, ...], joint: tuple[int, ...]) -> list[int]:
    """The dims, from the right, at which ``joint`` is longer than ``shape``."""
    padded = (1,) * (len(joint) - len(shape)) + shape
    return [i - len(joint) for i, length in enumerate(padded) if length != joint[i]]


def _free_dims(msg: Message) -> set[int]:
    """Dims at which a value may have any length: those of unsized plates, and the site's own enumeration dim."""
    free = {frame.dim for frame in msg["cond_indep_stack"] if frame.dim is not None and frame.size < 0}
    return free | {msg["infer"][key] for key in ("_enumerate_dim",) if key in msg["infer"]}


def _describe(msg: Message) -> str:
    """The site and its plates, for an error."""
    plates = ", ".join(f"{frame.name!r} (dim {frame.dim}, size {frame.size})" for frame in msg["cond_indep_stack"])
    return f"site {msg['name']!r}" + (f" in plate {plates}" if plates else "")


def deterministic(name: str, value: Any) -> Any:
    """Record a value under a name; it has no density and no handler changes it."""
    check_name(name)
    return show(message("deterministic", name, lambda msg: value, value=value))


def factor_site(sample: Callable[..., Any], name: str, log_factor: Any, has_rsample: bool | None = None) -> None:
    """Add ``log_factor`` to the joint log density: an observed site whose law has it as density."""
    check_name(name)
    if not STACK.handlers:
        return
    law = Unit(log_factor, has_rsample)
    sample(name, law, obs=Tensor(np.zeros((*law.batch_shape, 0))), infer={"is_auxiliary": True})


def partly_observed(
    sample: Callable[..., Any], masked: Callable[..., Any], name: str, fn: Any, obs: Any, mask: Any
) -> Any:
    """``sample(..., obs_mask=mask)``: ``obs`` where the mask holds, a draw elsewhere; two sites and their union."""
    check_name(name)
    if not isinstance(fn, Law) or obs is None:
        raise StatementError(f"site {name!r}: obs_mask needs a law and an observation")
    if array(mask).dtype != bool:
        raise StatementError(f"site {name!r}: obs_mask is boolean, seen: {array(mask).dtype}")
    with masked(mask=mask):
        observed = sample(f"{name}_observed", fn, obs=obs)
    with masked(mask=~tensor(mask)):
        drawn = sample(f"{name}_unobserved", fn)
    choice = tensor(mask).reshape(array(mask).shape + (1,) * len(fn.event_shape))
    return deterministic(name, ops.where(choice, observed, drawn))


def shaped_prior(prior: Law, shape: tuple[int, ...]) -> Law:
    """``prior`` for every entry of a parameter of that shape, as one variable."""
    return prior.expand(shape[: len(shape) - len(prior.event_shape)]).to_event()


def subsample(data: Any, event_dim: int = 0) -> Any:
    """``data`` at the indices of the enclosing plates, each in its dim; ``event_dim`` rightmost dims do not count."""
    msg = message("subsample", "data", lambda msg: data, value=data, kwargs={"event_dim": event_dim})
    return show(msg)


def get_mask() -> Any:
    """The conjunction of the enclosing masks; None if there are none."""
    return show(message("get_mask", "", lambda msg: msg["mask"]))
