"""Checks that hold for every law, against oracles from outside: SciPy, mpmath, quadrature, finite differences."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from twofold_jax import distributions as dist

KS_ERROR_RATE = 1e-6  # of each comparison of draws with a distribution function
MEAN_SIGMAS = 5.0  # of each comparison of means: error rate 6e-7
KEY_SEED = 20240501
QUANTILES = np.array([1e-12, 1e-8, 1e-4, 1e-2, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1 - 1e-4, 1 - 1e-8, 1 - 1e-12])


def double() -> AbstractContextManager[Any]:
    """Double precision inside a ``with`` block."""
    return jax.enable_x64(True)  # type: ignore[no-any-return]


@contextmanager
def optimised(wanted: bool = True) -> Iterator[None]:
    """Programs compiled inside are optimised as users' programs are, or not at all."""
    former = jax.config.values["jax_disable_most_optimizations"]
    jax.config.update("jax_disable_most_optimizations", not wanted)
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", former)


@pytest.fixture(autouse=True)
def _compiled_quickly() -> Iterator[None]:
    """Most programs of these tests run once, so that optimising them is most of the cost; densities are optimised."""
    with optimised(False):
        yield


@pytest.fixture
def x64() -> Iterator[None]:
    """Double precision during one test."""
    with double():
        yield


@pytest.fixture
def key() -> jax.Array:
    """A fixed random key."""
    return jax.random.PRNGKey(KEY_SEED)


