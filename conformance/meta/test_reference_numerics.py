"""What the reference stands on: gradients, laws, constraints and keys, each against an independent computation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from twofold_conformance.reference import constraints, draws, laws
from twofold_conformance.reference import tensor as ops
from twofold_conformance.reference.tensor import Tensor, array, gradients

MATRIX = np.array([[2.0, 0.3], [0.3, 1.5]])
ROW = np.array([0.4, 1.3])


@pytest.mark.parametrize(
    ("fn", "at"),
    [
        (lambda x: x + 2.0 * x, ROW),
        (lambda x: 3.0 - x, ROW),
        (lambda x: x * x, ROW),
        (lambda x: 1.0 / x + x / 2.0, ROW),
        (lambda x: x**3.0, ROW),
        (ops.exp, ROW),
        (ops.log, ROW),
        (ops.log1p, ROW),
        (ops.tanh, ROW),
        (ops.sigmoid, ROW),
        (ops.lgamma, ROW),
        (lambda x: ops.where(x > 1.0, x * 2.0, -x), ROW),
        (lambda x: ops.stack([x, x * x], axis=-1), ROW),
        (lambda x: x[[1, 1, 0]], ROW),
        (lambda x: x[Tensor(np.array([0, 0]))], ROW),
        (lambda x: x[..., None] * ops.broadcast_to(x, (3, 2, 2)), ROW),
        (lambda x: x.reshape(2, 1).sum(0), ROW),
        (lambda x: x.sum(-1) * x, ROW),
        (lambda x: x @ MATRIX, ROW),
        (lambda x: Tensor(MATRIX) @ x, ROW),
        (lambda x: x @ x, MATRIX),
        (lambda x: ops.transpose(x) @ ROW, MATRIX),
        (ops.inverse, MATRIX),
        (ops.log_determinant, MATRIX),
    ],
)
def test_gradients_agree_with_differences(fn: Callable[[Any], Any], at: np.ndarray) -> None:
    weights = np.cos(np.arange(array(fn(Tensor(at))).size)).reshape(array(fn(Tensor(at))).shape)
    leaf = Tensor(at, requires_grad=True)
    seen = gradients((fn(leaf) * weights).sum())[leaf]
    expected = np.zeros_like(at)
    for index in np.ndindex(*at.shape):
        step = np.zeros_like(at)
        step[index] = 1e-6
        high, low = (np.sum(array(fn(Tensor(at + sign * step))) * weights) for sign in (1, -1))
        expected[index] = (high - low) / 2e-6
    np.testing.assert_allclose(seen, expected, rtol=1e-6, atol=1e-7)


def test_gradient_of_a_power_with_respect_to_the_exponent() -> None:
    leaf = Tensor(0.7, requires_grad=True)
    assert gradients(Tensor(2.0) ** leaf)[leaf] == pytest.approx(2.0**0.7 * np.log(2.0))


def test_a_leaf_used_twice_gets_both_gradients() -> None:
    leaf = Tensor(3.0, requires_grad=True)
    (leaf * leaf + leaf).backward()
    assert leaf.grad == pytest.approx(7.0)


def test_only_scalars_are_differentiated_and_only_floats_ask_for_it() -> None:
    with pytest.raises(ValueError, match="scalar"):
        Tensor(ROW, requires_grad=True).backward()
    with pytest.raises(TypeError, match="floating"):
        Tensor(1, requires_grad=True)


LAWS = [
    (laws.Normal(0.3, 2.0), stats.norm(0.3, 2.0)),
    (laws.HalfNormal(2.0), stats.halfnorm(scale=2.0)),
    (laws.LogNormal(0.3, 0.5), stats.lognorm(0.5, scale=np.exp(0.3))),
    (laws.Exponential(2.0), stats.expon(scale=0.5)),
    (laws.Gamma(2.5, 2.0), stats.gamma(2.5, scale=0.5)),
    (laws.Beta(2.0, 3.0), stats.beta(2.0, 3.0)),
    (laws.Uniform(-1.0, 2.0), stats.uniform(-1.0, 3.0)),
    (laws.Bernoulli(0.3), stats.bernoulli(0.3)),
    (laws.Categorical(np.array([0.2, 0.3, 0.5])), stats.rv_discrete(values=([0, 1, 2], [0.2, 0.3, 0.5]))),
    (laws.Poisson(2.5), stats.poisson(2.5)),
    (laws.MultivariateNormal(ROW, MATRIX), stats.multivariate_normal(ROW, MATRIX)),
]


@pytest.mark.parametrize(("law", "oracle"), LAWS, ids=lambda value: type(value).__name__)
def test_log_density_agrees_with_scipy_at_draws(law: laws.Law, oracle: Any) -> None:
    values = array(law.sample(draws.make_key(0), (20,)))
    expected = oracle.logpmf(values) if hasattr(oracle, "pmf") else oracle.logpdf(values)
    np.testing.assert_allclose(array(law.log_prob(values)), expected, rtol=1e-9)


@pytest.mark.parametrize(("law", "oracle"), LAWS, ids=lambda value: type(value).__name__)
def test_draws_have_the_moments_of_the_law(law: laws.Law, oracle: Any) -> None:
    """Fails with probability 1e-6 for each law at another seed (5 standard errors)."""
    count = 4000
    values = array(law.sample(draws.make_key(1), (count,)))
    mean = oracle.mean if isinstance(oracle.mean, np.ndarray) else oracle.mean()
    variance = np.diag(oracle.cov) if hasattr(oracle, "cov") else oracle.var()
    assert np.all(np.abs(values.mean(0) - mean) < 5 * np.sqrt(variance / count))


@pytest.mark.parametrize(
    ("law", "outside"),
    [
        (laws.Exponential(1.0), -1.0),
        (laws.LogNormal(0.0, 1.0), 0.0),
        (laws.Beta(1.0, 1.0), 1.5),
        (laws.Uniform(0.0, 1.0), 2.0),
        (laws.Bernoulli(0.5), 0.5),
        (laws.Poisson(1.0), -1.0),
        (laws.Normal(0.0, 1.0), np.nan),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_outside_the_support_is_refused(law: laws.Law, outside: float) -> None:
    with pytest.raises(ValueError, match="support"):
        law.log_prob(outside)


def test_to_event_sums_and_keeps_draws() -> None:
    law = laws.Normal(ROW, 1.0).expand((3, 2)).to_event()
    value = array(law.draw(draws.make_key(0)))
    assert (law.batch_shape, law.event_shape, value.shape) == ((), (3, 2), (3, 2))
    assert float(law.log_prob(value)) == pytest.approx(stats.norm(ROW, 1.0).logpdf(value).sum())
    assert law.expand((4,)).draw(draws.make_key(0)).shape == (4, 3, 2)


CONSTRAINTS = [
    (constraints.real, np.array([-2.0, 0.5]), []),
    (constraints.positive, np.array([0.1, 3.0]), [0.0, -1.0]),
    (constraints.unit_interval, np.array([0.1, 0.9]), [1.5]),
    (constraints.interval(-1.0, 2.0), np.array([-0.5, 1.5]), [-1.1, 2.1]),
    (constraints.greater_than(3.0), np.array([3.5, 9.0]), [3.0]),
    (constraints.simplex, np.array([0.2, 0.3, 0.5]), []),
    (constraints.lower_cholesky, np.array([[1.0, 0.0], [-0.4, 2.0]]), []),
]


@pytest.mark.parametrize(("constraint", "value", "outside"), CONSTRAINTS, ids=lambda value: str(value)[:20])
def test_constraints_map_there_and_back(constraint: Any, value: np.ndarray, outside: list[float]) -> None:
    leaf = constraint.unconstrain(value)
    np.testing.assert_allclose(array(constraint.constrain(Tensor(leaf))), value, atol=1e-12)
    moved = array(constraint.constrain(Tensor(leaf + 1.7)))
    assert np.all(constraint.check(value))
    assert np.all(constraint.check(moved))
    assert not any(constraint.check(x) for x in [*outside, np.nan] if constraint.event_dim == 0)


def test_keys_are_their_numbers_and_all_differ() -> None:
    keys = [draws.make_key(number) for number in range(50)] + [draws.fold_in(draws.make_key(0), i) for i in range(50)]
    assert len({tuple(array(key)) for key in keys}) == 100
    assert tuple(array(draws.make_key(keys[3]))) == tuple(array(draws.make_key(np.array(3))))


def test_random_subsets_are_uniform() -> None:
    """Fails with probability 1e-6 for each index at another seed (5 standard errors)."""
    count = 2000
    seen = np.zeros(5)
    for number in range(count):
        subset = array(draws.random_subset(draws.make_key(number), 5, 2))
        assert len(set(subset)) == 2
        seen[subset] += 1
    assert np.all(np.abs(seen / count - 0.4) < 5 * np.sqrt(0.4 * 0.6 / count))
