"""JIT: compiling functions that hold statements."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from twofold_conformance.laws._store import expect_positive, leaf, shift
from twofold_conformance.laws._tools import expect_clean, seeded
from twofold_conformance.oracles import densities
from twofold_conformance.registry import clause
from twofold_conformance.runner import Kit


def _page_example(k: Kit) -> Callable[[Any, Any], Any]:
    """The conditioned log density of the page: y is normal around x with the positive parameter ``spread`` (0.5)."""

    def model(x: Any) -> Any:
        spread = k.ppl.param("spread", k.xp.array(0.5), constraint=k.constraints.positive)
        return k.ppl.sample("y", k.dist.Normal(x, spread))

    def log_density(x: Any, y: Any) -> Any:
        conditioned = k.handler("condition", model, data={"y": y})
        return k.handler("trace", conditioned).get_trace(x).log_prob_sum()

    return log_density


def _numbers(k: Kit, *values: float) -> list[Any]:
    return [k.xp.array(value) for value in values]


@clause("JIT-001")
def decorating_does_not_run(k: Kit) -> None:
    calls: list[int] = []

    def identity(x: Any) -> Any:
        calls.append(1)
        return x

    k.adapter.compile(identity)
    k.expect.equal(calls, [], "calls of the function when it is decorated")


@clause("JIT-002", needs=("handler.condition",))
def compiled_result_equals_the_eager_one(k: Kit) -> None:
    compiled = k.adapter.compile(_page_example(k))
    for x, y in ((0.0, 1.0), (0.3, -0.4), (0.0, 1.0)):
        seen = k.numpy(compiled(*_numbers(k, x, y)))
        k.expect.close(seen, densities.normal(y, x, 0.5), f"compiled log density at x={x}, y={y}")


@clause("JIT-003")
def compiled_attribute_fills(k: Kit) -> None:
    compiled = k.adapter.compile(lambda x: x + 1.0)
    k.expect.true(not compiled.compiled, "compiled is empty before the first call", seen=compiled.compiled)
    compiled(*_numbers(k, 1.0))
    k.expect.true(compiled.compiled, "compiled is filled by the first call", seen=compiled.compiled)


@clause("JIT-004", needs=("handler.condition",))
def parameters_are_not_baked_in(k: Kit) -> None:
    def affine(x: Any) -> Any:
        return k.ppl.param("slope", k.xp.array(2.0)) * x

    compiled = k.adapter.compile(affine)
    k.expect.close(k.numpy(compiled(*_numbers(k, 3.0))), 6.0, "result with slope 2")
    shift(k, "slope", 5.0)
    k.expect.close(k.numpy(compiled(*_numbers(k, 3.0))), 21.0, "result after the slope has become 7")


@clause("JIT-005")
def body_runs_once_a_signature(k: Kit) -> None:
    calls = []

    def affine(x: Any) -> Any:
        calls.append(1)
        return k.ppl.param("slope", k.xp.array(2.0)) * x

    compiled = k.adapter.compile(affine)
    compiled(*_numbers(k, 3.0))
    before = len(calls)
    for x in (4.0, 5.0):
        k.expect.close(k.numpy(compiled(*_numbers(k, x))), 2.0 * x, f"result at {x}")
    k.expect.equal(len(calls), before, "runs of the body after two more calls of one signature")


@clause("JIT-006")
def gradients_reach_the_leaves(k: Kit) -> None:
    def loss(x: Any) -> Any:
        loc = k.ppl.param("loc", k.xp.array(1.0))
        return (x - loc) * (x - loc)

    compiled = k.adapter.compile(loss)
    compiled(*_numbers(k, 3.0))
    k.xp.backward(compiled(*_numbers(k, 4.0)))
    k.expect.close(k.xp.grad_of(leaf(k, "loc")), -6.0, "gradient on the stored leaf")


@clause("JIT-007")
def later_parameter_is_honoured_or_refused(k: Kit) -> None:
    def product(x: Any, deep: Any = False) -> Any:
        result = k.ppl.param("slope", k.xp.array(2.0)) * x
        return result * k.ppl.param("factor", k.xp.array(5.0)) if deep else result

    compiled = k.adapter.compile(product)
    k.expect.close(k.numpy(compiled(*_numbers(k, 3.0))), 6.0, "result of the first signature")
    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
        seen = k.numpy(compiled(*_numbers(k, 3.0), deep=True))
        k.expect.close(seen, 30.0, "result of a signature with a further parameter", hint="or raise")


@clause("JIT-008")
def bare_and_with_settings(k: Kit) -> None:
    def successor(x: Any) -> Any:
        return x + 1.0

    forms = {
        "trace(fn)": k.adapter.compile(successor),
        "trace(ignore_warnings=True)(fn)": k.adapter.compile(ignore_warnings=True)(successor),
        "trace(fn, ignore_warnings=True)": k.adapter.compile(successor, ignore_warnings=True),
    }
    for form, compiled in forms.items():
        k.expect.close(k.numpy(compiled(*_numbers(k, 2.0))), 3.0, f"result of {form}")


@clause("JIT-009")
def tracer_warnings_can_be_silenced(k: Kit) -> None:
    def program(settings: Any) -> Any:
        def absolute(x: Any) -> Any:
            return x if bool(x > 0) else -x

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            value = k.numpy(k.adapter.compile(absolute, **settings)(*_numbers(k, 3.0)))
        k.expect.close(value, 3.0, "result")
        return {warning.category.__name__ for warning in caught}

    loud, quiet = program({}), program({"ignore_warnings": True})
    k.expect.true(loud - quiet, "a kind of warning that only the default lets through", seen=(loud, quiet))


@clause("JIT-010")
def keyword_values_are_compiled_separately(k: Kit) -> None:
    def power(x: Any, *, exponent: Any) -> Any:
        result = k.ppl.param("slope", k.xp.array(2.0))
        for _ in range(exponent):
            result = result * x
        return result

    compiled = k.adapter.compile(power)
    for exponent in (1, 3):
        seen = k.numpy(compiled(*_numbers(k, 2.0), exponent=exponent))
        k.expect.close(seen, 2.0 * 2.0**exponent, f"result with exponent={exponent}")


@clause("JIT-011")
def alternating_signatures(k: Kit) -> None:
    def branch(x: Any, *, left: Any) -> Any:
        return k.ppl.param("left" if left else "right", k.xp.array(2.0 if left else 5.0)) * x

    compiled = k.adapter.compile(branch)
    for turn, left in enumerate((True, False, True, False)):
        seen = k.numpy(compiled(*_numbers(k, 3.0), left=left))
        k.expect.close(seen, 6.0 if left else 15.0, f"result of call {turn}, left={left}")


@clause("JIT-012", needs=("handler.condition",))
def parameters_made_by_the_first_call(k: Kit) -> None:
    compiled = k.adapter.compile(_page_example(k))
    for _ in range(2):
        compiled(*_numbers(k, 0.0, 1.0))
        k.expect.equal(list(k.adapter.store().keys()), ["spread"], "names in the store")
    k.expect.close(k.numpy(k.adapter.store()["spread"]), 0.5, "value in the store")
    expect_positive(k, "spread")


@clause("JIT-013")
def density_under_jit(k: Kit) -> None:
    def model() -> None:
        height = k.ppl.sample("height", k.dist.Normal(1.0, 2.0))
        with k.ppl.plate("rows", 3):
            k.ppl.sample("weight", k.dist.Normal(height, 1.0), obs=k.xp.array([0.5, -1.0, 2.0]))

    def joint(height: Any) -> Any:
        return k.adapter.log_density(model, {"height": height})

    expected = densities.normal(0.7, 1.0, 2.0) + densities.normal([0.5, -1.0, 2.0], 0.7).sum()
    k.expect.close(k.numpy(joint(k.xp.array(0.7))), expected, "joint log density, eagerly")
    k.expect.close(k.numpy(k.adapter.compile(joint)(k.xp.array(0.7))), expected, "joint log density under jit")
    expect_clean(k)


@clause("JIT-014", needs=("vmap", "handler.seed"))
def seeded_model_maps_over_keys(k: Kit) -> None:
    def model() -> Any:
        height = k.ppl.sample("height", k.dist.Normal(0.0, 1.0))
        return k.ppl.sample("weight", k.dist.Normal(height, 1.0))

    def run(key: Any) -> Any:
        return k.handler("seed", model, rng_seed=key)()

    keys = [k.xp.key(seed) for seed in range(3)]
    rows = k.numpy(k.adapter.vmap(run)(k.xp.stack(keys)))
    alone = np.array([k.numpy(k.call(run, key, seed=None)) for key in keys])
    k.expect.close(rows, alone, "draws of a mapped seeded model")
    k.expect.equal(len(set(rows.tolist())), 3, "number of different rows")
    k.call(seeded(k, model), seed=None)
