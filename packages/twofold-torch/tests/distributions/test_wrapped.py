"""Torch's own laws, with our surface, against SciPy."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from twofold_torch import distributions as dist

X = np.array([0.3, 1.0, 2.5])


def _t(value):
    return torch.tensor(value, dtype=torch.float64)


CASES = {
    "Weibull": (dist.Weibull(_t(2.0), _t(1.5)), stats.weibull_min(1.5, scale=2)),
    "Pareto": (dist.Pareto(_t(0.2), _t(3.0)), stats.pareto(3, scale=0.2)),
    "Gumbel": (dist.Gumbel(_t(1.0), _t(2.0)), stats.gumbel_r(1, 2)),
    "VonMises": (dist.VonMises(_t(1.0), _t(2.0)), stats.vonmises(2, 1)),
    "Chi2": (dist.Chi2(_t(3.0)), stats.chi2(3)),
    "FisherSnedecor": (dist.FisherSnedecor(_t(3.0), _t(8.0)), stats.f(3, 8)),
}


@pytest.mark.parametrize("name", CASES)
def test_log_prob_equals_scipy(name):
    law, reference = CASES[name]
    tolerance = 1e-6 if name == "VonMises" else 1e-9  # torch's Bessel function is a single precision fit
    np.testing.assert_allclose(
        law.log_prob(torch.tensor(X)).numpy(), reference.logpdf(X), rtol=tolerance, atol=tolerance
    )


@pytest.mark.parametrize("name", [name for name in CASES if name != "VonMises"])
def test_draws_follow_their_distribution_functions(check, name):
    law, reference = CASES[name]
    check.draws_follow(law, reference.cdf)


@pytest.mark.parametrize(
    "law",
    [law for law, _ in CASES.values()]
    + [
        dist.Kumaraswamy(torch.ones(2), torch.ones(2)),
        dist.LKJCholesky(3, torch.ones(2)),
        dist.ContinuousBernoulli(torch.full((2,), 0.3)),
        dist.Weibull(torch.ones(2, 1), torch.ones(3)),
    ],
    ids=repr,
)
def test_shapes(check, law):
    check.shapes(law)


def test_lkj_density_on_correlation_matrices_of_size_two_is_that_of_a_beta():
    """For size 2 the correlation r has density proportional to (1 - r^2)^(concentration - 1)."""
    for concentration in (0.5, 1.0, 4.0):
        r = np.array([-0.9, 0.0, 0.5])
        factors = torch.tensor(np.stack([[[1, 0], [x, math.sqrt(1 - x * x)]] for x in r]))
        seen = dist.LKJCholesky(2, _t(concentration)).log_prob(factors).numpy()
        expected = stats.beta(concentration, concentration).logpdf((r + 1) / 2) - math.log(2)
        np.testing.assert_allclose(seen, expected, rtol=1e-9, atol=1e-9)


def test_checks_follow_our_switch_and_name_the_argument(check):
    check.refuses(lambda: dist.Weibull(torch.tensor(-1.0), torch.tensor(1.0)), "scale", "Weibull", "-1")
    dist.Weibull(torch.tensor(-1.0), torch.tensor(1.0), validate_args=False)
    law = dist.Weibull(torch.tensor(1.0), torch.tensor(1.0)).expand((3,))
    check.refuses(lambda: law.log_prob(torch.tensor(-1.0)), "Weibull")


@pytest.mark.parametrize("name", dist.__all__)
def test_every_law_that_torch_has_is_an_instance_of_torchs_class(name):
    ours, theirs = getattr(dist, name), getattr(torch.distributions, name, None)
    if isinstance(theirs, type) and isinstance(ours, type) and name != "Distribution":
        assert issubclass(ours, theirs)


def test_every_law_of_the_oldest_supported_torch_is_exported():
    laws = {
        n
        for n, c in vars(torch.distributions).items()
        if isinstance(c, type) and issubclass(c, torch.distributions.Distribution)
    }
    assert laws - set(dist.__all__) <= {"GeneralizedPareto"}
