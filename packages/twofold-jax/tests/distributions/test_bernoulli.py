"""The Bernoulli law against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from twofold_jax.distributions import Bernoulli, BernoulliLogits, BernoulliProbs, kl_divergence


def test_calling_the_class_chooses_a_parameterisation():
    assert type(Bernoulli(0.3)) is type(Bernoulli(probs=0.3)) is BernoulliProbs
    assert type(Bernoulli(logits=0.3)) is BernoulliLogits
    assert isinstance(Bernoulli(logits=0.3), Bernoulli)


def test_log_prob_equals_closed_form_for_large_logits(check):
    make = lambda logits: Bernoulli(logits=logits)  # noqa: E731
    oracle = lambda t, x: -np.logaddexp(0, np.where(x == 1, -t, t))  # noqa: E731
    check.log_prob(make, oracle, [(-500.0,), (-30.0,), (0.3,), (40.0,), (500.0,)], [0.0, 1.0])
    assert 0 > float(Bernoulli(logits=50.0).log_prob(1)) > -1e-20  # not rounded to 0


def test_log_prob_equals_closed_form_for_extreme_probabilities(check):
    oracle = lambda p, x: special.xlogy(x, p) + special.xlog1py(1 - x, -p)  # noqa: E731
    check.log_prob(Bernoulli, oracle, [(0.0,), (1e-20,), (0.3,), (1.0,)], [0.0, 1.0])


def test_gradients_equal_finite_differences_and_are_finite_at_the_edges(check):
    check.gradients(lambda t: Bernoulli(logits=t), [[-1.0, 2.0]], np.array([0, 1]), of_value=False)
    check.gradients(Bernoulli, [[0.2, 0.7]], np.array([0, 1]), of_value=False)
    slope = jax.grad(lambda p: Bernoulli(p).log_prob(jnp.array([0, 1])).sum())
    np.testing.assert_allclose(slope(jnp.array([0.0, 1.0])), [-1.0, 1.0])
    assert np.isfinite(jax.grad(lambda t: Bernoulli(logits=t).log_prob(1))(1e4))


def test_draws_moments_and_entropy(check):
    for law in (Bernoulli(np.array([0.2, 0.9])), Bernoulli(logits=special.logit(np.array([0.2, 0.9])))):
        check.moments(law, [0.2, 0.9], [0.16, 0.09])
        np.testing.assert_allclose(law.entropy(), special.entr([0.2, 0.9]) + special.entr([0.8, 0.1]), rtol=1e-5)
        np.testing.assert_allclose(law.probs, [0.2, 0.9], rtol=1e-6)
        np.testing.assert_allclose(law.logits, special.logit([0.2, 0.9]), rtol=1e-5)
        np.testing.assert_array_equal(law.mode, [0, 1])
        assert law.sample(jax.random.PRNGKey(0)).dtype == jnp.int32


def test_enumerate_support_shapes():
    law = Bernoulli(np.full((3, 2), 0.5))
    assert law.enumerate_support().shape == (2, 3, 2)
    assert law.enumerate_support(expand=False).shape == (2, 1, 1)
    wide = Bernoulli(0.5).expand((3, 2))
    assert wide.enumerate_support().shape == (2, 3, 2)
    np.testing.assert_array_equal(wide.enumerate_support(expand=False)[:, 0, 0], [0, 1])


def test_shapes_and_transformations(check):
    check.behaves(Bernoulli(np.full((2, 3), 0.4)))
    check.behaves(Bernoulli(logits=np.zeros(2)))


def test_wrong_arguments_and_values_are_refused(check):
    check.refuses(Bernoulli, "Bernoulli", "none of them")
    check.refuses(lambda: Bernoulli(0.5, 0.0), "Bernoulli", "both")
    check.refuses(lambda: Bernoulli(1.5), "probs", "between 0 and 1")
    check.refuses(lambda: Bernoulli(0.5).log_prob(2), "Bernoulli", "0 or 1")


def test_divergence_equals_closed_form(x64):
    expected = 0.2 * np.log(0.2 / 0.6) + 0.8 * np.log(0.8 / 0.4)
    assert float(kl_divergence(Bernoulli(0.2), Bernoulli(0.6))) == pytest.approx(expected)
    mixed = kl_divergence(Bernoulli(logits=special.logit(0.2)), Bernoulli(0.6))
    assert float(mixed) == pytest.approx(expected)
    assert float(kl_divergence(Bernoulli(1.0), Bernoulli(0.5))) == pytest.approx(np.log(2))
