"""Laws of TransformReparam."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax import handlers
from twofold_jax.distributions.transformed import TransformedDistribution
from twofold_jax.distributions.transforms import ExpTransform
from twofold_jax.errors import SiteError
from twofold_jax.infer.reparam import TransformReparam
from twofold_jax.messages import joint_log_density

LAW = TransformedDistribution(dist.Normal(np.array([0.0, 1.0]), 2.0), ExpTransform())


@pytest.mark.parametrize("law", [LAW, LAW.to_event(1), LAW.to_event(1).expand((3,)), LAW.expand((3, 2))])
def test_the_base_is_sampled_and_transformed(law: dist.Distribution) -> None:
    model = handlers.reparam(lambda: tf.sample("x", law), config={"x": TransformReparam()})
    sites = handlers.trace(handlers.seed(model, rng_seed=0)).get_trace()
    base = np.asarray(sites["x_base"]["value"])
    assert base.shape == law.shape()
    np.testing.assert_allclose(sites["x"]["value"], np.exp(base), rtol=1e-5)
    assert sites["x_base"]["fn"].event_shape == law.event_shape
    np.testing.assert_allclose(joint_log_density(sites), norm.logpdf(base, [0.0, 1.0], 2.0).sum(), rtol=1e-5)


def test_an_observed_site_and_a_plain_law_are_refused_by_name() -> None:
    for law, obs in ((LAW, np.ones(2)), (dist.Normal(0.0, 1.0), None)):
        model = handlers.reparam(
            lambda law=law, obs=obs: tf.sample("x", law, obs=obs), config={"x": TransformReparam()}
        )
        with pytest.raises(SiteError, match="site 'x'"):
            handlers.seed(model, rng_seed=0)()
