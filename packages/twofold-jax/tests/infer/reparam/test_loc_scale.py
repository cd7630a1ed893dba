"""Laws of LocScaleReparam."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax import handlers
from twofold_jax.errors import HandlerError, SiteError
from twofold_jax.infer.reparam import LocScaleReparam
from twofold_jax.messages import joint_log_density

LAWS = {
    "scalar": lambda: dist.Normal(1.0, 2.0),
    "batch": lambda: dist.Normal(np.array([1.0, -1.0]), 2.0),
    "event": lambda: dist.Normal(np.ones((3, 2)), 2.0).to_event(1),
    "expanded": lambda: dist.Normal(1.0, 2.0).expand((3, 2)).to_event(1),
    "expanded event": lambda: dist.Normal(np.ones(2), 2.0).to_event(1).expand((3,)),
    "masked": lambda: dist.Normal(np.ones((3, 2)), 2.0).to_event(1).mask(np.array([True, False, True])),
}


def traced(law: Any, strategy: Any, **data: Any) -> Any:
    model = handlers.reparam(lambda: tf.sample("x", law), config={"x": strategy})
    return handlers.trace(handlers.seed(handlers.substitute(model, data=data), rng_seed=0)).get_trace()


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("centered", [0.0, 0.3, 1.0])
def test_the_joint_differs_from_the_centered_one_by_the_jacobian(name: str, centered: float) -> None:
    law = LAWS[name]()
    sites = traced(law, LocScaleReparam(centered))
    value = sites["x"]["value"]
    assert value.shape == law.shape()
    counted = 4 if name == "masked" else value.size
    jacobian = (1 - centered) * np.log(2.0) * counted
    np.testing.assert_allclose(joint_log_density(sites), law.log_prob(value).sum() + jacobian, rtol=1e-4)


def test_a_learned_centering_is_a_param_of_one_event() -> None:
    sites = traced(LAWS["event"](), LocScaleReparam())
    assert sites["x_centered"]["type"] == "param"
    np.testing.assert_array_equal(sites["x_centered"]["value"], [0.5, 0.5])


def test_a_partly_centered_value_follows_the_formula() -> None:
    sites = traced(dist.Normal(3.0, 4.0), LocScaleReparam(jnp.array(0.5)), x_decentered=2.0)
    np.testing.assert_allclose(sites["x"]["value"], 3.0 + 2.0 * (2.0 - 1.5))
    np.testing.assert_allclose(joint_log_density(sites), norm.logpdf(2.0, 1.5, 2.0), rtol=1e-5)


@pytest.mark.parametrize("centered", [-0.1, 1.5, np.array([0.5, 2.0])])
def test_centering_lies_between_none_and_all(centered: Any) -> None:
    with pytest.raises(HandlerError, match="outside its range"):
        LocScaleReparam(centered)


def test_an_observed_site_is_refused_by_name() -> None:
    model = handlers.reparam(lambda: tf.sample("x", dist.Normal(0.0, 1.0), obs=0.5), config={"x": LocScaleReparam(0.0)})
    with pytest.raises(SiteError, match="site 'x'"):
        model()


def test_a_law_without_location_or_on_part_of_the_line_is_refused_by_name() -> None:
    with pytest.raises(SiteError, match="site 'x'"):
        traced(dist.HalfNormal(1.0), LocScaleReparam(0.0))