class LawChecks:
    """The common checks; every method raises AssertionError with the numbers in sight."""

    @optimised()
    def log_prob(
        self,
        make: Callable[..., Any],
        oracle: Callable[..., Any],
        grid: Sequence[Sequence[float]],
        values: Sequence[float],
        *,
        rtol: float = 1e-10,
        atol: float = 1e-11,
        narrow: float = 2e-5,
    ) -> None:
        """``log_prob`` equals the oracle on a grid of arguments and values, in double and in single precision.

        In single precision the oracle gets the rounded arguments, and ``narrow`` is the tolerance, absolute for small
        and relative for large log densities.
        """
        for dtype, tolerance in ((np.float64, (rtol, atol)), (np.float32, (narrow, narrow))):
            arguments = [np.array(column, dtype)[:, None] for column in zip(*grid, strict=True)]
            points = np.array(values, dtype)
            columns = [np.broadcast_to(a, (len(grid), len(points))).astype(np.float64) for a in arguments]
            expected = oracle(*columns, np.broadcast_to(points, columns[0].shape).astype(np.float64))
            with double():
                law = make(*map(jnp.asarray, arguments))
                seen = law.log_prob(jnp.asarray(points))
            assert seen.dtype == dtype, law
            np.testing.assert_allclose(seen, expected, rtol=tolerance[0], atol=tolerance[1], err_msg=f"{law} {dtype}")

    def quantiles(self, law: Any, frozen: Any, *, inverse: bool = True, rtol: float = 1e-9) -> None:
        """``cdf`` and ``icdf`` equal SciPy's, far into both tails (in double precision)."""
        with double():
            points = np.where(QUANTILES < 0.5, frozen.ppf(QUANTILES), frozen.isf(1 - QUANTILES))
            np.testing.assert_allclose(law.cdf(jnp.asarray(points)), frozen.cdf(points), rtol=rtol, atol=1e-300)
            if inverse:
                np.testing.assert_allclose(law.icdf(jnp.asarray(QUANTILES)), points, rtol=1e-7, atol=1e-12)

    def normalised(self, law: Any, edges: Sequence[float]) -> None:
        """The density integrates to 1: Gauss-Legendre quadrature with 100 nodes between neighbouring ``edges``."""
        nodes, weights = np.polynomial.legendre.leggauss(100)
        low, high = np.asarray(edges)[:-1, None], np.asarray(edges)[1:, None]
        with double():
            density = np.exp(law.log_prob(jnp.asarray(0.5 * (high - low) * nodes + 0.5 * (high + low))))
        assert float(np.sum(0.5 * (high - low) * weights * density)) == pytest.approx(1, abs=1e-9), law

    def sums_to_one(self, law: Any, counts: Any) -> None:
        """The probabilities of all values sum to 1."""
        with double():
            total = float(jnp.exp(law.log_prob(jnp.asarray(counts))).sum())
        assert total == pytest.approx(1, abs=1e-9), law

    def draws_follow(self, law: Any, cdf: Callable[[Any], Any], num: int = 4000) -> None:
        """Draws agree with a distribution function (Kolmogorov-Smirnov, error rate 1e-6)."""
        draws = np.asarray(law.sample(jax.random.PRNGKey(KEY_SEED), (num,)), np.float64)
        assert draws.shape == (num, *law.batch_shape)
        assert stats.kstest(draws, cdf).pvalue > KS_ERROR_RATE, law

    def moments(self, law: Any, mean: Any, variance: Any, num: int = 4000) -> None:
        """``mean`` and ``variance`` are as told, and the mean of draws is within 5 standard errors (rate 6e-7)."""
        np.testing.assert_allclose(law.mean, mean, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(law.variance, variance, rtol=1e-5, atol=1e-6)
        draws = np.asarray(law.sample(jax.random.PRNGKey(KEY_SEED), (num,)), np.float64)
        error = np.abs(draws.mean(0) - mean)
        assert np.all(error <= MEAN_SIGMAS * np.sqrt(np.asarray(variance) / num) + 1e-6), (law, error)

    def gradients(
        self, make: Callable[..., Any], arguments: Sequence[Any], value: Any, *, of_value: bool = True
    ) -> None:
        """Gradients of the summed ``log_prob`` equal central differences, in arguments and (if asked) the value."""
        with double():
            inputs = [jnp.asarray(x, jnp.float64) for x in ((value, *arguments) if of_value else arguments)]

            @jax.jit
            def score(inputs: list[Any]) -> Any:
                x, *rest = inputs if of_value else (value, *inputs)
                return make(*rest).log_prob(x).sum()

            slopes = jax.grad(score)(inputs)
            for i, (x, slope) in enumerate(zip(inputs, slopes, strict=True)):
                for at in np.ndindex(x.shape):
                    step = 1e-6 * max(1.0, abs(float(x[at])))
                    ends = [[*inputs[:i], x.at[at].add(sign * step), *inputs[i + 1 :]] for sign in (1, -1)]
                    difference = (float(score(ends[0])) - float(score(ends[1]))) / (2 * step)
                    assert float(slope[at]) == pytest.approx(difference, rel=1e-5, abs=1e-6), (i, at)

    def reparameterised(self, make: Callable[..., Any], arguments: Sequence[float], cdf: Callable[..., Any]) -> None:
        """The derivative of a draw in each argument is ``-dF/da / f``: the draw keeps its quantile (float64)."""
        with double():
            key = jax.random.PRNGKey(KEY_SEED)
            inputs = tuple(jnp.asarray(float(a)) for a in arguments)
            draw, slopes = jax.value_and_grad(lambda args: make(*args).rsample(key))(inputs)
            for i, slope in enumerate(slopes):
                step = 1e-5 * max(1.0, abs(arguments[i]))
                up, down = ([*arguments[:i], arguments[i] + s * step, *arguments[i + 1 :]] for s in (1, -1))
                dcdf = (cdf(float(draw), *up) - cdf(float(draw), *down)) / (2 * step)
                density = float(jnp.exp(make(*inputs).log_prob(draw)))
                assert float(slope) == pytest.approx(-dcdf / density, rel=1e-4, abs=1e-7), i

    def behaves(self, law: Any) -> None:
        """Shapes, wrappers, jit, vmap and pickling of a law of any batch shape hang together."""
        batch, event, key = law.batch_shape, law.event_shape, jax.random.PRNGKey(KEY_SEED)
        value = law.sample(key, (2,))
        assert value.shape == (2, *batch, *event) == law.shape((2,))
        scores = law.log_prob(value)
        assert scores.shape == (2, *batch)
        assert np.all(np.isfinite(scores))
        assert np.all(law.support(np.asarray(value)))
        assert np.all(law.support(law.support.feasible_like(value)))
        assert law.is_discrete == law.support.is_discrete
        assert law.support.event_dim == law.event_dim == len(event)
        same = lambda other: np.testing.assert_allclose(other, scores, rtol=2e-5, atol=2e-5)  # noqa: E731
        same(pickle.loads(pickle.dumps(law)).log_prob(value))
        same(jax.jit(lambda law, x: jax.vmap(law.log_prob)(x))(law, value))
        leaves, tree = jax.tree.flatten(law)
        same(jax.tree.unflatten(tree, leaves).log_prob(value))
        np.testing.assert_array_equal(law(rng_key=key, sample_shape=(2,)), value)
        wide = law.expand((2, *batch))  # the shapes of the draws above, so that nothing is compiled again
        assert (wide.batch_shape, wide.event_shape) == ((2, *batch), event)
        np.testing.assert_array_equal(wide.sample(key), value)
        same(wide.log_prob(value))
        whole = wide.to_event()
        assert (whole.batch_shape, whole.event_shape) == ((), (2, *batch, *event))
        np.testing.assert_allclose(whole.log_prob(value), scores.sum(), rtol=2e-5, atol=2e-5)
        assert np.all(law.mask(False).log_prob(value) == 0)
        same(law.mask(np.ones(batch, bool)).log_prob(value))
        assert isinstance(law, dist.Distribution)

    def refuses(self, make: Callable[[], Any], *words: str) -> None:
        """Making the law raises a ValueError that contains ``words``."""
        with pytest.raises(ValueError) as caught:
            make()
        for word in words:
            assert word in str(caught.value), str(caught.value)


@pytest.fixture
def check() -> LawChecks:
    """The common checks."""
    return LawChecks()
