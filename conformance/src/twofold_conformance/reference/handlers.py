"""The handlers that both flavours share, filed by what they change in a message."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np

from twofold_conformance.reference.errors import HandlerError, ReplayError
from twofold_conformance.reference.laws import Law, Normal
from twofold_conformance.reference.mechanism import Handler, Message, message, prng_key, show, takes_key
from twofold_conformance.reference.statements import check_shape
from twofold_conformance.reference.tensor import Tensor, array, tensor
from twofold_conformance.reference.traces import Trace
from twofold_conformance.reference.validation import is_validation_enabled

Data = Mapping[str, Any]
Choice = Callable[[Message], Any]
SITES = ("sample", "param", "plate", "deterministic")


class Naming(Handler):
    """A handler that is given names: after the run it tells of those that no statement had."""

    types: tuple[str, ...] = ("sample",)
    """The statements that it speaks of."""
    names: Iterable[str] = ()

    def start(self) -> None:
        self.unused = set(self.names)

    def meets(self, msg: Message) -> bool:
        """Is this one of the statements?  Then its name is used."""
        if msg["type"] not in self.types:
            return False
        self.unused.discard(msg["name"])
        return True

    def finish(self, *, failed: bool) -> None:
        if not failed:
            warn_unused(type(self).__name__, self.unused)


def warn_unused(handler: str, names: Iterable[str]) -> None:
    names = sorted(names)
    if names and is_validation_enabled():
        warnings.warn(f"{handler}: no statement of this run has the names {names}", stacklevel=4)


# What a site's value is ---------------------------------------------------------------------------------------------


class condition(Naming):
    """Observe ``data[name]`` at the sample sites of these names; ``condition_fn(site)`` may decide instead."""

    def __init__(self, fn: Any = None, data: Any = None, condition_fn: Choice | None = None) -> None:
        super().__init__(fn)
        exactly_one("condition", data=data, condition_fn=condition_fn)
        self.choose = chooser(data, condition_fn)
        self.names = () if isinstance(data, Trace) else data or ()

    def process(self, msg: Message) -> None:
        value = self.choose(msg) if self.meets(msg) else None
        if value is not None:
            msg["value"], msg["is_observed"] = value, True


def exactly_one(handler: str, **settings: Any) -> None:
    if sum(value is not None for value in settings.values()) != 1:
        raise HandlerError(f"{handler} needs exactly one of {' and '.join(settings)}")


def chooser(data: Data | None, choose: Choice | None) -> Choice:
    """A function of the site: ``choose`` itself, or each name its value and None for the others."""
    if choose is not None:
        return choose
    values = values_of(data or {})
    return lambda msg: values.get(msg["name"])


def values_of(data: Data) -> Data:
    """Of a trace: the values of its sites."""
    return {name: site.get("value") for name, site in data.items()} if isinstance(data, Trace) else data


class uncondition(Handler):
    """Draw the observed sites; their former value stays in ``infer``.  Factors are no data and stay."""

    def process(self, msg: Message) -> None:
        if msg["type"] == "sample" and msg["is_observed"] and not msg["infer"].get("is_auxiliary"):
            msg["infer"].update(was_observed=True, obs=msg["value"])
            msg["value"], msg["is_observed"] = None, False


class do(Naming):
    """Intervene: the statement returns ``data[name]``, while the site itself stays as it would have been."""

    def __init__(self, fn: Any = None, data: Data | None = None) -> None:
        super().__init__(fn)
        if data is None:
            raise HandlerError("do needs data")
        self.data = self.names = data

    def process(self, msg: Message) -> None:
        value = self.data.get(msg["name"]) if self.meets(msg) else None
        if value is not None:
            if msg["returns"] is not None:
                self.warn_twice(msg)
            msg["returns"] = value

    def warn_twice(self, msg: Message) -> None:
        warnings.warn(f"site {msg['name']!r}: two interventions, the outer one holds", stacklevel=4)


class replay(Naming):
    """Give latent sites the values of a trace, plates its indices; ``params`` gives parameters their values.

    A trace may hold sites that the model lacks; only a name that is nearly a site's name is told of.
    """

    def __init__(self, fn: Any = None, trace: Data | None = None, params: Data | None = None) -> None:
        super().__init__(fn)
        if trace is None and params is None:
            raise HandlerError("replay needs a trace or params")
        self.trace, self.params = trace or {}, params or {}
        self.names = [name for name, site in self.trace.items() if site["type"] == "sample" and not site["is_observed"]]

    def start(self) -> None:
        super().start()
        self.seen: list[str] = []

    def finish(self, *, failed: bool) -> None:
        self.unused = {name for name in self.unused if get_close_matches(name, self.seen)}
        super().finish(failed=failed)

    def process(self, msg: Message) -> None:
        name = msg["name"]
        if self.meets(msg):
            self.seen.append(name)
        if msg["type"] == "param" and name in self.params:
            msg["value"] = tensor(self.params[name])
        elif msg["type"] == "plate" and name in self.trace:
            self._replay_plate(msg)
        elif msg["type"] == "sample" and not msg["is_observed"] and name in self.trace:
            self._replay_sample(msg)

    def _replay_plate(self, msg: Message) -> None:
        if self.trace[msg["name"]]["type"] != "plate":
            raise ReplayError(f"{msg['name']!r} is a plate of the model and no plate of the trace")
        msg["value"] = self.trace[msg["name"]]["value"]

    def _replay_sample(self, msg: Message) -> None:
        self.check(msg)
        msg["value"] = self.trace[msg["name"]]["value"]

    def check(self, msg: Message) -> None:
        recorded = self.trace[msg["name"]]
        if recorded["type"] != "sample" or recorded["is_observed"]:
            raise ReplayError(f"site {msg['name']!r} is latent in the model, and not in the trace")


class lift(Naming):
    """Make parameters latent sample sites: ``prior`` is one law for all, a dict of laws by name, or a function."""

    types = ("param",)

    def __init__(self, fn: Any = None, prior: Any = None) -> None:
        super().__init__(fn)
        if not (isinstance(prior, Mapping) or callable(prior)):
            raise HandlerError(f"lift needs a law, a function or a dict of them as prior, seen: {prior!r}")
        self.prior, self.names = prior, prior if isinstance(prior, Mapping) else ()

    def start(self) -> None:
        super().start()
        self.values: dict[str, Any] = {}

    def process(self, msg: Message) -> None:
        prior = self._prior_of(msg) if self.meets(msg) else None
        if prior is None:
            return
        if msg["name"] in self.values:
            msg["value"], msg["stop"], msg["repeats"] = self.values[msg["name"]], True, True
        else:
            _become_sample(msg, prior)

    def _prior_of(self, msg: Message) -> Any:
        return self.prior.get(msg["name"]) if isinstance(self.prior, Mapping) else self.prior

    def postprocess(self, msg: Message) -> None:
        if msg["type"] == "sample" and msg["kwargs"].get("lifted"):
            self.values.setdefault(msg["name"], msg["value"])


def _become_sample(msg: Message, prior: Any) -> None:
    """From here outward the parameter is a latent sample site."""
    args, kwargs = msg["args"], msg["kwargs"]
    msg["type"], msg["fn"], msg["value"], msg["kwargs"] = "sample", prior, None, {"lifted": True}
    msg["default"] = msg["draw"] if isinstance(prior, Law) else lambda _: prior(*args, **kwargs)
    msg["check"] = check_shape
    if msg["rng_key"] is None:
        msg["rng_key"] = prng_key("sample")


# What a site counts -------------------------------------------------------------------------------------------------


class mask(Handler):
    """Let only the entries count where ``mask`` holds."""

    def __init__(self, fn: Any = None, mask: Any = None) -> None:
        super().__init__(fn)
        self.check(mask)
        self.mask = mask

    def check(self, mask: Any) -> None:
        if array(mask).dtype != bool:
            raise HandlerError(f"mask is boolean, seen: {mask!r}")

    def process(self, msg: Message) -> None:
        if msg["type"] in ("sample", "get_mask"):
            msg["mask"] = _both(msg["mask"], self.mask)


def _both(inner: Any, outer: Any) -> Any:
    """Nested masks: an entry counts if all of them say so."""
    return outer if inner is None else tensor(inner) & tensor(outer)


class scale(Handler):
    """Multiply the log density of every site by ``scale``."""

    def __init__(self, fn: Any = None, scale: Any = 1.0) -> None:
        super().__init__(fn)
        self.check(scale)
        self.scale = scale

    def check(self, scale: Any) -> None:
        if array(scale).dtype.kind not in "fiu" or not np.all(array(scale) > 0):
            raise HandlerError(f"scale is positive, seen: {scale!r}")

    def process(self, msg: Message) -> None:
        if msg["type"] == "sample":
            msg["scale"] = msg["scale"] * self.scale


# Who sees a site, and under which name ------------------------------------------------------------------------------


class block(Handler):
    """Hide sites from every handler further out: all, or as the settings say."""

    def __init__(
        self,
        fn: Any = None,
        *,
        hide_fn: Callable[[Message], Any] | None = None,
        hide: Iterable[str] | None = None,
        expose: Iterable[str] | None = None,
        hide_types: Iterable[str] | None = None,
        expose_types: Iterable[str] | None = None,
    ) -> None:
        super().__init__(fn)
        self.hide_fn = hide_fn
        self.hide, self.hide_types = _names(hide), _names(hide_types)
        self.expose, self.expose_types = _names(expose), _names(expose_types)
        self.hides_the_rest = hide_fn is None and hide is None and hide_types is None
        self.check()

    def check(self) -> None:
        if self.hide & self.expose:
            raise HandlerError(f"block: {sorted(self.hide & self.expose)} are both hidden and exposed")

    def process(self, msg: Message) -> None:
        if msg["type"] in SITES and self.hides(msg):
            msg["stop"] = True
            if takes_key(msg):
                msg["rng_key"] = prng_key(msg["type"], outside=self)  # hidden, but still to be drawn

    def hides(self, msg: Message) -> bool:
        if msg["name"] in self.hide or msg["type"] in self.hide_types:
            return True
        if msg["name"] in self.expose or msg["type"] in self.expose_types:
            return False
        if self.hide_fn is not None:
            return bool(self.hide_fn(msg))
        return self.hides_the_rest


def _names(names: Iterable[str] | None) -> set[str]:
    return set(names or ())


class scope(Handler):
    """Put ``prefix`` and a divider before the names of the sites; the outermost prefix comes first."""

    types: tuple[str, ...] = ("sample", "deterministic")

    def __init__(
        self, fn: Any = None, prefix: str = "", divider: str = "/", *, hide_types: Iterable[str] | None = None
    ) -> None:
        super().__init__(fn)
        self.prefix, self.types = prefix + divider, tuple(t for t in self.types if t not in _names(hide_types))

    def process(self, msg: Message) -> None:
        if msg["type"] in self.types:
            msg["name"] = self.prefix + msg["name"]
        if "plate" in self.types:
            frames = msg["cond_indep_stack"]
            msg["cond_indep_stack"] = tuple(frame._replace(name=self.prefix + frame.name) for frame in frames)


class infer_config(Handler):
    """Add ``config_fn(site)`` to the ``infer`` of sample sites."""

    types: tuple[str, ...] = ("sample",)

    def __init__(self, fn: Any = None, config_fn: Callable[[Message], Mapping[str, Any]] | None = None) -> None:
        super().__init__(fn)
        if config_fn is None:
            raise HandlerError("infer_config needs a config_fn")
        self.config_fn = config_fn

    def process(self, msg: Message) -> None:
        if msg["type"] in self.types:
            msg["infer"].update(self.config_fn(msg))


# Another site in its place ------------------------------------------------------------------------------------------


class reparam(Naming):
    """Write sites in other terms: ``config`` gives a reparameteriser by name, or is a function of the site."""

    def __init__(self, fn: Any = None, config: Any = None) -> None:
        super().__init__(fn)
        if not (isinstance(config, Mapping) or callable(config)):
            raise HandlerError(f"reparam needs a dict or a function as config, seen: {config!r}")
        self.config = config
        self.names = config if isinstance(config, Mapping) else ()

    def process(self, msg: Message) -> None:
        if self.meets(msg):
            chosen = self.config.get(msg["name"]) if isinstance(self.config, Mapping) else self.config(msg)
            if chosen is not None:
                chosen.rewrite(msg, self)


class LocScaleReparam:
    """x ~ Normal(loc, scale) becomes loc + scale^(1-c) (aux - c loc) with a site aux ~ Normal(c loc, scale^c)."""

    def __init__(self, centered: float) -> None:
        if not 0 <= centered <= 1:
            raise HandlerError(f"centered is between 0 and 1, seen: {centered}")
        self.centered = centered

    def rewrite(self, msg: Message, handler: Handler) -> None:
        self.check(msg)
        loc, width = msg["fn"].values
        auxiliary = self._auxiliary(msg, Normal(loc * self.centered, width**self.centered), handler)
        msg["value"] = loc + width ** (1.0 - self.centered) * (auxiliary - loc * self.centered)
        msg["type"], msg["fn"] = "deterministic", None
        msg["check"] = lambda msg: None

    def check(self, msg: Message) -> None:
        if msg["is_observed"]:
            raise HandlerError(f"site {msg['name']!r} is observed and cannot be decentered")
        if not isinstance(msg["fn"], Normal):
            raise HandlerError(f"site {msg['name']!r} has no location and scale: {msg['fn']!r}")

    def _auxiliary(self, msg: Message, law: Normal, handler: Handler) -> Tensor:
        """The site that is drawn, under the same plates, scale and mask, shown to the handlers further out."""
        fields = {key: msg[key] for key in ("draw", "scale", "mask", "infer", "cond_indep_stack", "rng_key", "check")}
        aux = message("sample", f"{msg['name']}_decentered", msg["draw"], fn=law, **fields)
        return tensor(show(aux, outside=handler))
