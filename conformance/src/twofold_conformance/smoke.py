"""Smoke checks of an adapter itself: is the bridge sound before the law is carried over it?"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from twofold_conformance.api import Adapter, Run
from twofold_conformance.clauses import load
from twofold_conformance.oracles import densities

LAWS = (
    "Normal HalfNormal LogNormal Exponential Gamma Beta Uniform Bernoulli Categorical Poisson MultivariateNormal Delta"
)
CONSTRAINTS = "real positive unit_interval simplex lower_cholesky interval greater_than"
STATEMENTS = {
    "plate_stack": "plate.stack",
    "factor": "factor",
    "deterministic": "deterministic",
    "subsample": "subsample",
    "module": "module",
    "random_module": "module.random",
    "get_mask": "handler.mask",
}
SETTINGS: dict[str, dict[str, Any]] = {
    "trace": {},
    "condition": {"data": {}},
    "block": {"hide": ["no such site"]},
    "do": {"data": {}},
    "mask": {"mask": True},
    "scale": {"scale": 1.0},
    "infer_config": {"config_fn": lambda site: {}},
}

Examination = Callable[[Adapter], None]
EXAMINATIONS: dict[str, tuple[str, Examination]] = {}


class Problem(Exception):  # noqa: N818 - a finding, not an error of the program
    """What is wrong with the adapter, and what to do."""


def examine(adapter: Adapter) -> Iterator[tuple[str, str | None]]:
    """Title and problem (None: sound) of every examination that concerns this adapter."""
    for title, (capability, look) in EXAMINATIONS.items():
        if capability in ("stateful", "stateless"):
            concerned = adapter.flavour == capability
        else:
            concerned = not capability or capability in adapter.capabilities
        if concerned:
            yield title, _problem(look, adapter)


def _problem(look: Examination, adapter: Adapter) -> str | None:
    try:
        look(adapter)
    except Problem as problem:
        return str(problem)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        return f"{type(error).__name__}: {error}\nat {frames[-1].filename}:{frames[-1].lineno}: {frames[-1].line}"
    return None


def examination(title: str, needs: str = "") -> Callable[[Examination], Examination]:
    """Register one examination; ``needs`` is a capability or a flavour."""

    def register(look: Examination) -> Examination:
        EXAMINATIONS[title] = (needs, look)
        return look

    return register


def demand(condition: object, otherwise: str) -> None:
    if not condition:
        raise Problem(otherwise)


def _run(adapter: Adapter, model: Callable[..., Any], **settings: Any) -> Run:
    with adapter.fresh():
        return adapter.run(model, **settings)


def _normal_model(adapter: Adapter) -> Callable[[], Any]:
    return lambda: adapter.ppl().sample("x", adapter.dist().Normal(0.0, 1.0))


def _observed_model(adapter: Adapter) -> Callable[[], Any]:
    return lambda: adapter.ppl().sample("y", adapter.dist().Normal(1.0, 2.0), obs=adapter.xp().array(2.0))


@examination("facts: name, version, choices")
def _facts(adapter: Adapter) -> None:
    demand(isinstance(adapter.name, str) and adapter.name, f"name is {adapter.name!r}; give the implementation's name")
    demand(isinstance(adapter.version, str), f"version is {adapter.version!r}; give a string such as '1.2.0'")
    table = load(adapter.spec)
    for clause_id, taken in adapter.choices.items():
        demand(clause_id in table and table[clause_id].alternatives, f"choices: {clause_id} leaves no choice")
        offered = list(table[clause_id].alternatives)
        demand(taken in offered, f"choices: {clause_id} offers {', '.join(offered)}, not {taken!r}")


@examination("every variant clause that applies has a declared choice")
def _choices(adapter: Adapter) -> None:
    for clause in load(adapter.spec).values():
        if clause.alternatives and clause.applies_to(adapter.flavour) and set(clause.needs) <= adapter.capabilities:
            told = "; ".join(f"{name}: {text}" for name, text in clause.alternatives.items())
            demand(clause.id in adapter.choices, f"choices lacks {clause.id}; take one of {told}")


@examination("ppl() has the statements that the capabilities promise")
def _statements(adapter: Adapter) -> None:
    promised = {"sample": "", "param": "", "plate": ""}
    promised |= {
        name: f" ({capability})" for name, capability in STATEMENTS.items() if capability in adapter.capabilities
    }
    missing = [name + why for name, why in promised.items() if not callable(getattr(adapter.ppl(), name, None))]
    demand(not missing, f"ppl() lacks {', '.join(missing)}; add them, or withdraw the capability in brackets")


@examination("dist() has the twelve laws")
def _laws(adapter: Adapter) -> None:
    missing = [name for name in LAWS.split() if not hasattr(adapter.dist(), name)]
    advice = "wrap yours under these names; clauses that use a law which your language lacks will fail"
    demand(not missing, f"dist() lacks {', '.join(missing)}; {advice}")


@examination("constraints() has the seven domains")
def _constraints(adapter: Adapter) -> None:
    missing = [name for name in CONSTRAINTS.split() if not hasattr(adapter.constraints(), name)]
    demand(not missing, f"constraints() lacks {', '.join(missing)}")


@examination("xp: floats make the round trip as float64")
def _floats(adapter: Adapter) -> None:
    back = adapter.xp().numpy(adapter.xp().array([0.5, -2.0]))
    demand(isinstance(back, np.ndarray) and back.dtype == np.float64, f"numpy(array([0.5, -2])) is {back!r}")
    demand(np.array_equal(back, [0.5, -2.0]), f"numpy(array([0.5, -2])) is {back!r}")


@examination("xp: integers and booleans keep their kind")
def _kinds(adapter: Adapter) -> None:
    for value, kind in (([1, 2], "i"), ([True, False], "b")):
        back = adapter.xp().numpy(adapter.xp().array(value))
        demand(back.dtype.kind == kind, f"numpy(array({value})) is of type {back.dtype}; expected kind {kind!r}")


@examination("xp: exp, log, sum, where, stack, shape, is_array")
def _operations(adapter: Adapter) -> None:
    xp = adapter.xp()
    array = xp.array([1.0, 4.0])
    demand(np.allclose(xp.numpy(xp.log(xp.exp(array))), [1.0, 4.0]), "log(exp(x)) is not x")
    demand(float(xp.numpy(xp.sum(array))) == 5.0, "sum([1, 4]) is not 5")
    demand(np.array_equal(xp.numpy(xp.where(xp.array([True, False]), array, array * 0)), [1.0, 0.0]), "where is wrong")
    demand(xp.shape(xp.stack([array, array])) == (2, 2), "shape(stack([a, a])) is not the tuple (2, 2)")
    demand(xp.is_array(array) and not xp.is_array(1.0), "is_array must tell arrays from Python floats")


@examination("xp: grad, and stop_grad stops it")
def _gradient(adapter: Adapter) -> None:
    xp = adapter.xp()
    slope = xp.grad(lambda x: x * x, xp.array(3.0))
    demand(np.allclose(slope, 6.0), f"grad of x*x at 3 is {slope!r}, expected 6")
    held = xp.grad(lambda x: x * xp.stop_grad(x), xp.array(3.0))
    demand(np.allclose(held, 3.0), f"grad of x*stop_grad(x) at 3 is {held!r}, expected 3")


@examination("xp: leaf, is_leaf, requires_grad, assign, backward, grad_of", "stateful")
def _leaves(adapter: Adapter) -> None:
    xp = adapter.xp()
    names = ("leaf", "is_leaf", "requires_grad", "assign", "backward", "grad_of")
    missing = [name for name in names if not callable(getattr(xp, name, None))]
    demand(not missing, f"xp() lacks {', '.join(missing)}")
    leaf = xp.leaf([1.0, 2.0])
    xp.assign(leaf, xp.array([3.0, 4.0]))
    demand(np.array_equal(xp.numpy(leaf), [3.0, 4.0]), f"assign(leaf, [3, 4]) leaves {xp.numpy(leaf)!r}")


@examination("xp: key makes a random key", "stateless")
def _key(adapter: Adapter) -> None:
    demand(adapter.xp().key(0) is not None, "key(0) is None")


@examination("fresh() can be entered again and again")
def _fresh(adapter: Adapter) -> None:
    for _ in range(2):
        with adapter.fresh():
            pass


@examination("fresh() seeds the generator", "stateful")
def _fresh_seed(adapter: Adapter) -> None:
    first, second = (_run(adapter, _normal_model(adapter), seed=None).sites["x"].value for _ in range(2))
    demand(np.array_equal(first, second), "two clean slates give different draws; seed the generator in fresh()")


@examination("fresh() empties the parameter store", "store")
def _fresh_store(adapter: Adapter) -> None:
    with adapter.fresh():
        adapter.ppl().param("p", adapter.xp().array(1.0))
        demand("p" in adapter.store(), "store() does not hold a parameter after param('p', ...)")
    with adapter.fresh():
        demand("p" not in adapter.store(), "a parameter of the last slate is still there; clear the store in fresh()")


@examination("fresh() notices a handler that is left on the stack")
def _fresh_stack(adapter: Adapter) -> None:
    noticed = False
    try:
        with adapter.fresh():
            adapter.handler("trace").__enter__()
    except Exception:
        noticed = True
    with adapter.fresh():
        pass
    demand(noticed, "fresh() must raise on exit if a handler is still active, and leave an empty stack behind")


@examination("an exception of the model comes out as it is")
def _exceptions(adapter: Adapter) -> None:
    def model() -> None:
        raise ZeroDivisionError("from the model")

    try:
        _run(adapter, model)
    except ZeroDivisionError:
        return
    raise Problem("run() swallowed a ZeroDivisionError of the model")


@examination("run() shows a latent site")
def _latent(adapter: Adapter) -> None:
    run = _run(adapter, _normal_model(adapter))
    demand("x" in run.sites, f"sites are {list(run.sites)}; expected x")
    site = run.sites["x"]
    demand(site.kind == "latent" and not site.observed, f"kind {site.kind!r}, observed {site.observed!r}")
    demand(isinstance(site.value, np.ndarray) and site.value.dtype == np.float64, f"value is {site.value!r}")
    demand(np.allclose(site.value, adapter.xp().numpy(run.value)), "the site's value is not what the model returned")


@examination("run() scores an observed site")
def _observed(adapter: Adapter) -> None:
    run = _run(adapter, _observed_model(adapter))
    site, wanted = run.sites["y"], densities.normal(2.0, 1.0, 2.0)
    demand(site.kind == "observed" and site.observed, f"kind {site.kind!r}, observed {site.observed!r}")
    demand(
        site.log_prob is not None and np.allclose(site.log_prob, wanted), f"log_prob {site.log_prob!r}, not {wanted}"
    )
    demand(np.allclose(run.log_density, wanted), f"log_density {run.log_density!r}, expected {wanted}")


@examination("run() repeats with one seed and differs with another")
def _seeds(adapter: Adapter) -> None:
    first, again, other = (_run(adapter, _normal_model(adapter), seed=seed).sites["x"].value for seed in (0, 0, 1))
    demand(np.array_equal(first, again), "seed=0 twice gives two values")
    demand(not np.array_equal(first, other), "seed=0 and seed=1 give one value")


@examination("run() shows the plates of a site, and scale and unscaled apart", "plate.subsample")
def _plates(adapter: Adapter) -> None:
    def model() -> None:
        with adapter.ppl().plate("rows", 6, subsample_size=3):
            adapter.ppl().sample("y", adapter.dist().Normal(1.0, 2.0), obs=adapter.xp().array([2.0, 2.0, 2.0]))

    site = _run(adapter, model).sites["y"]
    seen = [(plate.name, plate.dim, plate.size) for plate in site.plates]
    demand(seen == [("rows", -1, 3)], f"plates are {seen}; expected [('rows', -1, 3)], size being the batch's length")
    demand(np.allclose(site.scale, 2.0), f"scale is {site.scale!r}, expected 2 (6 rows, 3 of them seen)")
    demand(site.unscaled is not None and site.log_prob is not None, "log_prob and unscaled are both wanted")
    demand(np.allclose(np.asarray(site.log_prob), 2.0 * np.asarray(site.unscaled)), "log_prob is not scale * unscaled")


@examination("run() lists the plates of a site, outermost first")
def _order(adapter: Adapter) -> None:
    def model() -> None:
        with adapter.ppl().plate("rows", 2, dim=-1), adapter.ppl().plate("columns", 3, dim=-2):
            adapter.ppl().sample("x", adapter.dist().Normal(0.0, 1.0))

    seen = [plate.name for plate in _run(adapter, model).sites["x"].plates]
    demand(seen == ["rows", "columns"], f"plates are {seen}; expected ['rows', 'columns'], as they were entered")


@examination("run() shows parameters, deterministic sites and factors by kind")
def _site_kinds(adapter: Adapter) -> None:
    def model() -> None:
        adapter.ppl().param("p", adapter.xp().array(1.5))
        if "deterministic" in adapter.capabilities:
            adapter.ppl().deterministic("d", adapter.xp().array(2.5))
        if "factor" in adapter.capabilities:
            adapter.ppl().factor("f", adapter.xp().array(-0.5))

    run = _run(adapter, model)
    wanted = {"p": "param", "d": "deterministic", "f": "factor"}
    seen = {name: site.kind for name, site in run.sites.items()}
    demand(seen.items() <= wanted.items() and "p" in seen, f"kinds are {seen}; expected some of {wanted}")
    demand(
        "f" not in seen or np.allclose(run.log_density, -0.5), f"log_density {run.log_density}, expected the factor's"
    )


@examination("run() collects warnings")
def _warnings(adapter: Adapter) -> None:
    import warnings

    def model() -> None:
        warnings.warn("seen by the adapter")

    demand(any("seen by the adapter" in text for text in _run(adapter, model).warnings), "Run.warnings lacks a warning")


@examination("trace() and call() run a model")
def _trace_call(adapter: Adapter) -> None:
    with adapter.fresh():
        demand(adapter.trace(_normal_model(adapter)) is not None, "trace() returned None")
        value = adapter.xp().numpy(adapter.call(_normal_model(adapter)))
        demand(value.shape == (), f"call() returned {value!r}; expected what the model returns")


@examination("handler() makes every handler that the capabilities promise")
def _handlers(adapter: Adapter) -> None:
    for name, settings in SETTINGS.items():
        if name == "trace" or f"handler.{name}" in adapter.capabilities:
            with adapter.fresh():
                adapter.call(adapter.handler(name, _normal_model(adapter), **settings))


@examination("handler() without a function is a context manager")
def _context(adapter: Adapter) -> None:
    for name in ("scale", "mask", "block"):
        if f"handler.{name}" in adapter.capabilities:
            with adapter.fresh(), adapter.handler(name, **SETTINGS[name]):
                pass


@examination("log_density() can be differentiated", "log_density")
def _density(adapter: Adapter) -> None:
    xp = adapter.xp()
    with adapter.fresh():
        slope = xp.grad(lambda x: adapter.log_density(_normal_model(adapter), {"x": x}), xp.array(0.5))
    demand(np.allclose(slope, -0.5), f"d/dx log N(x; 0, 1) at 0.5 is {slope!r}, expected -0.5")


@examination("validation can be switched", "validation")
def _validation(adapter: Adapter) -> None:
    with adapter.fresh():
        demand(adapter.is_validation_on(), "validation is off on a clean slate; fresh() must switch it on")
        adapter.set_validation(False)
        demand(not adapter.is_validation_on(), "set_validation(False) leaves it on")
        with adapter.validation_enabled(True):
            demand(adapter.is_validation_on(), "validation_enabled(True) does not switch it on")


@examination("net(), compile() and svi() answer where promised")
def _extras(adapter: Adapter) -> None:
    with adapter.fresh():
        if "module" in adapter.capabilities:
            demand(adapter.net([2, 1]) is not None, "net([2, 1]) is None")
        if "jit" in adapter.capabilities:
            doubled = adapter.compile(lambda x: x * 2.0)(adapter.xp().array(1.5))
            demand(np.allclose(adapter.xp().numpy(doubled), 3.0), f"compile(x * 2)(1.5) is {doubled!r}")
        if "svi" in adapter.capabilities:
            model = _observed_model(adapter)
            made = adapter.svi(model, lambda: None, 0.1)
            missing = [name for name in ("init", "step", "evaluate", "params") if not hasattr(made, name)]
            demand(not missing, f"svi() lacks {', '.join(missing)}")
