"""Optimisers of the parameters in the store: every class of ``torch.optim`` under its own name, and ClippedAdam.

Each takes its settings as a dict, as ``Adam({"lr": 0.01})``, or a function from a parameter's name to a dict for
settings of its own.  Torch's own classes and factories are accepted by ``SVI`` as they are.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from .errors import FileFormatError, HandlerError
from .params import get_param_store

__all__ = ["ClippedAdam", "PyroOptim", "as_optimizer"]

Settings = Mapping[str, Any] | Callable[[str], Mapping[str, Any]]


class PyroOptim:
    """A torch optimiser for parameters that turn up while it runs.

    All parameters are in one torch optimiser, those with equal settings in one group, so that its fused and for-each
    forms apply.

    Args:
        optim_constructor: class of ``torch.optim``, or any function of parameter groups and settings.
        optim_args: settings, or a function from a parameter's name to its settings.
        clip_args: ``{"clip_norm": x}`` limits the norm of all gradients together, ``{"clip_value": x}`` each entry.

    Raises:
        HandlerError: settings of the wrong type.

    Example:
        >>> import torch
        >>> x = torch.tensor(1.0, requires_grad=True)
        >>> optimizer = PyroOptim(torch.optim.SGD, {"lr": 0.5})
        >>> (x * x).backward()
        >>> optimizer([x])
        >>> x.item()
        0.0
    """

    def __init__(
        self,
        optim_constructor: Callable[..., torch.optim.Optimizer],
        optim_args: Settings | None = None,
        clip_args: Mapping[str, float] | None = None,
    ) -> None:
        optim_args = {} if optim_args is None else optim_args
        if not (isinstance(optim_args, Mapping) or callable(optim_args)):
            raise HandlerError(
                "settings of an optimiser",
                seen=repr(optim_args),
                expected="a dict such as {'lr': 0.01}, or a function from a parameter's name to a dict",
            )
        unknown = set(clip_args or {}) - {"clip_norm", "clip_value"}
        if unknown:
            raise HandlerError("clip_args of an optimiser", seen=sorted(unknown), expected="clip_norm and clip_value")
        self.pt_optim_constructor, self.pt_optim_args = optim_constructor, optim_args
        self.clip_args = dict(clip_args or {})
        self.optimizer: torch.optim.Optimizer | None = None
        """The torch optimiser; None before the first step."""
        self._names: dict[Tensor, str] = {}
        self._pending: dict[str, Any] | None = None

    def __call__(self, params: Iterable[Tensor]) -> None:
        """Update ``params``, whose gradients are there, and take in those that are new."""
        params = list(params)
        for param in params:
            if param not in self._names:
                self._add(param)
        gradients = [param for param in params if param.grad is not None]
        if "clip_norm" in self.clip_args:
            torch.nn.utils.clip_grad_norm_(gradients, self.clip_args["clip_norm"])
        if "clip_value" in self.clip_args:
            torch.nn.utils.clip_grad_value_(gradients, self.clip_args["clip_value"])
        if self.optimizer is not None:
            self.optimizer.step()

    def _add(self, param: Tensor) -> None:
        name = get_param_store().param_name(param) or f"parameter {len(self._names)}"
        self._names[param] = name
        settings = dict(self.pt_optim_args(name) if callable(self.pt_optim_args) else self.pt_optim_args)
        group = {"params": [param], **settings}
        if self.optimizer is None:
            self.optimizer = self.pt_optim_constructor([group])
        else:
            alike = (g for g in self.optimizer.param_groups if all(g.get(k) == v for k, v in settings.items()))
            same = next(alike, None)
            if same is None:
                self.optimizer.add_param_group(group)
            else:
                same["params"].append(param)
        self._restore(param)

    def get_state(self) -> dict[str, Any]:
        """State by parameter name: tensors and numbers, such as moments and counts of steps."""
        if self.optimizer is None:
            return dict(self._pending or {})
        return {name: dict(self.optimizer.state[param]) for param, name in self._names.items()}

    def set_state(self, state_dict: Mapping[str, Any]) -> None:
        """Take the state of `get_state`; parameters that have not turned up yet get theirs when they do."""
        self._pending = dict(state_dict)
        for param in self._names:
            self._restore(param)

    def _restore(self, param: Tensor) -> None:
        saved = (self._pending or {}).pop(self._names[param], None)
        if saved and self.optimizer is not None:
            self.optimizer.state[param] = {k: v.clone() if isinstance(v, Tensor) else v for k, v in saved.items()}

    def save(self, filename: str) -> None:
        """Write the state to a file of tensors and numbers."""
        torch.save(self.get_state(), filename)

    def load(self, filename: str, map_location: Any = None) -> None:
        """Read the state that `save` wrote; nothing in the file is run.

        Raises:
            FileFormatError: the file holds anything but tensors and numbers.
        """
        try:
            state = torch.load(filename, weights_only=True, map_location=map_location)
        except FileNotFoundError:
            raise
        except Exception as error:
            raise FileFormatError(
                f"{filename} holds no state of an optimiser",
                seen=str(error).split("\n")[0],
                expected="a file of save()",
            ) from error
        self.set_state(state)


class _ClippedAdam(torch.optim.Adam):
    """Adam with clipped gradients and a learning rate that shrinks at every step."""

    def __init__(self, params: Any, *, clip_norm: float = 10.0, lrd: float = 1.0, **settings: Any) -> None:
        super().__init__(params, **settings)
        self._clip_norm, self._lrd = clip_norm, lrd
        for group in self.param_groups:
            group.setdefault("clip_norm", clip_norm)
            group.setdefault("lrd", lrd)

    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            bound = group.get("clip_norm", self._clip_norm)
            for param in group["params"]:
                if param.grad is not None:
                    param.grad.clamp_(-bound, bound)
        loss = super().step(closure)
        for group in self.param_groups:
            group["lr"] *= group.get("lrd", self._lrd)
        return loss


def ClippedAdam(optim_args: Settings | None = None) -> PyroOptim:
    """Adam whose gradients are clipped to ``[-clip_norm, clip_norm]`` and whose ``lr`` is multiplied by ``lrd`` a step.

    Args:
        optim_args: settings of ``torch.optim.Adam``, ``clip_norm`` (default 10) and ``lrd`` (default 1).

    Example:
        >>> optimizer = ClippedAdam({"lr": 0.01, "clip_norm": 1.0, "lrd": 0.999})
    """
    return PyroOptim(_ClippedAdam, optim_args)


def as_optimizer(optim: Any) -> PyroOptim:
    """``optim`` itself, or torch's own class or factory as one of ours.

    Raises:
        HandlerError: it is neither.
    """
    if isinstance(optim, PyroOptim):
        return optim
    if isinstance(optim, torch.optim.Optimizer):
        fixed = optim
        optimizer = PyroOptim(lambda groups: fixed)
        optimizer.optimizer = fixed
        optimizer._names = {
            p: f"parameter {i}" for i, p in enumerate(p for g in fixed.param_groups for p in g["params"])
        }
        return optimizer
    if callable(optim):
        return PyroOptim(optim)
    raise HandlerError(
        "SVI needs an optimiser",
        seen=f"{optim!r} of type {type(optim).__name__}",
        expected="twofold_torch.optim.Adam({'lr': 0.01}), a class of torch.optim, or a factory of one",
        suggestion="write twofold_torch.optim.Adam({'lr': 0.01})",
    )


def _wrapper(name: str, constructor: type[torch.optim.Optimizer]) -> Callable[..., PyroOptim]:
    def make(optim_args: Settings | None = None, clip_args: Mapping[str, float] | None = None) -> PyroOptim:
        return PyroOptim(constructor, optim_args, clip_args)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"``torch.optim.{name}`` for the parameters in the store: see `PyroOptim`."
    return make


for _name, _value in vars(torch.optim).items():
    if inspect.isclass(_value) and issubclass(_value, torch.optim.Optimizer) and _value is not torch.optim.Optimizer:
        globals()[_name] = _wrapper(_name, _value)
        __all__.append(_name)
