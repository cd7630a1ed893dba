"""Laws of messages and of what they score."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax import handlers
from twofold_jax.messages import CondIndepStackFrame, joint_log_density, new_message, site_log_density


def test_a_site_scores_scale_times_masked_density_in_batch_shape() -> None:
    data = np.array([0.5, np.nan, -1.0])

    def model() -> None:
        with tf.plate("rows", 3), handlers.mask(mask=np.array([True, False, True])):
            tf.sample("x", dist.Normal(0.0, 2.0), obs=data)

    site = handlers.trace(handlers.scale(model, scale=3.0)).get_trace()["x"]
    expected = 3.0 * np.where(np.isnan(data), 0.0, norm.logpdf(np.nan_to_num(data), 0.0, 2.0))
    np.testing.assert_allclose(site_log_density(site), expected, rtol=1e-6)


def test_the_joint_sums_sample_sites_only() -> None:
    def model() -> None:
        tf.param("p", 3.0)
        tf.deterministic("d", 4.0)
        with tf.plate("rows", 2):
            tf.sample("x", dist.Normal(0.0, 1.0), obs=np.array([0.0, 1.0]))
        tf.factor("f", 0.25)

    joint = joint_log_density(handlers.trace(model).get_trace())
    np.testing.assert_allclose(joint, norm.logpdf([0.0, 1.0]).sum() + 0.25, rtol=1e-6)


def test_the_joint_of_nothing_is_zero() -> None:
    assert joint_log_density({}) == 0.0


def test_a_frame_is_made_of_name_dim_and_size() -> None:
    assert CondIndepStackFrame("rows", -1, 3)[:3] == ("rows", -1, 3)


def test_new_messages_share_nothing() -> None:
    first, second = (new_message("deterministic", "d", None, 1.0) for _ in range(2))
    first["infer"]["k"] = 1
    first["cond_indep_stack"].append(CondIndepStackFrame("rows", -1, 3))
    assert second["infer"] == {}
    assert second["cond_indep_stack"] == []
