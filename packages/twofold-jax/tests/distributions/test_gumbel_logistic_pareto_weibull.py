"""The Logistic, Gumbel, Weibull and Pareto laws against SciPy."""

import itertools

import jax
import numpy as np
import pytest
from scipy import stats

from twofold_jax.distributions import Gumbel, Logistic, Pareto, Weibull

LAWS = {
    "Logistic": (Logistic, (1.0, 2.0), lambda m, s: stats.logistic(m, s)),
    "Gumbel": (Gumbel, (1.0, 2.0), lambda m, s: stats.gumbel_r(m, s)),
    "Weibull": (Weibull, (2.0, 1.5), lambda s, k: stats.weibull_min(k, scale=s)),
    "Pareto": (Pareto, (2.0, 3.5), lambda s, a: stats.pareto(a, scale=s)),
}
POINTS = {
    "Logistic": [-1e4, -1.5, 0.0, 7.0, 1e6],
    "Gumbel": [-5.0, 0.0, 7.0, 1e4],
    "Weibull": [1e-6, 0.3, 1.0, 3.0],
    "Pareto": [4.0, 60.0, 1e6],
}
EDGES = {
    "Logistic": np.linspace(-80, 80, 30),
    "Gumbel": np.linspace(-15, 80, 40),
    "Weibull": [0.0, *np.geomspace(1e-8, 40, 60)],
    "Pareto": np.geomspace(2.0, 1e6, 40),
}


@pytest.mark.parametrize("name", LAWS)
def test_log_prob_equals_scipy(check, name):
    make, _, frozen = LAWS[name]
    oracle = lambda a, b, x: np.vectorize(lambda a, b, x: frozen(a, b).logpdf(x))(a, b, x)  # noqa: E731
    check.log_prob(make, oracle, list(itertools.product([0.7, 3.0], [0.5, 1.0, 4.0])), POINTS[name], narrow=5e-5)


@pytest.mark.parametrize("name", LAWS)
def test_quantiles_density_draws_and_moments(check, name):
    make, arguments, frozen = LAWS[name]
    law, oracle = make(*arguments), frozen(*arguments)
    check.quantiles(law, oracle, rtol=1e-7)
    check.normalised(law, EDGES[name])
    check.draws_follow(law, oracle.cdf)
    check.moments(law, *oracle.stats())
    check.reparameterised(make, arguments, lambda x, a, b: frozen(a, b).cdf(x))
    assert float(law.entropy()) == pytest.approx(float(oracle.entropy()), rel=1e-5)


@pytest.mark.parametrize("name", LAWS)
def test_gradients_and_shapes(check, name):
    make, arguments, _ = LAWS[name]
    check.gradients(make, arguments, [2.5, 3.0])
    check.behaves(make(np.full((2, 1), arguments[0]), np.full(3, arguments[1])))


def test_edges_have_finite_gradients():
    law = Pareto(2.0, 3.0, validate_args=False)
    assert float(law.log_prob(1.0)) == -np.inf
    assert np.isfinite(jax.grad(lambda a: Pareto(2.0, a, validate_args=False).log_prob(1.0))(3.0))
    assert np.isfinite(jax.grad(lambda k: Weibull(1.0, k, validate_args=False).log_prob(0.0))(2.0))


def test_infinite_moments():
    assert np.isinf(Pareto(1.0, 0.5).mean)
    assert np.isinf(Pareto(1.0, 1.5).variance)


def test_wrong_arguments_and_values_are_refused(check):
    check.refuses(lambda: Logistic(0.0, -1.0), "scale", "Logistic")
    check.refuses(lambda: Pareto(2.0, 1.0).log_prob(1.0), "Pareto", "1.0", "2 or more")
    check.refuses(lambda: Weibull(1.0, 1.0).log_prob(-1.0), "Weibull")
