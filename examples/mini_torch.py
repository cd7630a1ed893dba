"""A whole probabilistic programming system in one file: what twofold-torch is, without what makes it convenient.

Read it from top to bottom.  A model is a Python function with *statements* in it (``sample``, ``param``, ``plate``).
Each statement makes a *message*, a dict, and shows it to the *handlers* around the model, which read and edit it.
Inference is a stack of handlers and a loop.

    python examples/mini_torch.py
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.distributions import Normal

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
        del STACK.handlers[STACK.handlers.index(self) :]  # also drops what an abandoned generator left inside

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
        asked.append(handler)
        handler.process_message(msg)
        if msg["stop"]:
            break
    if msg["value"] is None:
        msg["value"] = msg["make"](msg)
    for handler in reversed(asked):
        handler.postprocess_message(msg)
    return msg


def message(kind: str, name: str, make: Callable, value: Any = None, fn: Any = None) -> dict:
    """All that is known of a site when its statement begins."""
    return {
        "type": kind,
        "name": name,
        "make": make,  # makes the value if no handler supplies one
        "fn": fn,  # the law of a sample site
        "value": value,
        "is_observed": kind == "sample" and value is not None,
        "scale": 1.0,  # factor of the log density
        "cond_indep_stack": (),  # plates around the site, the outermost first
        "stop": False,  # hide the site from the handlers further out
    }


# 2. The store ------------------------------------------------------------------------------------------------------

STORE: dict[str, Tensor] = {}
"""Parameters by name: leaves that an optimiser moves."""


def clear_param_store() -> None:
    """Forget all parameters."""
    STORE.clear()


# 3. Statements -----------------------------------------------------------------------------------------------------


def sample(name: str, fn: Any, obs: Any = None) -> Any:
    """Draw the random variable ``name``, or score ``obs`` as its value."""

    def draw(msg: dict) -> Any:
        return msg["fn"].rsample() if msg["fn"].has_rsample else msg["fn"].sample()

    if not (hasattr(fn, "log_prob") and hasattr(fn, "batch_shape")):
        raise TypeError(f"site {name!r} needs a law, not {type(fn).__name__}")
    value = None if obs is None else torch.as_tensor(obs, dtype=torch.get_default_dtype())
    return apply_stack(message("sample", name, draw, value, fn))["value"]


def param(name: str, init_tensor: Any = None) -> Tensor:
    """The parameter ``name``: what the store holds, else its initial value, which the store then keeps."""

    def look_up(msg: dict) -> Tensor:
        if name not in STORE:
            if init_tensor is None:
                raise KeyError(f"there is no parameter {name!r}, and no initial value")
            init = init_tensor() if callable(init_tensor) else init_tensor
            STORE[name] = init.detach().clone().requires_grad_()
        return STORE[name]

    return apply_stack(message("param", name, look_up))["value"]


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
        if not isinstance(size, int) or not 0 < count <= size or (dim is not None and dim >= 0):
            raise ValueError(f"plate {name!r}: need 0 < subsample_size <= size and dim < 0")

        def draw(msg: dict) -> Tensor:
            return torch.arange(size) if count == size else torch.randperm(size)[:count]

        self.indices = apply_stack(message("plate", name, draw))["value"]

    def __enter__(self) -> Any:
        active = [handler for handler in STACK.handlers if isinstance(handler, plate)]
        taken = {other.frame.dim: other.name for other in active}
        dim = self.dim or next(d for d in range(-1, -2 - len(taken), -1) if d not in taken)
        if dim in taken or self.name in taken.values():
            raise ValueError(f"plate {self.name!r}: dim {dim} or the name is taken by a plate of {[*taken.values()]}")
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
        msg["fn"] = msg["fn"].expand(shape)
        msg["scale"] = msg["scale"] * self.size / size
        msg["cond_indep_stack"] = (self.frame, *msg["cond_indep_stack"])


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
    """Run with a seeded generator, and put it back as it was at the end."""

    def __init__(self, fn: Callable | None = None, rng_seed: int = 0) -> None:
        super().__init__(fn)
        self.rng_seed = rng_seed

    def __enter__(self) -> Any:
        self.former = torch.get_rng_state()
        torch.manual_seed(self.rng_seed)
        return super().__enter__()

    def __exit__(self, *exc_info: Any) -> None:
        super().__exit__(*exc_info)
        torch.set_rng_state(self.former)


class substitute(Messenger):
    """Supply values of params by name; the store is neither asked nor changed."""

    def __init__(self, fn: Callable | None = None, data: Any = None) -> None:
        super().__init__(fn)
        self.data = data

    def process_message(self, msg: dict) -> None:
        if msg["type"] == "param" and self.data.get(msg["name"]) is not None:
            msg["value"] = self.data[msg["name"]]


class condition(substitute):
    """Supply values of sample sites and plates by name, as observations."""

    def process_message(self, msg: dict) -> None:
        if msg["type"] in ("sample", "plate") and self.data.get(msg["name"]) is not None:
            dtype = torch.int64 if msg["type"] == "plate" else torch.get_default_dtype()
            msg["value"], msg["is_observed"] = torch.as_tensor(self.data[msg["name"]], dtype=dtype), True


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


def joint_log_density(sites: dict[str, dict]) -> Tensor:
    """Sum of ``scale * log_prob`` over the sample sites of a run."""
    return sum(
        (
            (site["scale"] * site["fn"].log_prob(site["value"])).sum()
            for site in sites.values()
            if site["type"] == "sample"
        ),
        start=torch.zeros(()),
    )


def log_density(model: Callable, data: Any, *args: Any) -> Tensor:
    """The model as a function: its joint log density at given values of all latent sites."""
    return joint_log_density(trace(condition(model, data)).get_trace(*args))


def elbo(model: Callable, guide: Callable, *args: Any) -> Tensor:
    """One-sample estimate of the evidence lower bound: ``log p(x, z) - log q(z)`` with ``z`` drawn from the guide."""
    guided = trace(guide).get_trace(*args)
    modelled = trace(replay(model, guided)).get_trace(*args)
    return joint_log_density(modelled) - joint_log_density(guided)


def svi(model: Callable, guide: Callable, steps: int, *args: Any, rate: float = 0.02) -> list[float]:
    """Maximise the ELBO by Adam; the params are in the store, the losses are returned."""
    trace(guide).get_trace(*args)  # fills the store
    optimiser = torch.optim.Adam(STORE.values(), lr=rate)
    losses = []
    for _ in range(steps):
        optimiser.zero_grad()
        loss = -elbo(model, guide, *args)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def hmc(model: Callable, steps: int, *args: Any, step_size: float = 0.3, leaps: int = 8) -> dict[str, Tensor]:
    """Hamiltonian Monte Carlo with unit mass; returns the draws by site."""
    start = trace(model).get_trace(*args)
    latent = {n: s["value"] for n, s in start.items() if s["type"] == "sample" and not s["is_observed"]}
    shapes, sizes = [value.shape for value in latent.values()], [value.numel() for value in latent.values()]

    def unravel(flat: Tensor) -> dict[str, Tensor]:
        parts = flat.split(sizes, -1)
        return {n: p.reshape(flat.shape[:-1] + s) for n, p, s in zip(latent, parts, shapes, strict=True)}

    def value_and_grad(flat: Tensor) -> tuple[Tensor, Tensor]:
        flat = flat.detach().requires_grad_()
        value = log_density(model, unravel(flat), *args)
        return value.detach(), torch.autograd.grad(value, flat)[0]

    position = torch.cat([value.detach().reshape(-1) for value in latent.values()])
    here, gradient = value_and_grad(position)
    draws = []
    for _ in range(steps):
        momentum = torch.randn_like(position)
        q, p, there, slope = position, momentum, here, gradient
        for _ in range(leaps):
            p = p + 0.5 * step_size * slope
            q = q + step_size * p
            there, slope = value_and_grad(q)
            p = p + 0.5 * step_size * slope
        log_ratio = there - here - 0.5 * (p @ p - momentum @ momentum)
        if torch.rand(()).log() < log_ratio:
            position, here, gradient = q, there, slope
        draws.append(position)
    return unravel(torch.stack(draws))


# 6. A model --------------------------------------------------------------------------------------------------------

EFFECTS = torch.tensor([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
ERRORS = torch.tensor([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])


def eight_schools(errors: Tensor, effects: Tensor) -> None:
    """Effects of coaching in eight schools (Rubin 1981), the prior of the schools' spread log-normal."""
    mean = sample("mean", Normal(0.0, 5.0))
    spread = sample("log_spread", Normal(1.0, 1.0)).exp()
    with plate("schools", 8):
        offset = sample("offset", Normal(0.0, 1.0))
        effect = deterministic("effect", mean + spread * offset)
        sample("measured", Normal(effect, errors), obs=effects)


def mean_field(errors: Tensor, effects: Tensor) -> None:
    """A guide: each latent site normal and independent."""
    for name, shape in (("mean", ()), ("log_spread", ()), ("offset", (8,))):
        loc, log_scale = param(f"{name}_loc", torch.zeros(shape)), param(f"{name}_log_scale", torch.zeros(shape))
        sample(name, Normal(loc, log_scale.exp()))


def main() -> None:
    """Fit the model twice, and print both posteriors of the mean effect."""
    torch.manual_seed(1)
    svi(eight_schools, mean_field, 2000, ERRORS, EFFECTS)
    draws = hmc(eight_schools, 1500, ERRORS, EFFECTS)
    mean = draws["mean"][200:]
    print(f"mean effect by SVI: {STORE['mean_loc'].item():.1f} +- {STORE['mean_log_scale'].exp().item():.1f}")
    print(f"mean effect by HMC: {mean.mean().item():.1f} +- {mean.std().item():.1f}")


if __name__ == "__main__":
    main()
