"""A whole probabilistic programming system in one file: what twofold-jax is, without what makes it convenient.

Read it from top to bottom.  A model is a Python function with *statements* in it (``sample``, ``param``, ``plate``).
Each statement makes a *message*, a dict, and shows it to the *handlers* around the model, which read and edit it.
Inference is a stack of handlers and a loop.

    python examples/mini_jax.py
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

# 1. The mechanism --------------------------------------------------------------------------------------------------


class _Stack(threading.local):
    """The active handlers of this thread, the outermost first."""

    def __init__(self) -> None:
        self.handlers: list[Messenger] = []


STACK = _Stack()


class Messenger:
    """A handler: acts on the statements of ``fn``, or of a ``with`` block."""

    def __init__(self, fn: Callable | None = None) -> None:
        self.fn = fn

    def __enter__(self) -> Any:
        STACK.handlers.append(self)
        return self

    def __exit__(self, *exc_info: Any) -> None:
        if self in STACK.handlers:  # take it off, with what an abandoned generator has left inside
            del STACK.handlers[STACK.handlers.index(self) :]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with self:
            return self.fn(*args, **kwargs)

    def process_message(self, msg: dict) -> None:
        """Asked on the way out, the innermost handler first, while the value may be missing."""

    def postprocess_message(self, msg: dict) -> None:
        """Told on the way back, the outermost handler first, once the value is there."""


def apply_stack(msg: dict) -> dict:
    """Show the message to the handlers, make the value if none did, and show it back to the same handlers."""
    asked = []
    for handler in reversed(STACK.handlers):
        if msg["stop"] and not isinstance(handler, seed):  # a hidden site still needs its random key
            continue
        asked.append(handler)
        handler.process_message(msg)
    if msg["value"] is None:
        msg["value"] = msg["make"](msg)
    for handler in reversed(asked):
        handler.postprocess_message(msg)
    return msg


def message(kind: str, name: str, make: Callable, value: Any = None, fn: Any = None, rng_key: Any = None) -> dict:
    """All that is known of a site when its statement begins."""
    return {
        "type": kind,
        "name": name,
        "make": make,  # makes the value if no handler supplies one
        "fn": fn,  # the law of a sample site
        "value": value,
        "is_observed": kind == "sample" and value is not None,
        "rng_key": rng_key,
        "scale": 1.0,  # factor of the log density
        "cond_indep_stack": [],  # plates around the site, the innermost first
        "stop": False,  # hide the site from the handlers further out
    }


# 2. Laws -----------------------------------------------------------------------------------------------------------


class Normal:
    """Normal law with mean ``loc`` and standard deviation ``scale``."""

    def __init__(self, loc: Any, scale: Any) -> None:
        self.loc, self.scale = loc, scale
        self.batch_shape = jnp.broadcast_shapes(jnp.shape(loc), jnp.shape(scale))

    def sample(self, rng_key: Any) -> Any:
        return self.loc + self.scale * jax.random.normal(rng_key, self.batch_shape)

    def log_prob(self, value: Any) -> Any:
        z = (value - self.loc) / self.scale
        return jnp.broadcast_to(-0.5 * (z * z + jnp.log(2 * jnp.pi)) - jnp.log(self.scale), self._shape_with(value))

    def expand(self, shape: tuple[int, ...]) -> Normal:
        return Normal(jnp.broadcast_to(self.loc, shape), self.scale)

    def _shape_with(self, value: Any) -> tuple[int, ...]:
        return jnp.broadcast_shapes(jnp.shape(value), self.batch_shape)


# 3. Statements -----------------------------------------------------------------------------------------------------


def sample(name: str, fn: Any, obs: Any = None, rng_key: Any = None) -> Any:
    """Draw the random variable ``name``, or score ``obs`` as its value."""

    def draw(msg: dict) -> Any:
        if msg["rng_key"] is None:
            raise RuntimeError(f"site {name!r} has no random key; wrap the model in seed(model, rng_seed=0)")
        return msg["fn"].sample(msg["rng_key"])

    if not (hasattr(fn, "log_prob") and hasattr(fn, "batch_shape")):
        raise TypeError(f"site {name!r} needs a law, not {type(fn).__name__}")
    return apply_stack(message("sample", name, draw, obs, fn, rng_key))["value"]


def param(name: str, init_value: Any = None) -> Any:
    """The parameter ``name``: what a handler supplies, else its initial value.  Nothing is stored."""
    return apply_stack(message("param", name, lambda msg: init_value))["value"]


def deterministic(name: str, value: Any) -> Any:
    """Record ``value``; it has no density."""
    return apply_stack(message("deterministic", name, lambda msg: value, value))["value"]


class Frame(NamedTuple):
    """One plate around a site."""

    name: str
    dim: int
    size: int


class plate(Messenger):
    """Sites inside are independent along one batch dim, and are scaled by ``size / subsample_size``.

    A statement (its indices are a site, so that model and guide can share them) and a handler at once.
    """

    def __init__(self, name: str, size: int, subsample_size: int | None = None, dim: int | None = None) -> None:
        super().__init__()
        self.name, self.size, self.dim = name, size, dim
        count = size if subsample_size is None else subsample_size
        if size < 1 or not 0 < count <= size or (dim is not None and dim >= 0):
            raise ValueError(f"plate {name!r}: need 0 < subsample_size <= size and dim < 0")

        def draw(msg: dict) -> Any:
            if count == size:
                return jnp.arange(size)
            if msg["rng_key"] is None:
                raise RuntimeError(f"plate {name!r} has no random key for its subsample; use seed")
            return jax.random.permutation(msg["rng_key"], size)[:count]

        self.indices = apply_stack(message("plate", name, draw))["value"]

    def __enter__(self) -> Any:
        active = [handler for handler in STACK.handlers if isinstance(handler, plate)]
        taken = {other.frame.dim for other in active}
        dim = self.dim or next(d for d in range(-1, -2 - len(taken), -1) if d not in taken)
        if dim in taken or self.name in {other.name for other in active}:
            raise ValueError(f"plate {self.name!r}: dim {dim} or the name is taken by an enclosing plate")
        self.frame = Frame(self.name, dim, len(self.indices))
        super().__enter__()
        return self.indices

    def process_message(self, msg: dict) -> None:
        if msg["type"] != "sample":
            return
        _, dim, size = self.frame
        shape = list(msg["fn"].batch_shape)
        shape = [1] * (-dim - len(shape)) + shape
        if shape[dim] not in (1, size):
            raise ValueError(f"site {msg['name']!r} has size {shape[dim]} at dim {dim}, plate {self.name!r} has {size}")
        shape[dim] = size
        msg["fn"] = msg["fn"].expand(tuple(shape))
        msg["scale"] = msg["scale"] * self.size / size
        msg["cond_indep_stack"].append(self.frame)


# 4. Handlers -------------------------------------------------------------------------------------------------------


class trace(Messenger):
    """Record the sites of a run by name."""

    def __enter__(self) -> dict[str, dict]:
        super().__enter__()
        self.sites: dict[str, dict] = {}
        return self.sites

    def get_trace(self, *args: Any, **kwargs: Any) -> dict[str, dict]:
        self(*args, **kwargs)
        return self.sites

    def postprocess_message(self, msg: dict) -> None:
        known = self.sites.get(msg["name"])
        if known is not None and not known["type"] == msg["type"] == "param":
            raise RuntimeError(f"the name {msg['name']!r} is used twice in one run")
        self.sites.setdefault(msg["name"], dict(msg))


class seed(Messenger):
    """Supply random keys.  Each site takes one, whether or not it draws: observing a site changes no other draw."""

    def __init__(self, fn: Callable | None = None, rng_seed: Any = 0) -> None:
        super().__init__(fn)
        self.rng_key = jax.random.key(rng_seed) if isinstance(rng_seed, int) else rng_seed

    def __enter__(self) -> Any:
        self.count = 0
        return super().__enter__()

    def process_message(self, msg: dict) -> None:
        if msg["type"] in ("sample", "plate") and not msg.get("is_seeded"):
            msg["rng_key"], msg["is_seeded"] = jax.random.fold_in(self.rng_key, self.count), True
            self.count += 1


class substitute(Messenger):
    """Supply values of latent sites, params and plates by name; sample sites stay latent."""

    def __init__(self, fn: Callable | None = None, data: Any = None) -> None:
        super().__init__(fn)
        self.data = data

    def process_message(self, msg: dict) -> None:
        if not msg["is_observed"] and self.data.get(msg["name"]) is not None:
            msg["value"] = self.data[msg["name"]]


class condition(substitute):
    """Supply values of sample sites by name, as observations."""

    def process_message(self, msg: dict) -> None:
        if msg["type"] == "sample" and self.data.get(msg["name"]) is not None:
            msg["value"], msg["is_observed"] = self.data[msg["name"]], True


class replay(Messenger):
    """Supply the values that latent sites and plates have in a recorded run."""

    def __init__(self, fn: Callable | None = None, trace: Any = None) -> None:
        super().__init__(fn)
        self.trace = trace

    def process_message(self, msg: dict) -> None:
        if msg["name"] in self.trace and msg["type"] in ("sample", "plate") and not msg["is_observed"]:
            msg["value"] = self.trace[msg["name"]]["value"]


class block(Messenger):
    """Hide sites from the handlers further out: all, or those of the names ``hide``."""

    def __init__(self, fn: Callable | None = None, hide: Any = None) -> None:
        super().__init__(fn)
        self.hide = hide

    def process_message(self, msg: dict) -> None:
        msg["stop"] = msg["stop"] or self.hide is None or msg["name"] in self.hide


class scale(Messenger):
    """Multiply log densities."""

    def __init__(self, fn: Callable | None = None, scale: float = 1.0) -> None:
        super().__init__(fn)
        self.scale = scale

    def process_message(self, msg: dict) -> None:
        msg["scale"] = msg["scale"] * self.scale


# 5. Inference: handlers and a loop ---------------------------------------------------------------------------------


def joint_log_density(sites: dict[str, dict]) -> Any:
    """Sum of ``scale * log_prob`` over the sample sites of a run."""
    return sum(
        (
            jnp.sum(site["scale"] * site["fn"].log_prob(site["value"]))
            for site in sites.values()
            if site["type"] == "sample"
        ),
        start=jnp.zeros(()),
    )


def log_density(model: Callable, data: Any, *args: Any) -> Any:
    """The model as a pure function: its joint log density at given values of all latent sites."""
    return joint_log_density(trace(substitute(model, data)).get_trace(*args))


def elbo(rng_key: Any, params: Any, model: Callable, guide: Callable, *args: Any) -> Any:
    """One-sample estimate of the evidence lower bound: ``log p(x, z) - log q(z)`` with ``z`` drawn from the guide."""
    guide_key, model_key = jax.random.split(rng_key)
    guided = trace(substitute(seed(guide, guide_key), params)).get_trace(*args)
    modelled = trace(replay(substitute(seed(model, model_key), params), guided)).get_trace(*args)
    return joint_log_density(modelled) - joint_log_density(guided)


def svi(rng_key: Any, model: Callable, guide: Callable, steps: int, *args: Any, rate: float = 0.02) -> Any:
    """Maximise the ELBO by Adam; returns the params and the losses."""
    init_key, run_key = jax.random.split(rng_key)
    start = trace(seed(guide, init_key)).get_trace(*args)
    params = {name: jnp.asarray(site["value"]) for name, site in start.items() if site["type"] == "param"}
    optimiser = optax.adam(rate)

    def step(carry: Any, key: Any) -> Any:
        params, state = carry
        loss, gradient = jax.value_and_grad(lambda p: -elbo(key, p, model, guide, *args))(params)
        update, state = optimiser.update(gradient, state)
        return (optax.apply_updates(params, update), state), loss

    (params, _), losses = jax.lax.scan(step, (params, optimiser.init(params)), jax.random.split(run_key, steps))
    return params, losses


def hmc(rng_key: Any, model: Callable, steps: int, *args: Any, step_size: float = 0.3, leaps: int = 8) -> Any:
    """Hamiltonian Monte Carlo with unit mass; returns the draws by site."""
    init_key, run_key = jax.random.split(rng_key)
    start = trace(seed(model, init_key)).get_trace(*args)
    latent = {n: s["value"] for n, s in start.items() if s["type"] == "sample" and not s["is_observed"]}
    position, unravel = ravel_pytree(latent)
    value_and_grad = jax.value_and_grad(lambda q: log_density(model, unravel(q), *args))

    def leap(_: Any, state: Any) -> Any:
        q, p, (_, gradient) = state
        p = p + 0.5 * step_size * gradient
        q = q + step_size * p
        ahead = value_and_grad(q)
        return q, p + 0.5 * step_size * ahead[1], ahead

    def step(state: Any, key: Any) -> Any:
        (q, here), (momentum_key, accept_key) = state, jax.random.split(key)
        p = jax.random.normal(momentum_key, q.shape)
        new_q, new_p, there = jax.lax.fori_loop(0, leaps, leap, (q, p, here))
        log_ratio = there[0] - here[0] - 0.5 * (new_p @ new_p - p @ p)
        accepted = jnp.log(jax.random.uniform(accept_key)) < log_ratio
        state = jax.tree.map(lambda new, old: jnp.where(accepted, new, old), (new_q, there), state)
        return state, state[0]

    _, draws = jax.lax.scan(step, (position, value_and_grad(position)), jax.random.split(run_key, steps))
    return jax.vmap(unravel)(draws)


# 6. A model --------------------------------------------------------------------------------------------------------

EFFECTS = jnp.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
ERRORS = jnp.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])


def eight_schools(errors: Any, effects: Any) -> Any:
    """Effects of coaching in eight schools (Rubin 1981), the prior of the schools' spread log-normal."""
    mean = sample("mean", Normal(0.0, 5.0))
    spread = jnp.exp(sample("log_spread", Normal(1.0, 1.0)))
    with plate("schools", 8):
        offset = sample("offset", Normal(0.0, 1.0))
        effect = deterministic("effect", mean + spread * offset)
        sample("measured", Normal(effect, errors), obs=effects)


def mean_field(errors: Any, effects: Any) -> None:
    """A guide: each latent site normal and independent."""
    for name, shape in (("mean", ()), ("log_spread", ()), ("offset", (8,))):
        loc, log_scale = param(f"{name}_loc", jnp.zeros(shape)), param(f"{name}_log_scale", jnp.zeros(shape))
        sample(name, Normal(loc, jnp.exp(log_scale)))


def main() -> None:
    """Fit the model twice, and print both posteriors of the mean effect."""
    params, _ = jax.jit(lambda key: svi(key, eight_schools, mean_field, 3000, ERRORS, EFFECTS))(jax.random.key(1))
    draws = jax.jit(lambda key: hmc(key, eight_schools, 4000, ERRORS, EFFECTS))(jax.random.key(2))
    mean = draws["mean"][500:]
    print(f"mean effect by SVI: {params['mean_loc']:.1f} +- {jnp.exp(params['mean_log_scale']):.1f}")
    print(f"mean effect by HMC: {mean.mean():.1f} +- {mean.std():.1f}")


if __name__ == "__main__":
    main()
