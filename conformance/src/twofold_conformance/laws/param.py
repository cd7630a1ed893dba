"""PARAM: what the param statement stores, returns and refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from twofold_conformance.laws._store import leaf, shift
from twofold_conformance.oracles.domains import DOMAINS
from twofold_conformance.registry import clause
from twofold_conformance.runner import Kit


@clause("PARAM-001")
def first_statement_stores_the_init(k: Kit) -> None:
    value = k.ppl.param("param_001", k.xp.array([1.0, -2.0]))
    k.expect.close(k.numpy(value), [1.0, -2.0], "returned value")
    k.expect.contains(k.adapter.store(), "param_001", "names in the store")
    k.expect.close(k.numpy(k.adapter.store()["param_001"]), [1.0, -2.0], "stored value")


@clause("PARAM-002", modes=("default", "validation_off"))
def later_statement_returns_the_stored_value(k: Kit) -> None:
    k.ppl.param("param_002", k.xp.array(1.0))
    k.expect.close(k.numpy(k.ppl.param("param_002", k.xp.array(5.0))), 1.0, "value of the second statement")
    shift(k, "param_002", 2.0)
    k.expect.close(k.numpy(k.ppl.param("param_002", k.xp.array(5.0))), 3.0, "value after an optimiser's step")


@clause("PARAM-003")
def name_alone_returns_the_stored_value(k: Kit) -> None:
    k.ppl.param("param_003", k.xp.array(2.5), constraint=k.constraints.positive)
    k.expect.close(k.numpy(k.ppl.param("param_003")), 2.5, "value of param(name)")


@clause("PARAM-004")
def unknown_name_alone_raises(k: Kit) -> None:
    k.expect.raises(
        lambda: k.ppl.param("param_004"), "param(name) of an unknown name", kinds=["KeyError"], names=["param_004"]
    )
    k.expect.equal("param_004" in k.adapter.store(), False, "the name is in the store")


@clause("PARAM-005", "called once", modes=("default", "validation_off"))
def lazy_init_is_called_once(k: Kit) -> None:
    calls: list[int] = []

    def init() -> Any:
        calls.append(1)
        return k.xp.array(1.5)

    values = [k.numpy(k.ppl.param("param_005", init)) for _ in range(3)]
    k.expect.close(values, [1.5, 1.5, 1.5], "values of three statements")
    k.expect.equal(len(calls), 1, "calls of the init")


@clause("PARAM-005", "name already stored", modes=("default", "validation_off"))
def lazy_init_of_a_stored_name_is_not_called(k: Kit) -> None:
    calls: list[int] = []

    def init() -> Any:
        calls.append(1)
        return k.xp.array(1.5)

    k.adapter.store()["param_005"] = k.xp.array(4.0)
    k.expect.close(k.numpy(k.ppl.param("param_005", init)), 4.0, "value of the statement")
    k.expect.equal(len(calls), 0, "calls of the init")


@clause("PARAM-006", "real")
def gradient_reaches_the_leaf(k: Kit) -> None:
    value = k.ppl.param("param_006", k.xp.array([1.0, 2.0]))
    k.expect.true(k.xp.requires_grad(value), "the returned value requires grad")
    k.xp.backward(k.xp.sum(value * k.xp.array([3.0, 5.0])))
    k.expect.close(k.xp.grad_of(leaf(k, "param_006")), [3.0, 5.0], "gradient on the stored leaf")


@clause("PARAM-006", "positive")
def gradient_reaches_the_unconstrained_leaf(k: Kit) -> None:
    value = k.ppl.param("param_006", k.xp.array(2.0), constraint=k.constraints.positive)
    k.expect.true(k.xp.requires_grad(value), "the returned value requires grad")
    k.xp.backward(value)
    step = 1e-3
    start = k.numpy(leaf(k, "param_006"))
    analytic = k.xp.grad_of(leaf(k, "param_006"))
    ends = []
    for sign in (1.0, -1.0):
        k.xp.assign(leaf(k, "param_006"), start + sign * step)
        ends.append(float(k.numpy(k.adapter.store()["param_006"])))
    k.expect.close(analytic, (ends[0] - ends[1]) / (2 * step), "gradient on the leaf, by differences", rtol=1e-2)


@clause("PARAM-007")
def leaf_of_a_real_parameter_is_its_value(k: Kit) -> None:
    value = k.ppl.param("param_007", k.xp.array([1.5, -2.5]))
    k.expect.equal(k.numpy(leaf(k, "param_007")), k.numpy(value), "unconstrained leaf")


@clause("PARAM-008", modes=("default", "validation_off"))
def constrained_value_is_the_init(k: Kit) -> None:
    for number, (words, domain) in enumerate(DOMAINS.items()):
        init = k.xp.array(domain.inside)
        value = k.ppl.param(f"param_008_{number}", init, constraint=domain.constraint(k.constraints))
        k.expect.close(k.numpy(value), domain.inside, f"value under {words}", rtol=0, atol=1e-5)
        again = k.ppl.param(f"param_008_{number}")
        k.expect.close(k.numpy(again), domain.inside, f"value under {words}, second statement", rtol=0, atol=1e-5)


@clause("PARAM-009")
def any_leaf_gives_a_value_inside(k: Kit) -> None:
    for number, (words, domain) in enumerate(DOMAINS.items()):
        name = f"param_009_{number}"
        k.ppl.param(name, k.xp.array(domain.inside), constraint=domain.constraint(k.constraints))
        start = k.numpy(leaf(k, name))
        for step in (-4.0, 4.0, np.linspace(-2.0, 3.0, start.size).reshape(start.shape)):
            k.xp.assign(leaf(k, name), start + step)
            value = k.numpy(k.ppl.param(name))
            k.expect.true(domain.holds(value), f"the value stays inside {words}", seen=value)
            moved = np.max(np.abs(value - np.asarray(domain.inside)))
            k.expect.true(start.shape == () or moved > 0, f"the value under {words} follows its leaf", seen=value)


@clause("PARAM-010", modes=("default", "validation_off"))
def first_constraint_stays(k: Kit) -> None:
    k.ppl.param("param_010", k.xp.array(5.0), constraint=k.constraints.positive)
    repeats: dict[str, Callable[[], Any]] = {
        "another constraint": lambda: k.ppl.param(
            "param_010", k.xp.array(0.5), constraint=k.constraints.interval(0.0, 1.0)
        ),
        "no constraint": lambda: k.ppl.param("param_010", k.xp.array(0.5)),
        "the name alone": lambda: k.ppl.param("param_010"),
    }
    for words, repeat in repeats.items():
        k.expect.close(k.numpy(repeat()), 5.0, f"value of a later statement with {words}")
        k.expect.close(k.numpy(k.adapter.store()["param_010"]), 5.0, f"stored value after {words}")
    k.xp.assign(leaf(k, "param_010"), -3.0)
    below = k.numpy(k.ppl.param("param_010", k.xp.array(-1.0), constraint=k.constraints.real))
    k.expect.true(below > 0, "the value is positive when its leaf is -3", seen=below)


@clause("PARAM-011")
def unconstrained_is_the_stored_leaf(k: Kit) -> None:
    real = k.ppl.param("param_011_real", k.xp.array(1.0))
    positive = k.ppl.param("param_011_positive", k.xp.array(1.0), constraint=k.constraints.positive)
    k.expect.same_object(real.unconstrained(), leaf(k, "param_011_real"), "unconstrained() of a real parameter")
    k.expect.same_object(
        positive.unconstrained(), leaf(k, "param_011_positive"), "unconstrained() of a positive parameter"
    )


@clause("PARAM-012")
def param_is_a_recorded_site(k: Kit) -> None:
    positive = k.constraints.positive

    def model() -> Any:
        return k.ppl.param("param_012", k.xp.array(2.0), constraint=positive)

    run = k.run(model)
    k.expect.equal(list(run.sites), ["param_012"], "names of the recorded sites")
    site = run.sites["param_012"]
    k.expect.equal(site.kind, "param", "kind of the site")
    k.expect.close(site.value, 2.0, "recorded value")
    k.expect.close(k.numpy(run.value), 2.0, "returned value")
    k.expect.equal(site.constraint, positive, "recorded constraint")


@clause("PARAM-013")
def repeated_params_agree(k: Kit) -> None:
    def model() -> Any:
        return k.ppl.param("param_013", k.xp.array(2.0)), k.ppl.param("param_013", k.xp.array(3.0))

    run = k.run(model)
    k.expect.equal([float(k.numpy(value)) for value in run.value], [2.0, 2.0], "values of two statements of one name")
    k.expect.close(run.sites["param_013"].value, 2.0, "recorded value")


@clause("PARAM-014")
def param_returns_its_init(k: Kit) -> None:
    def model() -> Any:
        return k.ppl.param("param_014", k.xp.array([1.0, 2.0]))

    k.expect.close(k.numpy(k.call(model, seed=None)), [1.0, 2.0], "value outside every handler")
    run = k.run(model, seed=None)
    k.expect.close(k.numpy(run.value), [1.0, 2.0], "value under trace")
    k.expect.close(run.sites["param_014"].value, [1.0, 2.0], "recorded value")


@clause("PARAM-015", "another init")
def nothing_persists(k: Kit) -> None:
    values = [float(k.numpy(k.ppl.param("param_015", k.xp.array(value)))) for value in (1.0, 2.0)]
    k.expect.equal(values, [1.0, 2.0], "values of two statements outside every handler")
    traced = [float(k.run(lambda v=v: k.ppl.param("param_015", k.xp.array(v))).value) for v in (1.0, 2.0)]
    k.expect.equal(traced, [1.0, 2.0], "values in two traced runs")


@clause("PARAM-015", "no init")
def param_without_init_is_none(k: Kit) -> None:
    k.ppl.param("param_015", k.xp.array(1.0))
    k.expect.same_object(k.ppl.param("param_015"), None, "param(name) outside every handler")


@clause("PARAM-016")
def substituted_param_takes_the_given_value(k: Kit) -> None:
    def model() -> Any:
        return k.ppl.param("param_016", k.xp.array(1.0)), k.ppl.param("param_016_other", k.xp.array(2.0))

    run = k.run(k.handler("substitute", model, data={"param_016": k.xp.array(7.0)}))
    k.expect.equal([float(k.numpy(value)) for value in run.value], [7.0, 2.0], "returned values")
    k.expect.close(run.sites["param_016"].value, 7.0, "recorded value")


def lazy_normal(k: Kit, name: str, calls: list[Any]) -> Any:
    def draw() -> Any:
        return k.ppl.sample(f"{name}_draw", k.dist.Normal(0.0, 1.0))

    def init(rng_key: Any) -> Any:
        calls.append(rng_key)
        return k.handler("seed", draw, rng_seed=rng_key)()

    return k.ppl.param(name, init)


@clause("PARAM-017")
def lazy_init_gets_a_key(k: Kit) -> None:
    calls: list[Any] = []
    first, again, other = (k.numpy(k.call(lambda: lazy_normal(k, "param_017", calls), seed=seed)) for seed in (1, 1, 2))
    k.expect.equal(len(calls), 3, "calls of the init")
    k.expect.equal(again, first, "values with equal seeds")
    k.expect.different(other, first, "values with different seeds")


@clause("PARAM-018")
def substituted_lazy_init_is_not_called(k: Kit) -> None:
    calls: list[Any] = []
    model = k.handler("substitute", lambda: lazy_normal(k, "param_018", calls), data={"param_018": k.xp.array(7.0)})
    k.expect.close(k.numpy(k.call(model, seed=1)), 7.0, "value of the statement")
    k.expect.close(k.numpy(k.call(model, seed=None)), 7.0, "value without a key")
    k.expect.equal(len(calls), 0, "calls of the init")


@clause("PARAM-019")
def lazy_init_outside_handlers_raises(k: Kit) -> None:
    calls: list[Any] = []
    k.expect.raises(lambda: k.call(lambda: lazy_normal(k, "param_019", calls), seed=None), "a lazy init without a key")


@clause("PARAM-030")
def init_outside_the_constraint_raises(k: Kit) -> None:
    outside = {"positive": -1.0, "unit_interval": 1.5, "interval(-1, 2)": 3.0, "simplex": [0.5, 0.9]}
    for number, (words, init) in enumerate(outside.items()):
        name = f"param_030_{number}"

        def statement(name: str = name, words: str = words, init: Any = init) -> Any:
            return k.ppl.param(name, k.xp.array(init), constraint=DOMAINS[words].constraint(k.constraints))

        k.expect.raises(statement, f"init {init} under {words}", kinds=["ValueError"])
        if k.stateful:
            k.expect.equal(name in k.adapter.store(), False, f"the store holds {name} after the error")


@clause("PARAM-031", "requires_grad")
def callers_array_keeps_its_flag(k: Kit) -> None:
    init = k.xp.array([1.0, 2.0])
    k.ppl.param("param_031", init)
    k.expect.equal(k.xp.requires_grad(init), False, "requires_grad of the caller's array")


@clause("PARAM-031", "values")
def callers_array_keeps_its_values(k: Kit) -> None:
    init = k.xp.array([1.0, 2.0])
    k.ppl.param("param_031", init)
    shift(k, "param_031", 5.0)
    k.expect.close(k.numpy(init), [1.0, 2.0], "the caller's array after an optimiser's step")
    k.expect.close(k.numpy(k.ppl.param("param_031")), [6.0, 7.0], "the parameter after that step")


@clause("PARAM-032")
def failing_init_leaves_the_store(k: Kit) -> None:
    def init() -> Any:
        raise ArithmeticError("param_032")

    k.expect.raises(
        lambda: k.ppl.param("param_032", init, constraint=k.constraints.positive), "a lazy init that raises"
    )
    k.expect.equal("param_032" in k.adapter.store(), False, "the store holds the name")
    k.adapter.store()["param_032"] = k.xp.array(-1.0)
    k.expect.close(k.numpy(k.adapter.store()["param_032"]), -1.0, "a value then set without a constraint")


@clause("PARAM-033")
def dtype_and_shape_are_kept(k: Kit) -> None:
    for dtype in ("float32", "float64"):
        for number, settings in enumerate(({}, {"constraint": k.constraints.positive})):
            name = f"param_033_{dtype}_{number}"
            value = k.ppl.param(name, k.xp.array(np.full((2, 3), 0.5), dtype), **settings)
            for words, array in (("returned value", value), ("leaf", leaf(k, name)), ("second", k.ppl.param(name))):
                k.expect.equal(k.xp.dtype(array), dtype, f"dtype of the {words}")
                k.expect.shape(k.numpy(array), (2, 3), words)


@clause("PARAM-034")
def python_float_is_an_init(k: Kit) -> None:
    value = k.ppl.param("param_034", 1.5)
    k.expect.true(k.xp.is_array(value), "the value is an array", seen=value)
    k.expect.close(k.numpy(value), 1.5, "returned value")
    k.expect.close(k.numpy(leaf(k, "param_034")), 1.5, "stored leaf")


@clause("PARAM-035")
def integer_init_raises(k: Kit) -> None:
    k.expect.raises(
        lambda: k.ppl.param("param_035", k.xp.array([1, 2], "int64")), "an integer array as init", names=["float"]
    )
    k.expect.equal("param_035" in k.adapter.store(), False, "the store holds the name")


@clause("PARAM-036")
def blocked_param_is_stored(k: Kit) -> None:
    def model() -> Any:
        with k.handler("block", hide=["param_036"]):
            k.ppl.param("param_036", k.xp.array(1.5))
        return k.ppl.param("param_036_seen", k.xp.array(2.5))

    k.expect.equal(list(k.run(model).sites), ["param_036_seen"], "sites that an outer trace sees")
    k.expect.close(k.numpy(k.adapter.store()["param_036"]), 1.5, "stored value of the hidden parameter")


@clause("PARAM-037")
def init_is_detached(k: Kit) -> None:
    k.ppl.param("param_037", k.xp.leaf([1.0, 2.0]) * 2.0)
    stored = leaf(k, "param_037")
    k.expect.close(k.numpy(stored), [2.0, 4.0], "stored value")
    k.expect.true(k.xp.is_leaf(stored), "the stored value carries no history")
    k.expect.true(k.xp.requires_grad(stored), "the stored value requires grad")
    k.xp.backward(k.xp.sum(k.ppl.param("param_037") * 3.0))
    k.expect.close(k.xp.grad_of(stored), [3.0, 3.0], "gradient on the stored leaf")
