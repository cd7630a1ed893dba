"""The reference as a whole: it holds the law, quickly, and refuses what the law does not allow."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from twofold_conformance.api import CAPABILITIES
from twofold_conformance.clauses import load
from twofold_conformance.reference import handlers, laws, stateful, stateless, statements, traces
from twofold_conformance.reference.adapter import StatefulReference, StatelessReference
from twofold_conformance.reference.mechanism import STACK
from twofold_conformance.registry import load_checks
from twofold_conformance.runner import run_check, why_unsupported

BOTH = (StatefulReference, StatelessReference)


@pytest.fixture(autouse=True)
def _clean_slate() -> Any:
    with StatefulReference().fresh():
        yield


@pytest.mark.parametrize("adapter", BOTH)
def test_reference_holds_every_clause_of_its_flavour_in_ten_seconds(adapter: type) -> None:
    started = time.process_time()
    results = [run_check(check, adapter(), mode) for check in load_checks().values() for mode in check.modes]
    broken = [f"{r.clause}[{r.case}] {r.mode}: {r.message}" for r in results if r.verdict in ("fail", "error")]
    assert not broken, "\n\n".join(broken)
    assert time.process_time() - started < 10


@pytest.mark.parametrize("adapter", BOTH)
def test_every_clause_of_the_flavour_is_reached(adapter: type) -> None:
    reached = {c.clause for c in load_checks().values() if not why_unsupported(load()[c.clause], adapter(), "default")}
    missing = [
        c.id for c in load().values() if c.applies_to(adapter.flavour) and not c.untested and c.id not in reached
    ]
    assert not missing


@pytest.mark.parametrize("adapter", BOTH)
def test_every_capability_that_exists_in_the_flavour_is_declared(adapter: type) -> None:
    needed = {need for clause in load().values() if clause.applies_to(adapter.flavour) for need in clause.needs}
    stateful_only = {need for c in load().values() if c.flavour == "stateful" for need in c.needs}
    both = {need for c in load().values() if c.flavour != "stateful" for need in c.needs}
    expected = needed if adapter is StatefulReference else needed - (stateful_only - both)
    assert expected <= adapter.capabilities <= set(CAPABILITIES)


def in_plate(size: int, law: laws.Law, obs: Any = None) -> Callable[[], None]:
    def model() -> None:
        with stateful.plate("rows", size):
            stateful.sample("height", law, obs=obs)

    return model


@pytest.mark.parametrize(
    ("model", "kind", "words"),
    [
        (in_plate(5, laws.Normal(np.zeros(3), 1.0)), ValueError, ["height", "rows", "3", "5"]),
        (in_plate(5, laws.Normal(0.0, 1.0), np.zeros((5, 1))), ValueError, ["height", "rows"]),
        (
            lambda: stateful.sample("height", laws.Normal(np.zeros(5), 1.0), obs=np.zeros((5, 1))),
            ValueError,
            ["height"],
        ),
        (lambda: stateful.sample("height", 3.0), TypeError, ["height"]),
        (lambda: stateful.sample(3, laws.Normal()), TypeError, ["3"]),
        (lambda: [stateful.sample("height", laws.Normal()) for _ in range(2)], RuntimeError, ["height"]),
        (lambda: stateful.plate("rows", 0), ValueError, ["rows", "0"]),
        (lambda: stateful.plate("rows", 2.5), TypeError, ["rows", "2.5"]),
        (lambda: stateful.plate("rows", 3, 4), ValueError, ["rows", "4", "3"]),
        (lambda: stateful.plate("rows", 3, dim=0), ValueError, ["rows", "0"]),
        (lambda: stateful.plate("rows", 3, subsample=[3]), ValueError, ["rows", "3"]),
        (lambda: stateful.param("width", -1.0, constraint=_positive()), ValueError, ["width"]),
        (lambda: stateful.param("width"), KeyError, ["width"]),
        (lambda: stateless.sample("height", laws.Normal()), RuntimeError, ["height", "key"]),
        (lambda: stateless.param("width", lambda key: 1.0), RuntimeError, ["width", "key"]),
    ],
)
def test_reference_refuses_and_names(model: Callable[[], Any], kind: type[Exception], words: list[str]) -> None:
    with pytest.raises(kind) as caught:
        traces.trace(model).get_trace().log_prob_sum()
    assert all(word in str(caught.value) for word in words)
    assert not STACK.handlers


def _positive() -> Any:
    from twofold_conformance.reference import constraints

    return constraints.positive


def test_allow_broadcast_switches_the_shape_check_off_at_one_site() -> None:
    def model() -> None:
        stateful.sample("height", laws.Normal(np.zeros(5), 1.0), obs=np.zeros((5, 1)), infer={"allow_broadcast": True})

    assert traces.site_log_prob(traces.trace(model).get_trace()["height"]).shape == (5, 5)


def test_messages_pass_from_the_innermost_handler_outward_and_back() -> None:
    said: list[str] = []

    class Speaking(handlers.Handler):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def process(self, msg: Any) -> None:
            said.append(f"{self.name} asked")

        def postprocess(self, msg: Any) -> None:
            said.append(f"{self.name} told")

    with Speaking("outer"), Speaking("inner"):
        statements.deterministic("x", 1.0)
    assert said == ["inner asked", "outer asked", "outer told", "inner told"]


def test_observing_a_site_changes_no_other_draw() -> None:
    def model(obs: Any) -> None:
        stateless.sample("first", laws.Normal(), obs=obs)
        stateless.sample("second", laws.Normal())

    def second(obs: Any) -> float:
        return float(traces.trace(stateless.seed(model, rng_seed=3)).get_trace(obs)["second"]["value"])

    assert second(None) == second(0.5)


def test_a_hidden_site_uses_up_the_same_key() -> None:
    def model(hidden: bool) -> Any:
        if hidden:
            handlers.block(lambda: stateless.sample("first", laws.Normal()))()
        else:
            stateless.sample("first", laws.Normal())
        return stateless.sample("second", laws.Normal())

    assert float(stateless.seed(model, rng_seed=3)(True)) == float(stateless.seed(model, rng_seed=3)(False))
