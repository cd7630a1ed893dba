"""The table of shapes."""

from __future__ import annotations

import jax.numpy as jnp

import twofold_jax as tf
from twofold_jax import distributions as dist
from twofold_jax import handlers
from twofold_jax.util import format_shapes


def model() -> None:
    tf.param("w", jnp.ones((3, 4)), event_dim=1)
    with tf.plate("rows", 6, subsample_size=2):
        x = tf.sample("x", dist.Normal(jnp.zeros(5), 1.0).to_event(1))
    tf.deterministic("twice", 2 * x, event_dim=1)
    tf.sample("y", dist.Normal(0.0, 1.0), obs=jnp.zeros(7))
    tf.param("net", {"weight": jnp.ones(2)})


def test_every_site_has_its_batch_dims_and_event_dims_in_the_table() -> None:
    sites = handlers.trace(handlers.seed(model, rng_seed=0)).get_trace()
    table = format_shapes(sites, compute_log_prob=lambda site: site["name"] == "y", title="Shapes")
    assert [line.split() for line in table.splitlines()] == [
        ["Shapes"],
        ["w", "param", "3", "4"],
        ["rows", "plate", "2"],
        ["x", "law", "2", "|", "5"],
        ["value", "2", "|", "5"],
        ["twice", "deterministic", "2", "5"],
        ["y", "law", "|"],
        ["obs", "7", "|"],
        ["log_prob", "7", "|"],
        ["net", "param", "dict"],
    ]


def test_the_table_ends_at_the_last_site_asked_for() -> None:
    sites = handlers.trace(handlers.seed(model, rng_seed=0)).get_trace()
    assert format_shapes(sites, last_site="rows").splitlines()[-1].split() == ["rows", "plate", "2"]
    assert format_shapes({}) == "Trace Shapes:"
