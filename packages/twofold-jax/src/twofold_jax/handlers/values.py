"""Handlers of values: what a site is given, and whether it counts as observed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ..distributions.base import Distribution
from ..errors import HandlerError, SiteTypeError, TwofoldWarning
from ..messages import Message, is_auxiliary
from ..ops.arrays import shape_of
from ..runtime import Messenger
from ..site_checks import as_observation
from ..warning import warn
from .names import NamedMessenger, exactly_one

__all__ = ["condition", "do", "lift", "substitute", "uncondition"]


class _FromData(NamedMessenger):
    """What condition and substitute share: values by name, or by a function of the site."""

    def __init__(
        self,
        fn: Callable[..., Any] | None,
        data: Mapping[str, Any] | None,
        data_fn: Callable[[Message], Any] | None,
    ) -> None:
        super().__init__(fn)
        handler = type(self).__name__
        exactly_one(handler, **{"data": data, f"{handler}_fn": data_fn})
        if data is not None and not isinstance(data, Mapping):
            raise HandlerError(
                f"data of {handler} must map names to values",
                seen=type(data).__name__,
                expected="a dict of values by site name",
                suggestion=f"write {handler}(model, data={{'x': 0.5}})",
            )
        self.data = data
        self._data_fn = data_fn
        self.reads_key = data_fn is not None

    def _names(self) -> Collection[str]:
        return () if self.data is None else [name for name, value in self.data.items() if value is not None]

    def _value(self, msg: Message) -> Any:
        """What the site is to be, or None."""
        value = self._data_fn(msg) if self._data_fn is not None else self.data.get(msg["name"])  # type: ignore[union-attr]
        if value is None:
            return None
        self._act(msg)
        return as_observation(str(msg["name"]), value, "given value") if msg["type"] == "sample" else value


class condition(_FromData):
    """Observe sample sites at given values, as if ``obs=`` stood in their statements; of two, the outer one wins.

    Args:
        fn: the model.
        data: values by site name; None has no effect.
        condition_fn: takes a site (its message) and returns its value, or None for no effect.

    Raises:
        HandlerError: both or neither of ``data`` and ``condition_fn``.
        UnknownSiteError: a name is nearly that of a site.

    Example:
        >>> from twofold_jax import sample, distributions as dist
        >>> condition(lambda: sample("x", dist.Normal(0.0, 1.0)), data={"x": 0.5})()
        0.5
    """

    def __init__(
        self,
        fn: Callable[..., Any] | None = None,
        data: Mapping[str, Any] | None = None,
        condition_fn: Callable[[Message], Any] | None = None,
    ) -> None:
        super().__init__(fn, data, condition_fn)
        self.condition_fn = condition_fn

    def process_message(self, msg: Message) -> None:
        self._see(msg)
        if msg["type"] == "sample" and not is_auxiliary(msg):
            value = self._value(msg)
            if value is not None:
                msg["value"], msg["is_observed"], msg["intermediates"] = value, True, []


class substitute(_FromData):
    """Give sample, param, plate and mutable sites their values, verbatim and in constrained space.

    A substituted sample site stays latent; an observed one keeps its observation.

    Args:
        fn: the model.
        data: values by site name; None has no effect.
        substitute_fn: takes a site (its message) and returns its value, or None for no effect.

    Raises:
        HandlerError: both or neither of ``data`` and ``substitute_fn``.
        UnknownSiteError: a name is nearly that of a site.

    Example:
        >>> from twofold_jax import param
        >>> substitute(lambda: param("p", 1.0), data={"p": 3.0})()
        3.0
    """

    def __init__(
        self,
        fn: Callable[..., Any] | None = None,
        data: Mapping[str, Any] | None = None,
        substitute_fn: Callable[[Message], Any] | None = None,
    ) -> None:
        super().__init__(fn, data, substitute_fn)
        self.substitute_fn = substitute_fn

    def process_message(self, msg: Message) -> None:
        self._see(msg)
        kind = msg["type"]
        if kind == "sample" and msg["is_observed"]:
            return
        if kind in ("sample", "param", "plate", "mutable"):
            value = self._value(msg)
            if value is not None:
                msg["value"], msg["intermediates"] = value, []


class uncondition(Messenger):
    """Draw the observed sites; ``infer`` keeps ``was_observed`` and the former value under ``obs``.

    Args:
        fn: the model.

    Example:
        >>> from twofold_jax import sample, distributions as dist
        >>> from twofold_jax.handlers import seed, trace
        >>> model = lambda: sample("x", dist.Normal(0.0, 1.0), obs=0.5)
        >>> trace(seed(uncondition(model), rng_seed=0)).get_trace()["x"]["is_observed"]
        False
    """

    reads_key = False

    def process_message(self, msg: Message) -> None:
        if msg["type"] == "sample" and msg["is_observed"] and not is_auxiliary(msg):
            msg["infer"].update(was_observed=True, obs=msg["value"])
            msg["value"], msg["is_observed"] = None, False


class do(NamedMessenger):
    """Intervene: the statement returns the given value, while the site itself stays, cut from what depends on it.

    The joint log density counts the fresh draw of the site, and everything downstream is scored given the intervention
    (a single-world intervention graph).

    Args:
        fn: the model.
        data: values by site name.

    Raises:
        HandlerError: ``data`` is missing.
        UnknownSiteError: a name is nearly that of a site.

    Source: Richardson and Robins (2013), Single World Intervention Graphs.

    Example:
        >>> from twofold_jax import sample, distributions as dist
        >>> from twofold_jax.handlers import seed
        >>> model = lambda: sample("z", dist.Normal(0.0, 1.0))
        >>> seed(do(model, data={"z": 3.0}), rng_seed=0)()
        3.0
    """

    def __init__(self, fn: Callable[..., Any] | None = None, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(fn)
        if not isinstance(data, Mapping):
            raise HandlerError(
                "do needs data, a dict of values by site name",
                seen=type(data).__name__,
                expected="a dict of values by site name",
                suggestion="write do(model, data={'x': 0.5})",
            )
        self.data = data

    def _names(self) -> Collection[str]:
        return self.data

    def process_message(self, msg: Message) -> None:
        self._see(msg)
        value = self.data.get(msg["name"]) if msg["type"] == "sample" else None
        if value is None:
            return
        if msg.get("intervention") is not None:
            warn(f"two nested interventions on site {msg['name']!r}: the outer one wins", TwofoldWarning)
        self._act(msg)
        msg["intervention"] = as_observation(str(msg["name"]), value, "given value")


class lift(NamedMessenger):
    """Turn params into latent sample sites, drawn from a prior.

    A param is global: its site stands outside of the plates inside this handler.

    Args:
        fn: the model.
        prior: one law for all params; or laws by param name, other params staying as they are; or a function of the
            site (its message) that gives a law or None.
        fit_shape: whether a scalar prior is expanded to the shape of the initial value, all its dims one event.

    Raises:
        HandlerError: ``prior`` is none of these.
        UnknownSiteError: a name is nearly that of a site.

    Example:
        >>> from twofold_jax import param, distributions as dist
        >>> from twofold_jax.handlers import seed, trace
        >>> model = lift(lambda: param("p", 1.0), prior={"p": dist.Normal(0.0, 1.0)})
        >>> trace(seed(model, rng_seed=0)).get_trace()["p"]["type"]
        'sample'
    """

    def __init__(
        self,
        fn: Callable[..., Any] | None = None,
        prior: Distribution | Mapping[str, Distribution] | Callable[[Message], Distribution | None] | None = None,
        fit_shape: bool = False,
    ) -> None:
        super().__init__(fn)
        if not isinstance(prior, Distribution | Mapping) and not callable(prior):
            raise HandlerError(
                "lift needs a prior",
                seen=repr(prior),
                expected="a distribution, a dict of them by name, or a function",
                suggestion="write lift(model, prior={'p': dist.Normal(0.0, 1.0)})",
            )
        self.prior, self.fit_shape = prior, fit_shape
        self._lifted: dict[str, Any] = {}

    def __enter__(self) -> Any:
        self._lifted = {}
        return super().__enter__()

    def _names(self) -> Collection[str]:
        return self.prior if isinstance(self.prior, Mapping) else ()

    def _law(self, msg: Message) -> Any:
        if isinstance(self.prior, Distribution):
            return self.prior
        return self.prior.get(msg["name"]) if isinstance(self.prior, Mapping) else self.prior(msg)

    def process_message(self, msg: Message) -> None:
        self._see(msg)
        if msg["type"] != "param":
            return
        law = self._law(msg)
        if law is None:
            return
        if not isinstance(law, Distribution):
            raise SiteTypeError(
                f"the prior of param {msg['name']!r} is no distribution",
                seen=type(law).__name__,
                expected="a Distribution",
                suggestion="write dist.Normal(0.0, 1.0)",
            )
        name = str(msg["name"])
        msg["type"] = "sample"
        msg["fn"] = _shaped_like(law, msg) if self.fit_shape else law
        msg["kwargs"] = {"rng_key": None, "sample_shape": ()}
        msg["cond_indep_stack"] = []
        msg["args"] = ()
        if name in self._lifted:
            msg["value"], msg["is_repeat"], msg["stop"] = self._lifted[name], True, True
        else:
            msg["value"], msg["lifted_by"] = None, (self, name)

    def postprocess_message(self, msg: Message) -> None:
        handler, name = msg.get("lifted_by", (None, ""))
        if handler is self:
            self._lifted[name] = msg["value"]


def _shaped_like(law: Distribution, msg: Message) -> Distribution:
    """A scalar law in the shape of the param's initial value, all dims of one event; any other law as it is."""
    shape = shape_of(msg["args"][0]) if msg["args"] else ()
    return law.expand(shape).to_event(len(shape)) if law.shape() == () and shape else law
