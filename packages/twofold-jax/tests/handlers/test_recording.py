"""Laws of trace and replay."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from scipy.stats import lognorm, norm

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax import handlers
from twofold_jax.distributions.transformed import TransformedDistribution
from twofold_jax.distributions.transforms import AffineTransform, ExpTransform
from twofold_jax.errors import DuplicateSiteError, HandlerError, SiteError
from twofold_jax.messages import joint_log_density


def model(x: float = 0.5) -> Any:
    z = tf.sample("z", dist.Normal(0.0, 1.0))
    tf.sample("x", dist.Normal(z, 1.0), obs=x)
    return z


def recorded(**data: Any) -> Any:
    return handlers.trace(handlers.seed(handlers.substitute(model, data={"z": 0.25} | data), rng_seed=0)).get_trace()


def test_each_run_has_a_trace_of_its_own() -> None:
    tracer = handlers.trace(handlers.substitute(model, data={"z": 1.0}))
    first, second = tracer.get_trace(1.0), tracer.get_trace(2.0)
    assert (first["x"]["value"], second["x"]["value"]) == (1.0, 2.0)


def test_a_recorded_site_has_the_published_keys() -> None:
    keys = {"type", "name", "fn", "args", "kwargs", "value", "scale", "is_observed", "intermediates", "infer"}
    assert keys | {"cond_indep_stack"} <= recorded()["z"].keys()


def test_a_trace_without_function_cannot_run() -> None:
    with pytest.raises(HandlerError, match="no function to run"):
        handlers.trace().get_trace()


def test_a_duplicate_says_both_statements() -> None:
    def twice() -> None:
        tf.param("x", 1.0)
        tf.sample("x", dist.Normal(0.0, 1.0), obs=0.5)

    with pytest.raises(DuplicateSiteError, match="first by a param statement, then by a sample statement"):
        handlers.trace(twice).get_trace()


def test_replayed_sites_stay_latent_and_keep_the_new_law() -> None:
    def other() -> None:
        tf.sample("z", dist.Normal(5.0, 3.0))

    site = handlers.trace(handlers.replay(other, trace=recorded())).get_trace()["z"]
    assert (site["value"], site["is_observed"], site["fn"].loc) == (0.25, False, 5.0)


def test_a_replayed_value_is_scored_under_the_law_of_the_model_alone() -> None:
    def guide() -> None:
        tf.sample("z", TransformedDistribution(dist.Normal(0.0, 1.0), ExpTransform()))

    def other() -> None:
        tf.sample("z", TransformedDistribution(dist.Normal(1.0, 2.0), AffineTransform(0.0, 2.0)))

    guided = handlers.trace(handlers.seed(guide, rng_seed=0)).get_trace()
    value = float(guided["z"]["value"])
    joint = joint_log_density(handlers.trace(handlers.replay(other, trace=guided)).get_trace())
    np.testing.assert_allclose(joint, norm.logpdf(value, 2.0, 4.0), rtol=1e-5)
    np.testing.assert_allclose(joint_log_density(guided), lognorm.logpdf(value, 1.0), rtol=1e-5)


def test_a_trace_can_be_pickled() -> None:
    def everything() -> None:
        tf.param("p", 1.0, event_dim=0)
        with tf.plate("rows", 3, subsample_size=2):
            tf.sample("z", dist.Normal(0.0, 1.0))
        tf.factor("f", 1.0)
        tf.deterministic("d", 1.0)

    sites = handlers.trace(handlers.seed(everything, rng_seed=0)).get_trace()
    again = pickle.loads(pickle.dumps(sites))
    assert list(again) == list(sites)
    np.testing.assert_allclose(joint_log_density(again), joint_log_density(sites))


def test_replay_refuses_a_site_that_was_observed_or_no_sample() -> None:
    for trace in (handlers.trace(handlers.condition(model, data={"z": 1.0})).get_trace(), {"z": {"type": "param"}}):
        with pytest.raises(SiteError, match="'z'"):
            handlers.replay(model, trace=trace)()


def test_replay_fixes_params() -> None:
    assert handlers.replay(lambda: tf.param("p", 1.0), params={"p": 2.0})() == 2.0
    with pytest.raises(HandlerError, match="trace or params"):
        handlers.replay(model)
