"""What is built on the reference: fits, exact enumeration, compiled functions."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from twofold_conformance.reference import compiled, constraints, enumeration, infer, laws, stateful, stateless, traces
from twofold_conformance.reference.adapter import StatefulReference
from twofold_conformance.reference.errors import EstimatorError
from twofold_conformance.reference.tensor import Tensor, array

DATA = np.array([0.2, 0.9, 1.6])


@pytest.fixture(autouse=True)
def _clean_slate() -> Any:
    with StatefulReference().fresh():
        yield


def _pair(language: Any) -> tuple[Any, Any]:
    """A normal mean under a normal prior, whose posterior is Normal(sum / 4, 1 / 2); and a normal guide."""

    def model() -> None:
        centre = language.sample("centre", laws.Normal(0.0, 1.0))
        with language.plate("rows", 3):
            language.sample("reading", laws.Normal(centre, 1.0), obs=DATA)

    def guide() -> None:
        loc = language.param("loc", np.array(0.0))
        width = language.param("width", np.array(1.0), constraint=constraints.positive)
        language.sample("centre", laws.Normal(loc, width))

    return model, guide


@pytest.mark.parametrize(
    ("make", "language"),
    [(infer.StatefulSVI, stateful), (infer.StatelessSVI, stateless)],
    ids=["stateful", "stateless"],
)
def test_svi_finds_a_conjugate_posterior(make: Any, language: Any) -> None:
    svi = make(*_pair(language), 0.02)
    svi.init(0)
    path = []
    for _ in range(1200):
        svi.step()
        path.append([float(svi.params()[name]) for name in ("loc", "width")])
    loc, width = np.mean(path[600:], axis=0)
    assert loc == pytest.approx(DATA.sum() / 4, abs=0.08)
    assert width == pytest.approx(0.5, abs=0.08)


def test_score_function_gradient_of_a_discrete_guide_is_unbiased() -> None:
    """The gradient of E_q[log q - log p] with respect to q's probability, summed over both values."""
    prob = Tensor(0.3, requires_grad=True)

    def model() -> None:
        stateful.sample("coin", laws.Bernoulli(0.6))

    total = 0.0
    for value, weight in ((1.0, 0.3), (0.0, 0.7)):
        guide = stateful.condition(lambda: stateful.sample("coin", laws.Bernoulli(prob)), data={"coin": value})
        prob.grad = None
        guided = traces.trace(guide).get_trace()
        guided["coin"]["is_observed"] = False
        loss, surrogate = infer.negative_elbo(model, lambda site=guided: _repeat(site, prob))
        surrogate.backward()
        total += weight * float(prob.grad if prob.grad is not None else np.nan)
        assert np.isfinite(loss.data)
    assert total == pytest.approx(np.log(0.3 / 0.7) - np.log(0.6 / 0.4))


def _repeat(guided: Any, prob: Tensor) -> None:
    from twofold_conformance.reference import handlers

    handlers.replay(lambda: stateful.sample("coin", laws.Bernoulli(prob)), trace=guided)()


def test_enumerated_elbo_equals_brute_force_over_a_shared_and_a_local_variable() -> None:
    def model() -> None:
        group = stateful.sample("group", laws.Bernoulli(0.3), infer={"enumerate": "parallel"})
        with stateful.plate("rows", 3):
            kind = stateful.sample("kind", laws.Bernoulli(0.2 + 0.5 * group), infer={"enumerate": "parallel"})
            stateful.sample("reading", laws.Normal(kind + group, 1.0), obs=DATA)

    joint = []
    for group, *kinds in itertools.product((0, 1), repeat=4):
        prior = stats.bernoulli(0.3).logpmf(group) + stats.bernoulli(0.2 + 0.5 * group).logpmf(kinds).sum()
        joint.append(prior + stats.norm(np.array(kinds) + group, 1.0).logpdf(DATA).sum())
    assert enumeration.enumerated_elbo(model, lambda: None, 1) == pytest.approx(logsumexp(joint))


def test_enumeration_refuses_what_it_cannot_sum_out() -> None:
    def continuous() -> None:
        stateful.sample("height", laws.Normal(), infer={"enumerate": "parallel"})

    def subsampled() -> None:
        with stateful.plate("rows", 4, subsample_size=2):
            stateful.sample("kind", laws.Bernoulli(0.5), infer={"enumerate": "parallel"})

    for model in (continuous, subsampled):
        with pytest.raises(EstimatorError):
            enumeration.enumerated_elbo(model, lambda: None, 1)


def test_compiled_function_draws_anew_and_reads_the_store_again() -> None:
    calls: list[int] = []

    def fn(x: Any) -> Any:
        calls.append(1)
        return stateful.param("shift", np.array(1.0)) + x + laws.Normal()()

    lazy = compiled.trace(fn)
    first, second = float(lazy(Tensor(0.0))), float(lazy(Tensor(0.0)))
    stateful.get_param_store()["shift"] = np.array(100.0)
    assert first != second
    assert float(lazy(Tensor(0.0))) > 50
    assert len(calls) == 1


def test_compiled_function_is_recorded_anew_for_other_shapes() -> None:
    lazy = compiled.trace(lambda x: x.sum())
    assert [float(lazy(Tensor(np.ones(n)))) for n in (2, 3, 2)] == [2.0, 3.0, 2.0]
    assert len(lazy.compiled) == 2


def test_vmap_maps_over_rows() -> None:
    mapped = compiled.vmap(lambda row: {"sum": row.sum(), "double": row * 2.0})
    rows = Tensor(np.arange(6.0).reshape(3, 2))
    assert array(mapped(rows)["sum"]).tolist() == [1.0, 5.0, 9.0]
    assert mapped(rows)["double"].shape == (3, 2)
