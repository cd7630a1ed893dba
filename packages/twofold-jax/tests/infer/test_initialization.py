"""Laws of where latents start."""

import functools

import jax
import numpy as np
import pytest

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax.distributions import constraints
from twofold_jax.errors import ShapeError, SupportError, TwofoldWarning, UnknownSiteError
from twofold_jax.infer import (
    init_to_feasible,
    init_to_mean,
    init_to_median,
    init_to_sample,
    init_to_uniform,
    init_to_value,
    make_potential,
)

STRATEGIES = [init_to_feasible, init_to_mean, init_to_median, init_to_sample, init_to_uniform, init_to_value]


def site(law, **kwargs):
    return {"name": "x", "fn": law, "kwargs": {"rng_key": jax.random.key(0), "sample_shape": (), **kwargs}}


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda s: s.__name__)
def test_strategy_is_used_bare_and_with_settings(strategy):
    law = dist.Gamma(2.0, 3.0)
    bare, called = strategy(site(law)), strategy()(site(law))
    if strategy is init_to_value:
        assert bare is None
        assert called is None
    else:
        np.testing.assert_array_equal(bare, called)


@pytest.mark.parametrize("strategy", [s for s in STRATEGIES if s is not init_to_value], ids=lambda s: s.__name__)
@pytest.mark.parametrize(
    "law",
    [dist.Normal(0.0, 1.0), dist.Dirichlet(np.ones(3)), dist.LKJCholesky(3, 1.0), dist.Uniform(2.0, 3.0)],
    ids=lambda law: type(law).__name__,
)
def test_start_lies_in_the_support_and_has_the_shape_of_the_site(strategy, law):
    value = strategy(site(law.expand((2,)), sample_shape=(4,)))
    if value is not None:
        assert value.shape == (4, 2, *law.event_shape)
        assert np.all(law.support(value))


def test_uniform_stays_within_its_radius():
    values = init_to_uniform(site(dist.Normal(0.0, 1.0).expand((500,))), radius=0.1)
    assert 0.09 < np.abs(values).max() <= 0.1


def test_mean_and_median_are_those_of_the_law():
    assert init_to_mean(site(dist.Gamma(6.0, 3.0))) == pytest.approx(2.0, rel=1e-5)
    # the median of 5001 standard normal draws has sd 1.25 / sqrt(5001) = 0.018; 5 sd: error rate 6e-7
    assert init_to_median(site(dist.Normal(3.0, 1.0)), num_samples=5001) == pytest.approx(3.0, abs=0.09)


def test_mean_that_does_not_exist_gives_way_to_the_median():
    assert np.isfinite(init_to_mean(site(dist.Cauchy(0.0, 1.0))))
    assert np.isfinite(init_to_mean(site(dist.HalfCauchy(1.0))))


def test_laws_without_a_sampler_are_left_to_uniform():
    law = dist.ImproperUniform(constraints.positive, (), ())
    assert init_to_sample(site(law)) is None
    assert init_to_median(site(law)) is None


def start(strategy):
    def model():
        upper = tf.sample("upper", dist.HalfNormal(1.0))
        tf.sample("height", dist.Uniform(0.0, upper).expand((2,)).to_event(1))

    potential = make_potential(model)
    return potential.constrain(potential.start(jax.random.key(1), strategy))


def test_given_values_are_taken_and_broadcast():
    values = start(init_to_value(values={"upper": 4.0, "height": 1.0}))
    np.testing.assert_allclose(values["height"], [1.0, 1.0], rtol=1e-5)
    assert values["upper"] == pytest.approx(4.0)


def test_sites_not_named_start_at_random():
    values = start(init_to_value(values={"upper": 4.0}))
    assert np.all((values["height"] > 0) & (values["height"] < 4.0))


def test_a_value_of_the_wrong_shape_or_outside_the_support_is_refused_by_name():
    with pytest.raises(ShapeError, match="'height'"):
        start(init_to_value(values={"height": np.ones(3)}))
    with pytest.raises(SupportError, match="'upper'"):
        start(init_to_value(values={"upper": -1.0}))


def test_a_misspelt_name_is_noticed():
    potential = make_potential(lambda: tf.sample("height", dist.Normal(0.0, 1.0)))
    with pytest.raises(UnknownSiteError, match="did you mean 'height'"):
        potential.traced_start(init_to_value(values={"hieght": 1.0}))
    with pytest.warns(TwofoldWarning, match="weight_of_all"):
        potential.traced_start(functools.partial(init_to_value, values={"weight_of_all": 1.0}))
