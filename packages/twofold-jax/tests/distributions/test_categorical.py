"""The Categorical, one-hot and Multinomial laws against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from twofold_jax.distributions import Categorical, Multinomial, OneHotCategorical, kl_divergence
from twofold_jax.errors import ShapeError

PROBS = np.array([[0.2, 0.5, 0.3], [0.9, 0.1, 0.0]])
LOGITS = np.array([0.3, -2.0, 50.0])


def test_categorical_log_prob_is_the_chosen_entry():
    with np.errstate(divide="ignore"):
        expected = np.log(PROBS)
    values = np.arange(3)[:, None]
    np.testing.assert_allclose(Categorical(PROBS).log_prob(values), expected.T, rtol=1e-6)
    np.testing.assert_allclose(
        Categorical(logits=LOGITS).log_prob(np.arange(3)), special.log_softmax(LOGITS), rtol=1e-6, atol=1e-20
    )


def test_categorical_outside_its_range_has_no_mass_inside_a_trace():
    score = jax.jit(lambda k: Categorical(logits=jnp.zeros(3)).log_prob(k))
    np.testing.assert_array_equal(score(jnp.array([-1, 3])), [-np.inf, -np.inf])


def test_impossible_categories_leave_gradients_finite():
    slope = jax.grad(lambda p: Categorical(p, validate_args=False).log_prob(0))(jnp.array([0.9, 0.1, 0.0]))
    np.testing.assert_allclose(slope, [1 / 0.9, 0, 0], rtol=1e-6)
    slope = jax.grad(lambda t: Categorical(logits=t).log_prob(0))(jnp.array([0.0, 0.0, -np.inf]))
    np.testing.assert_allclose(slope, [0.5, -0.5, 0.0], atol=1e-6)


def test_categorical_draws_occur_with_their_probabilities(key):
    draws = np.asarray(Categorical(PROBS[0]).sample(key, (4000,)))
    assert stats.chisquare(np.bincount(draws, minlength=3), 4000 * PROBS[0]).pvalue > 1e-6  # error rate
    assert draws.dtype == np.int32


def test_categorical_entropy_mode_and_enumeration():
    law = Categorical(PROBS)
    np.testing.assert_allclose(law.entropy(), special.entr(PROBS).sum(-1), rtol=1e-6)
    np.testing.assert_array_equal(law.mode, [1, 0])
    assert law.enumerate_support().shape == (3, 2)
    assert law.enumerate_support(expand=False).shape == (3, 1)
    assert law.num_categories == 3


def test_one_hot_agrees_with_categorical(key):
    for by in ({"probs": PROBS[0]}, {"logits": LOGITS}):
        law, twin = OneHotCategorical(**by), Categorical(**by)
        np.testing.assert_allclose(law.log_prob(np.eye(3)), twin.log_prob(np.arange(3)), rtol=1e-6)
        np.testing.assert_allclose(law.entropy(), twin.entropy(), rtol=1e-5)
        np.testing.assert_array_equal(law.enumerate_support(), np.eye(3))
        np.testing.assert_array_equal(law.sample(key, (5,)).argmax(-1), twin.sample(key, (5,)))
    np.testing.assert_allclose(OneHotCategorical(PROBS).variance, PROBS * (1 - PROBS), rtol=1e-6)


def test_multinomial_log_prob_equals_scipy(x64):
    counts = np.array([[2, 5, 3], [10, 0, 0], [0, 4, 6]])
    expected = stats.multinomial(10, PROBS[0]).logpmf(counts)
    np.testing.assert_allclose(Multinomial(10, PROBS[0]).log_prob(counts), expected, rtol=1e-9)
    by_logits = Multinomial(10, logits=np.log(PROBS[0]) + 3.0)
    np.testing.assert_allclose(by_logits.log_prob(counts), expected, rtol=1e-9)


def test_multinomial_draws_and_moments(check, key):
    check.moments(Multinomial(20, PROBS[0]), 20 * PROBS[0], 20 * PROBS[0] * (1 - PROBS[0]))
    draws = Multinomial(np.array([3, 8]), logits=np.zeros(4)).sample(key, (50,))
    np.testing.assert_array_equal(draws.sum(-1), np.tile([3, 8], (50, 1)))


def test_multinomial_with_an_impossible_category_has_finite_gradients():
    slope = jax.grad(lambda p: Multinomial(2, p, validate_args=False).log_prob(jnp.array([2, 0])))(
        jnp.array([1.0, 0.0])
    )
    np.testing.assert_allclose(slope, [2.0, 0.0])


def test_gradients_equal_finite_differences(check):
    logits = [[0.3, -1.0, 0.5]]
    check.gradients(lambda t: Categorical(logits=t), logits, np.array([0, 2, 1]), of_value=False)
    check.gradients(lambda t: Multinomial(4, logits=t), logits, np.array([1, 3, 0]), of_value=False)


def test_shapes_and_transformations(check):
    check.behaves(Categorical(np.full((2, 3), 1 / 3)))
    check.behaves(Categorical(logits=np.zeros((2, 3))))
    check.behaves(OneHotCategorical(np.full((2, 3), 1 / 3)))
    check.behaves(Multinomial(np.array([3, 4]), np.full((2, 3), 1 / 3)))


def test_wrong_arguments_and_values_are_refused(check):
    check.refuses(lambda: Categorical(np.array([0.5, 0.6])), "probs", "sum to 1")
    check.refuses(lambda: Categorical(logits=np.array([0.0, np.nan])), "logits")
    check.refuses(lambda: Categorical(np.array([0.5, 0.5])).log_prob(2), "a whole number from 0 to 1")
    check.refuses(lambda: Multinomial(3, np.array([0.5, 0.5])).log_prob(np.array([1, 1])), "sum to 3")
    check.refuses(lambda: OneHotCategorical(np.array([0.5, 0.5])).log_prob(np.array([1, 1])), "single 1")
    with pytest.raises(ShapeError, match="categories"):
        Categorical(probs=0.5)


def test_divergence_equals_closed_form():
    q = np.array([0.1, 0.2, 0.7])
    expected = special.rel_entr(PROBS, q).sum(-1)
    np.testing.assert_allclose(kl_divergence(Categorical(PROBS), Categorical(q)), expected, rtol=1e-5)
    np.testing.assert_allclose(kl_divergence(OneHotCategorical(PROBS), OneHotCategorical(q)), expected, rtol=1e-5)
    np.testing.assert_allclose(kl_divergence(Categorical(PROBS), Categorical(logits=np.log(q))), expected, rtol=1e-5)
