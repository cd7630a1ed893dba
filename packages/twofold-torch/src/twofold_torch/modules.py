"""Neural networks in models: their parameters in the store, or drawn from a prior."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from .distributions import Distribution
from .errors import SiteError, SiteTypeError, TwofoldWarning
from .messages import is_law
from .primitives import param
from .warning import warn

__all__ = ["module", "module_from_param_with_module_name", "param_with_module_name", "random_module", "user_param_name"]

_SEPARATOR = "$$$"


def param_with_module_name(module_name: str, param_name: str) -> str:
    """The name in the store of a module's parameter.

    Example:
        >>> param_with_module_name("net", "0.weight")
        'net$$$0.weight'
    """
    return f"{module_name}{_SEPARATOR}{param_name}"


def module_from_param_with_module_name(name: str) -> str:
    """The module's name in the name of its parameter.

    Example:
        >>> module_from_param_with_module_name("net$$$0.weight")
        'net'
    """
    return name.split(_SEPARATOR)[0]


def user_param_name(name: str) -> str:
    """The parameter's own name, without its module's.

    Example:
        >>> user_param_name("net$$$0.weight")
        '0.weight'
    """
    return name.split(_SEPARATOR)[1] if _SEPARATOR in name else name


def module(name: str, nn_module: nn.Module, update_module_params: bool = False) -> nn.Module:
    """Register the parameters of a network with the store: each is a param site ``name$$$path``.

    The store and the network share the parameters, so that training one trains the other.  If the store holds other
    values under these names already, ``update_module_params`` decides.

    Args:
        name: of the network, without ``$$$``.
        nn_module: an instance.
        update_module_params: put the stored values into the network.

    Returns:
        ``nn_module``.

    Raises:
        SiteTypeError: ``nn_module`` is a class, or has no parameters to ask for.

    Example:
        >>> net = module("net", nn.Linear(2, 1))
        >>> from twofold_torch import get_param_store
        >>> [key for key in get_param_store() if key.startswith("net")]
        ['net$$$weight', 'net$$$bias']
    """
    _check_module(name, nn_module)
    values: dict[int, Tensor] = {}
    for path, parameter in list(nn_module.named_parameters()):
        if parameter.requires_grad:
            values[id(parameter)] = param(param_with_module_name(name, path), parameter)
        elif nn_module.training:
            warn(f"module {name!r}: {path!r} asks for no gradient and is not registered", TwofoldWarning)
    if update_module_params:
        _replace_parameters(nn_module, values)
    return nn_module


def _check_module(name: Any, nn_module: Any) -> None:
    if not isinstance(name, str) or _SEPARATOR in name:
        raise SiteTypeError(
            f"module {name!r}: this is no name for a module",
            seen=f"a {type(name).__name__}",
            expected=f"a string without {_SEPARATOR!r}",
            suggestion="write module('net', net): the name comes first",
        )
    if isinstance(nn_module, type):
        raise SiteTypeError(
            f"module {name!r}: a class was given",
            seen=nn_module.__name__,
            expected="an instance",
            suggestion=f"write module({name!r}, {nn_module.__name__}(...))",
        )
    if not callable(getattr(nn_module, "named_parameters", None)):
        raise SiteTypeError(
            f"module {name!r}: this object has no parameters",
            seen=f"a {type(nn_module).__name__}",
            expected="a torch.nn.Module",
            suggestion=f"write module({name!r}, net) with an instance of torch.nn.Module",
        )


def _replace_parameters(nn_module: nn.Module, values: dict[int, Tensor]) -> None:
    """Put ``values`` into every slot that holds the parameter of that id, so that shared parameters stay shared."""
    for part in nn_module.modules():
        for key, parameter in part._parameters.items():
            if parameter is not None and values.get(id(parameter), parameter) is not parameter:
                part._parameters[key] = values[id(parameter)]  # type: ignore[assignment]


def random_module(name: str, nn_module: nn.Module, prior: Any, *args: Any, **kwargs: Any) -> Callable[[], nn.Module]:
    """Place a prior over the parameters of a network (deprecated: declare the sites in a module of your own).

    Args:
        name: of the network.
        nn_module: an instance; it and its parameters stay as they are.
        prior: a law for every parameter; or a function, whose result replaces each; or a dict of either by path.
            A law smaller than its parameter is expanded to it; a parameter that a dict does not name stays a param.
        args: accepted for the sake of older programs, as is ``kwargs``.

    Returns:
        A function; each call draws the parameters, as sites ``name$$$path``, and gives a new network.

    Example:
        >>> from twofold_torch import distributions as dist
        >>> draw = random_module("net", nn.Linear(2, 1), dist.Normal(0.0, 1.0))
        >>> draw().weight.shape
        torch.Size([1, 2])
    """
    from .handlers.values import lift

    warn("random_module is deprecated; draw the parameters in the model instead", FutureWarning)
    _check_module(name, nn_module)
    if not (isinstance(prior, dict | Distribution) or is_law(prior) or callable(prior)):
        raise SiteError(
            f"random module {name!r} cannot use this prior",
            seen=f"a {type(prior).__name__}",
            expected="a distribution, a function, or a dict of them by parameter path",
            suggestion="write random_module(name, net, dist.Normal(0.0, 1.0))",
        )
    full = (
        {param_with_module_name(name, path): law for path, law in prior.items()} if isinstance(prior, dict) else prior
    )

    def draw_module() -> nn.Module:
        lifted: nn.Module = lift(module, prior=full, fit_shape=True)(
            name, copy.deepcopy(nn_module), update_module_params=True
        )
        return lifted

    return draw_module
