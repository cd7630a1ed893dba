"""The statements of a model: sample, param, deterministic, factor, subsample, get_mask, and those of users."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution as TorchBase

from .distributions import Distribution, Unit, constraints
from .errors import HandlerError, SiteError, SiteTypeError, TwofoldError
from .messages import as_site_value, draw, new_message
from .params import get_param_store
from .runtime import STACK, apply_stack
from .site_checks import check_mask_shape, construct_law, law_error, name_error, with_sample_shape
from .warning import warn

__all__ = ["deterministic", "effectful", "factor", "get_mask", "param", "sample", "subsample"]


def sample(
    name: str,
    fn: Any,
    *args: Any,
    obs: Any = None,
    obs_mask: Tensor | bool | None = None,
    infer: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> Any:
    """Draw the random variable ``name``, or score ``obs`` as its value.

    Args:
        name: unique within one run of the model.
        fn: law of the site, ours or one of ``torch.distributions``; or the class of a law, which gets ``args``; or any
            function, which gets ``args`` and whose result is the draw.  A function without ``log_prob`` has no known
            density and adds nothing to the joint log density.
        args: for a law a sample shape, which is put before its batch shape; else see ``fn``.
        obs: observed value, a tensor or what torch makes one of; the site then draws nothing.
        obs_mask: boolean, broadcasts with the batch shape: where ``obs`` counts.  Elsewhere the value is drawn.  The
            sites are then ``name_observed``, ``name_unobserved``, and ``name``, which is deterministic.
        infer: settings for inference algorithms, copied into the site.
        kwargs: like ``args``.

    Returns:
        The draw (differentiable where ``fn`` allows), or ``obs``; shape ``batch_shape + event_shape``.

    Raises:
        SiteTypeError: ``name`` is no string, ``fn`` is neither law nor function, or an argument does not fit it.
        ShapeError: a value does not fit law and plates.

    Example:
        >>> from twofold_torch import distributions as dist
        >>> sample("x", dist.Normal(torch.zeros(3), 1.0)).shape
        torch.Size([3])
    """
    if not isinstance(name, str):
        raise name_error("sample", name)
    if isinstance(fn, TorchBase):
        if args or kwargs:
            fn, args, kwargs = with_sample_shape(name, fn, args, kwargs), (), {}
    elif isinstance(fn, type) and issubclass(fn, TorchBase | Distribution):
        fn, args, kwargs = construct_law(name, fn, args, kwargs), (), {}
    elif not callable(fn):
        raise law_error(name, fn)
    if obs_mask is not None:
        return _sample_partly_observed(name, fn, args, kwargs, obs, obs_mask, infer)
    if infer is not None and not isinstance(infer, Mapping):
        raise SiteTypeError(
            f"site {name!r}: infer is of the wrong type",
            seen=repr(infer),
            expected="a dict",
            suggestion='write infer={"enumerate": "parallel"}',
        )
    if STACK.handlers:
        return _apply_sample(name, fn, args, kwargs, obs, infer)
    if obs is None:
        return draw(fn, args, kwargs)
    warn(f"site {name!r} is given an observation outside of inference; it is returned as it is", RuntimeWarning)
    return obs


def _apply_sample(
    name: str,
    fn: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    obs: Any,
    infer: Mapping[str, Any] | None,
    mask: Tensor | None = None,
) -> Any:
    return apply_stack(
        {
            "type": "sample",
            "name": name,
            "fn": fn,
            "is_observed": obs is not None,
            "args": args,
            "kwargs": kwargs,
            "value": obs,
            "infer": {} if infer is None else dict(infer),
            "scale": 1.0,
            "mask": mask,
            "cond_indep_stack": (),
            "done": False,
            "stop": False,
            "continuation": None,
        }
    )["value"]


def _sample_partly_observed(
    name: str,
    fn: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    obs: Any,
    obs_mask: Any,
    infer: Mapping[str, Any] | None,
) -> Any:
    inside = torch.as_tensor(obs_mask)
    if inside.dtype is not torch.bool:
        raise SiteTypeError(
            f"site {name!r}: obs_mask is not boolean",
            seen=inside.dtype,
            expected="torch.bool: True where obs counts",
            suggestion="compare: obs_mask=~data.isnan()",
        )
    if obs is None:
        raise SiteError(
            f"site {name!r} has an obs_mask but no obs",
            seen="obs=None",
            expected="obs, with any value where it is missing",
            suggestion="give obs=, or leave obs_mask out",
        )
    observed = as_site_value({"name": name, "fn": fn, "is_observed": True}, obs)
    check_mask_shape(name, fn, inside, observed)
    drawn = _apply_sample(f"{name}_unobserved", fn, args, kwargs, None, infer, mask=~inside)
    if STACK.handlers:
        observed = _apply_sample(f"{name}_observed", fn, args, kwargs, observed, infer, mask=inside)
    entries = inside.reshape(inside.shape + (1,) * len(getattr(fn, "event_shape", ())))
    return deterministic(name, torch.where(entries, observed, drawn))


def deterministic(name: str, value: Any, event_dim: int | None = None) -> Any:
    """Record ``value`` under ``name``; it adds nothing to the joint log density, and no handler changes it.

    Args:
        name: unique within one run.
        value: anything; never expanded or subsampled by plates.
        event_dim: how many rightmost dims of it are one event; kept for those who read the trace.

    Returns:
        ``value``.

    Example:
        >>> deterministic("twice", 2 * torch.tensor(3.0))
        tensor(6.)
    """
    if not isinstance(name, str):
        raise name_error("deterministic", name)
    if not STACK.handlers:
        return value
    kwargs = {"event_dim": event_dim}
    marks = {"infer": {"_deterministic": True}, "is_observed": True, "done": True, "value": value}
    return apply_stack(new_message("deterministic", name, None, (), kwargs, **marks))["value"]


def factor(name: str, log_factor: Tensor | float, *, has_rsample: bool | None = None) -> None:
    """Add ``log_factor`` to the joint log density, as an observed site whose value is empty.

    Args:
        name: unique within one run.
        log_factor: any real number or tensor; its shape is the batch shape of the site.
        has_rsample: in a guide, whether the factor may be differentiated through, as if it came from
            reparameterised draws.  A guide has to say so.

    Example:
        >>> from twofold_torch.handlers import trace
        >>> trace(lambda: factor("penalty", -2.0)).get_trace().log_prob_sum()
        tensor(-2.)
    """
    if not isinstance(name, str):
        raise name_error("factor", name)
    try:
        law = Unit(log_factor, has_rsample=has_rsample)
    except TwofoldError as error:
        raise error.within(f"factor {name!r}") from error.__cause__
    if STACK.handlers:
        said = {} if has_rsample is None else {"has_rsample": has_rsample}
        sample(name, law, obs=law.sample(), infer={"is_auxiliary": True, **said})


def param(
    name: str,
    init_tensor: Any = None,
    constraint: constraints.Constraint = constraints.real,
    event_dim: int | None = None,
    *,
    init_value: Any = None,
) -> Tensor:
    """A learnable value, kept in the parameter store from the first statement on.

    Args:
        name: the same name means the same parameter, in one run and in all.
        init_tensor: value (constrained) to begin with: tensor, number, or a function that makes one, called only if
            the store does not hold the name.  Without it the parameter has to be there.
        constraint: domain of the value; that of the first statement stays in force.
        event_dim: number of rightmost dims that have nothing to do with plates.  The dims left of them are indexed by
            the subsampled plates around the statement.  Default: no dim is.
        init_value: another name of ``init_tensor``.

    Returns:
        The constrained value; ``value.unconstrained()`` is the leaf in the store.

    Raises:
        SupportError: the initial value violates the constraint.
        UnknownSiteError: there is no initial value, and the store does not hold the name.

    Example:
        >>> param("scale", torch.tensor(2.0), constraint=constraints.positive).item()
        2.0
    """
    if not isinstance(name, str):
        raise name_error("param", name)
    if init_value is not None:
        init_tensor = init_value
    if constraint is None:
        constraint = constraints.real
    store = get_param_store()
    if not STACK.handlers:
        return store.get_param(name, init_tensor, constraint)
    kwargs = {"constraint": constraint, "event_dim": event_dim}
    value: Tensor = apply_stack(new_message("param", name, store.get_param, (name, init_tensor), kwargs))["value"]
    return value


def subsample(data: Any, event_dim: int) -> Any:
    """The rows of ``data`` that the subsampled plates around the statement have drawn.

    Args:
        data: tensor, or what torch makes one of, with the full size of each plate, or 1, at the plate's dim.
        event_dim: number of rightmost dims that have nothing to do with plates.

    Returns:
        ``data`` indexed in the dim of each plate; ``data`` itself outside plates.

    Example:
        >>> from twofold_torch import plate
        >>> with plate("rows", 4, subsample=[0, 3]):
        ...     subsample(torch.arange(4.0), event_dim=0)
        tensor([0., 3.])
    """
    if not isinstance(event_dim, int) or event_dim < 0:
        raise SiteTypeError(
            "subsample needs the number of event dims",
            seen=repr(event_dim),
            expected="0, 1, 2, ...",
            suggestion="write subsample(data, event_dim=0) for a number per row",
        )
    if not STACK.handlers:
        return data
    kwargs = {"event_dim": event_dim}
    return apply_stack(new_message("subsample", None, None, (), kwargs, value=data, done=True))["value"]


def get_mask() -> Tensor | bool | None:
    """Where the log density of a site at this place would count: the masks around it, and-ed; None if there is none.

    Example:
        >>> from twofold_torch.handlers import mask
        >>> with mask(mask=False):
        ...     get_mask()
        False
    """
    if not STACK.handlers:
        return None
    value: Tensor | bool | None = apply_stack(new_message("get_mask", None, None, done=True))["value"]
    return value


def effectful(fn: Callable[..., Any] | None = None, type: str | None = None) -> Callable[..., Any]:
    """Make a function a statement of its own type: handlers see its calls, and may change or replace them.

    Args:
        fn: function that performs the statement if no handler does.
        type: what the message is called; handlers treat it in a method ``_pyro_<type>``.

    Returns:
        A function with two more keyword arguments, ``name`` and ``infer``.

    Example:
        >>> from twofold_torch import Messenger
        >>> @effectful(type="double")
        ... def double(x):
        ...     return 2 * x
        >>> class Triple(Messenger):
        ...     def _pyro_double(self, msg):
        ...         msg["value"] = 3 * msg["args"][0]
        >>> with Triple():
        ...     double(2)
        6
    """
    if fn is None:
        return functools.partial(effectful, type=type)
    if not isinstance(type, str) or type == "message":
        raise HandlerError("effectful needs the type of the statement", seen=type, expected="a word of your own")

    @functools.wraps(fn)
    def statement(*args: Any, name: str | None = None, infer: dict[str, Any] | None = None, **kwargs: Any) -> Any:
        if not STACK.handlers:
            return fn(*args, **kwargs)
        return apply_stack(new_message(type, name, fn, args, kwargs, infer=dict(infer or {})))["value"]

    return statement
