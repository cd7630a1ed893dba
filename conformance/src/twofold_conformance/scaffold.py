"""The skeleton of an adapter: runs as it stands on an implementation with the usual names, and says what to fill in."""

from __future__ import annotations

from string import Template
from typing import Literal

from twofold_conformance.clauses import load, specs
from twofold_conformance.exits import UsageError


def skeleton(name: str, flavour: Literal["stateful", "stateless"]) -> str:
    """Python source of an adapter called ``Adapter``.

    Args:
        name: the implementation's name, which is also the module that the skeleton imports.
        flavour: stateful or stateless.
    """
    if not name.isidentifier():
        raise UsageError(f"the name {name!r} must be a Python identifier: the skeleton imports a module of that name")
    spec = specs()[-1]
    variants = [clause for clause in load(spec).values() if clause.alternatives and clause.applies_to(flavour)]
    choices = [
        f'        # "{clause.id}": "{next(iter(clause.alternatives))}",  # {_told(clause.alternatives)}'
        for clause in variants
    ]
    parts = STATEFUL if flavour == "stateful" else STATELESS
    named = {part: Template(text).substitute(name=name) for part, text in parts.items()}
    return Template(SKELETON).substitute(named, name=name, flavour=flavour, spec=spec, choices="\n".join(choices))


def _told(alternatives: object) -> str:
    return " | ".join(f"{name}: {text}" for name, text in dict(alternatives).items())  # type: ignore[call-overload]


STATEFUL = {
    "seeding": "        if seed is not None:\n            $name.set_rng_seed(seed)\n        return fn(*args, **kwargs)",
    "reset": "        $name.clear_param_store()\n        $name.enable_validation(True)\n        $name.set_rng_seed(0)",
    "more": """
    # Leaves of autograd.
    def leaf(self, value):
        return np.array(value, dtype=float)

    def is_leaf(self, value):
        return True

    def requires_grad(self, value):
        return False

    def assign(self, leaf, value):
        leaf[...] = value

    def backward(self, loss):
        raise LookupError("give the framework's back-propagation into every leaf")

    def grad_of(self, leaf):
        return None
""",
}
STATELESS = {
    "seeding": (
        '        seeded = fn if seed is None else self.handler("seed", fn, rng_seed=seed)\n'
        "        return seeded(*args, **kwargs)"
    ),
    "reset": "        $name.enable_validation(True)",
    "more": "\n    def key(self, seed):\n        return $name.random.key(seed)\n",
}

SKELETON = '''"""Drives $name for twofold-conformance.  The guide is docs/developer/adapter-guide.md."""

import warnings
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import $name

from twofold_conformance.api import PlateView, Run, SiteView


class Ops:
    """The array operations.  Replace NumPy by the framework's own functions."""

    def array(self, value, dtype=None):
        return np.array(value, dtype=dtype)

    def numpy(self, value):
        array = np.asarray(value)
        return array.astype(np.float64) if array.dtype.kind == "f" else array

    exp, log, sum, where, stack = map(staticmethod, (np.exp, np.log, np.sum, np.where, np.stack))

    def is_array(self, value):
        return isinstance(value, np.ndarray)

    def shape(self, value):
        return tuple(np.shape(value))

    def dtype(self, value):
        return np.asarray(value).dtype.name

    def stop_grad(self, value):
        return value  # the framework's detach

    def grad(self, fn, at):
        raise LookupError("give the framework's gradient of fn at `at` as NumPy")
$more

class Adapter:
    name = "$name"
    version = getattr($name, "__version__", "0")
    flavour = "$flavour"
    spec = "$spec"
    # `twofold-conformance list --capabilities` says what may stand here; begin small and add as adapter-check passes.
    capabilities = frozenset({"handler.condition", "handler.scale", "handler.mask", "handler.block"})
    choices = {
$choices
    }

    def ppl(self):
        names = ("sample", "param", "plate", "plate_stack", "factor", "deterministic", "subsample", "module")
        return SimpleNamespace(**{name: getattr($name, name) for name in names if hasattr($name, name)})

    def dist(self):
        return $name.distributions

    def constraints(self):
        return $name.distributions.constraints

    def xp(self):
        return Ops()

    @contextmanager
    def fresh(self):
        self._reset()
        try:
            yield
            # raise here if a handler is still on the implementation's stack
        finally:
            self._reset()

    def _reset(self):
$reset

    def call(self, fn, *args, seed=0, **kwargs):
$seeding

    def trace(self, model, *args, seed=0, **kwargs):
        return self.call($name.handlers.trace(model).get_trace, *args, seed=seed, **kwargs)

    def run(self, model, *args, seed=0, **kwargs):
        returned = []

        def recorded(*args, **kwargs):
            returned.append(model(*args, **kwargs))
            return returned[-1]

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            trace = self.trace(recorded, *args, seed=seed, **kwargs)
            sites = {name: self._view(name, site) for name, site in trace.items()}
        density = sum(float(np.sum(site.log_prob)) for site in sites.values() if site.log_prob is not None)
        return Run(returned[-1], sites, density, [str(warning.message) for warning in caught], trace)

    def _view(self, name, site):
        """One recorded site in the kit's words; change the keys to the implementation's."""
        observed = bool(site.get("is_observed", False))
        kind = site["type"] if site["type"] != "sample" else "observed" if observed else "latent"
        scale = 1.0 if site.get("scale") is None else site["scale"]
        unscaled = site["fn"].log_prob(site["value"]) if kind in ("latent", "observed") else None
        frames = site.get("cond_indep_stack", ())
        return SiteView(
            name=name,
            kind=kind,
            value=self.xp().numpy(site["value"]),
            observed=observed,
            log_prob=None if unscaled is None else self.xp().numpy(scale * unscaled),
            unscaled=None if unscaled is None else self.xp().numpy(unscaled),
            scale=scale,
            plates=tuple(PlateView(frame.name, frame.dim, frame.size) for frame in frames),
            infer=dict(site.get("infer") or {}),
            raw=site,
        )

    def handler(self, name, fn=None, **settings):
        make = getattr($name.handlers, name)
        return make(**settings) if fn is None else make(fn, **settings)
'''
