"""Handlers that set the values of sites: condition, uncondition, do, substitute, lift."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import Tensor

from ..errors import HandlerError, SiteError, TwofoldWarning
from ..messages import Message, as_site_value, is_law
from ..runtime import Messenger
from ..warning import warn
from .names import NamedMessenger

__all__ = ["condition", "do", "lift", "substitute", "uncondition"]

ValueFn = Callable[[Message], Any]


def _data_and_fn(handler: str, data: Any, function: Any, names: tuple[str, str]) -> Mapping[str, Any] | None:
    """``data`` as a mapping of names to values or sites; exactly one of data and function has to be there."""
    if (data is None) == (function is None):
        raise HandlerError(
            f"{handler} needs {names[0]} or {names[1]}",
            seen="both" if data is not None else "neither",
            expected="one of the two",
            suggestion=f"write {handler}(model, {names[0]}=...)",
        )
    nodes = getattr(data, "nodes", data)
    if nodes is not None and not isinstance(nodes, Mapping):
        raise HandlerError(
            f"{handler}: {names[0]} is a dict by site name, or a trace",
            seen=type(data).__name__,
            expected="a dict of values by site name, or a trace",
            suggestion=f"write {handler}(model, {names[0]}={{'x': torch.tensor(0.5)}})",
        )
    return nodes


class condition(NamedMessenger):
    """Observe the named sample sites at the given values, as if ``obs=`` stood in the statement.

    Args:
        fn: model.
        data: values by site name, or a trace whose sample sites have them; None leaves a site alone.
        condition_fn: instead of data, a function of the message that gives the value, or None.

    Raises:
        HandlerError: both or neither of ``data`` and ``condition_fn``.

    Example:
        >>> from twofold_torch import sample, distributions as dist
        >>> def model():
        ...     return sample("x", dist.Normal(0.0, 1.0))
        >>> condition(model, data={"x": torch.tensor(2.0)})()
        tensor(2.)
    """

    def __init__(
        self,
        fn: Callable[..., Any] | None = None,
        data: Any = None,
        condition_fn: ValueFn | None = None,
    ) -> None:
        super().__init__(fn)
        nodes = _data_and_fn("condition", data, condition_fn, ("data", "condition_fn"))
        self.data, self.condition_fn = data, condition_fn
        self._values: Mapping[str, Any] = {} if nodes is None else nodes
        if nodes is not data and nodes is not None:
            self._values = {name: site["value"] for name, site in nodes.items() if site["type"] == "sample"}

    def _names(self) -> Collection[str]:
        return self._values

    def process_message(self, msg: Message) -> None:
        """Set the value of a sample site, and mark it as observed."""
        if msg["type"] != "sample":
            self._pass(msg)
            return
        self._see(msg)
        value = self._values.get(msg["name"]) if self.condition_fn is None else self.condition_fn(msg)
        if value is not None:
            msg["value"], msg["is_observed"] = value, True


class uncondition(Messenger):
    """Draw the observed sites; the observation stays in ``infer["obs"]``, beside ``infer["was_observed"]``.

    Args:
        fn: model.

    Example:
        >>> from twofold_torch import sample, distributions as dist
        >>> from twofold_torch.handlers import trace
        >>> def model():
        ...     return sample("x", dist.Normal(0.0, 1.0), obs=torch.tensor(2.0))
        >>> trace(uncondition(model)).get_trace().stochastic_nodes
        ['x']
    """

    def process_message(self, msg: Message) -> None:
        """Make an observed site latent; a factor is no observation."""
        if msg["type"] == "sample" and msg["is_observed"] and not msg["infer"].get("is_auxiliary"):
            msg["infer"] = {**msg["infer"], "was_observed": True, "obs": msg["value"]}
            msg["value"], msg["is_observed"], msg["done"] = None, False, False


class do(NamedMessenger):
    """Intervene: the statement returns the given value, while its site is drawn and recorded as if nothing happened.

    The site keeps its law, and whatever depends on the variable sees the intervention: the split of a node into its
    random half and its fixed half.

    Args:
        fn: model.
        data: values by site name.

    Source: Richardson and Robins (2013), Single World Intervention Graphs.

    Example:
        >>> from twofold_torch import sample, distributions as dist
        >>> def model():
        ...     return sample("z", dist.Normal(0.0, 1.0))
        >>> do(model, data={"z": torch.tensor(3.0)})()
        tensor(3.)
    """

    def __init__(self, fn: Callable[..., Any] | None = None, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(fn)
        if not isinstance(data, Mapping):
            raise HandlerError(
                "do needs data, a dict of values by site name",
                seen=type(data).__name__,
                expected="a dict of values by site name",
                suggestion="write do(model, data={'x': torch.tensor(0.5)})",
            )
        self.data = data

    def _names(self) -> Collection[str]:
        return self.data

    def process_message(self, msg: Message) -> None:
        """Note the names of the run."""
        if msg["type"] == "sample":
            self._see(msg)
        else:
            self._pass(msg)

    def postprocess_message(self, msg: Message) -> None:
        """Put the intervention in the place of the value, once handlers further out have seen the site."""
        if msg["type"] != "sample" or self.data.get(msg["name"]) is None:
            return
        if "_do_not_trace" in msg["infer"]:
            warn(f"site {msg['name']!r} is the target of two interventions; the outer one counts", TwofoldWarning)
            return
        msg["infer"] = {**msg["infer"], "_do_not_trace": True}
        msg["value"] = as_site_value(msg, self.data[msg["name"]])


class substitute(NamedMessenger):
    """Set the values of params; the store is neither asked nor changed, and sample sites are left alone.

    Args:
        fn: model.
        data: constrained values by param name.
        substitute_fn: instead of data, a function of the message that gives the value, or None.

    Raises:
        HandlerError: both or neither of ``data`` and ``substitute_fn``.

    Example:
        >>> from twofold_torch import param
        >>> substitute(lambda: param("p", torch.tensor(1.0)), data={"p": torch.tensor(2.0)})()
        tensor(2.)
    """

    def __init__(
        self,
        fn: Callable[..., Any] | None = None,
        data: Mapping[str, Any] | None = None,
        substitute_fn: ValueFn | None = None,
    ) -> None:
        super().__init__(fn)
        values = _data_and_fn("substitute", data, substitute_fn, ("data", "substitute_fn"))
        self.data: Mapping[str, Any] = {} if values is None else values
        self.substitute_fn = substitute_fn

    def _names(self) -> Collection[str]:
        return self.data

    def process_message(self, msg: Message) -> None:
        """Set the value of a param."""
        if msg["type"] != "param":
            self._pass(msg)
            return
        self._see(msg)
        value = self.data.get(msg["name"]) if self.substitute_fn is None else self.substitute_fn(msg)
        if value is not None:
            msg["value"] = torch.as_tensor(value)


class lift(NamedMessenger):
    """Turn params into latent sample sites.

    A second statement of a param returns the draw of the first.  A lifted param stands outside of the plates around
    its statement, as a param does.

    Args:
        fn: model.
        prior: a law or function for every param, or a dict of them by name.  A function gets the initial value and
            the keywords ``constraint`` and ``event_dim``, and its result is the value.
        fit_shape: expand a law to the shape of the param, as one event.

    Example:
        >>> from twofold_torch import param, distributions as dist
        >>> from twofold_torch.handlers import trace
        >>> lifted = lift(lambda: param("p", torch.tensor(1.0)), prior={"p": dist.Normal(0.0, 1.0)})
        >>> trace(lifted).get_trace().stochastic_nodes
        ['p']
    """

    def __init__(self, fn: Callable[..., Any] | None = None, prior: Any = None, fit_shape: bool = False) -> None:
        super().__init__(fn)
        if not (isinstance(prior, Mapping) or callable(prior) or is_law(prior)):
            raise HandlerError(
                "lift cannot use this prior",
                seen=repr(prior),
                expected="a law, a function, or a dict of them by name",
                suggestion="write lift(model, prior={'p': dist.Normal(0.0, 1.0)})",
            )
        self.prior, self.fit_shape = prior, fit_shape
        self._drawn: dict[str, Any] = {}

    def _names(self) -> Collection[str]:
        return self.prior if isinstance(self.prior, Mapping) else ()

    def __enter__(self) -> Any:
        result = super().__enter__()
        self._reset()
        return result

    def _reset(self) -> None:
        self._drawn = {}

    def process_message(self, msg: Message) -> None:
        """Turn a param into a sample site, as handlers further out see it."""
        if msg["type"] != "param":
            self._pass(msg)
            return
        self._see(msg)
        name = msg["name"]
        law = self.prior.get(name) if isinstance(self.prior, Mapping) else self.prior
        if law is None or name is None:
            return
        if name in self._drawn:
            msg["value"], msg["stop"] = self._drawn[name], True
            return
        args, kwargs = msg["args"][1:], msg["kwargs"]
        msg["infer"] = {**msg["infer"], "_lifted": (msg["fn"], msg["args"], kwargs, msg["cond_indep_stack"])}
        msg["type"], msg["cond_indep_stack"] = "sample", ()
        if is_law(law):
            msg["fn"], msg["args"], msg["kwargs"] = self._fitted(name, law, args), (), {}
        else:
            msg["fn"], msg["args"] = law, args

    def _fitted(self, name: str, law: Any, args: tuple[Any, ...]) -> Any:
        init = args[0]() if callable(args[0]) and not isinstance(args[0], Tensor) else args[0]
        if not self.fit_shape or init is None:
            return law
        shape = torch.as_tensor(init).shape
        try:
            full = law.expand(shape[: len(shape) - len(law.event_shape)])
        except (RuntimeError, ValueError, NotImplementedError) as error:
            raise SiteError(
                f"the prior of {name!r} does not fit the parameter",
                seen=f"a law of shape {tuple(law.batch_shape + law.event_shape)}",
                expected=f"a shape that broadcasts to {tuple(shape)}",
                suggestion="give the prior the shape of the parameter, or a scalar law and fit_shape=True",
            ) from error
        depth = len(full.batch_shape)
        return torch.distributions.Independent(full, depth) if not hasattr(full, "to_event") else full.to_event(depth)

    def postprocess_message(self, msg: Message) -> None:
        """Show the draw as the value of the param to handlers further in."""
        lifted = msg["infer"].get("_lifted")
        if msg["type"] == "sample" and lifted is not None:
            self._drawn[msg["name"]] = msg["value"]
            msg["type"] = "param"
            msg["fn"], msg["args"], msg["kwargs"], msg["cond_indep_stack"] = lifted
            msg["infer"] = {key: value for key, value in msg["infer"].items() if key != "_lifted"}
