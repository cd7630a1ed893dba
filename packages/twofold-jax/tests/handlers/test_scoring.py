"""Laws of scale and mask."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax import handlers
from twofold_jax.errors import HandlerError, ShapeError
from twofold_jax.messages import joint_log_density, site_log_density

DATA = np.array([0.5, -1.0, 2.0])


def model() -> None:
    with tf.plate("rows", 3):
        tf.sample("x", dist.Normal(0.0, 1.0), obs=DATA)


@pytest.mark.parametrize("scale", [0, -1.0, None, "2", True, np.nan, np.array([1.0, 0.0])])
def test_a_scale_is_positive(scale: Any) -> None:
    with pytest.raises(HandlerError, match="scale must be a positive number"):
        handlers.scale(model, scale=scale)


@pytest.mark.parametrize("scale", [2.0, np.array([1.0, 2.0, 3.0]), jnp.array(0.5)])
def test_a_scale_multiplies_each_entry(scale: Any) -> None:
    site = handlers.trace(handlers.scale(model, scale=scale)).get_trace()["x"]
    np.testing.assert_allclose(site_log_density(site), np.asarray(scale) * norm.logpdf(DATA), rtol=1e-6)


@pytest.mark.parametrize("mask", [0.5, 1, None, np.ones(3), [True, False, True]])
def test_a_mask_is_boolean(mask: Any) -> None:
    with pytest.raises(HandlerError, match="mask must be boolean"):
        handlers.mask(model, mask=mask)


@pytest.mark.parametrize(
    "mask", [True, False, np.False_, np.array([True, False, True]), jnp.array([False, False, True])]
)
def test_a_mask_commutes_with_the_plate(mask: Any) -> None:
    def inside() -> None:
        with tf.plate("rows", 3), handlers.mask(mask=mask):
            tf.sample("x", dist.Normal(0.0, 1.0), obs=DATA)

    expected = np.where(mask, norm.logpdf(DATA), 0.0).sum()
    for run in (inside, handlers.mask(model, mask=mask)):
        np.testing.assert_allclose(joint_log_density(handlers.trace(run).get_trace()), expected, rtol=1e-6)


def test_a_mask_that_does_not_fit_names_the_site() -> None:
    with pytest.raises(ShapeError, match="mask does not fit site 'x'"):
        handlers.mask(model, mask=np.ones(4, bool))()


def test_a_mask_changes_no_draw() -> None:
    def draws() -> Any:
        with tf.plate("rows", 3):
            return tf.sample("x", dist.Normal(0.0, 1.0))

    plain = handlers.seed(draws, rng_seed=0)()
    for mask in (False, np.array([True, False, True])):
        np.testing.assert_array_equal(handlers.seed(handlers.mask(draws, mask=mask), rng_seed=0)(), plain)
