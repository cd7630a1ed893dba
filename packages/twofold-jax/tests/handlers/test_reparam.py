"""Laws of the reparam handler."""

from __future__ import annotations

from typing import Any

import pytest

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax import handlers
from twofold_jax.errors import HandlerError, SiteError
from twofold_jax.infer.reparam import LocScaleReparam


def model() -> Any:
    with tf.plate("rows", 6, subsample_size=2):
        return tf.sample("x", dist.Normal(1.0, 2.0)), tf.sample("y", dist.Normal(1.0, 2.0))


def traced(handled: Any) -> Any:
    return handlers.trace(handlers.seed(handled, rng_seed=0)).get_trace()


def test_only_configured_sites_change_and_plates_apply_once() -> None:
    sites = traced(handlers.reparam(model, config={"x": LocScaleReparam(0.0)}))
    assert {name: site["type"] for name, site in sites.items()} == {
        "rows": "plate",
        "x_decentered": "sample",
        "x": "deterministic",
        "y": "sample",
    }
    assert (sites["x_decentered"]["scale"], sites["y"]["scale"]) == (3.0, 3.0)
    assert len(sites["x_decentered"]["cond_indep_stack"]) == 1


def test_a_config_function_may_return_none() -> None:
    plain, configured = traced(model), traced(handlers.reparam(model, config=lambda site: None))
    assert list(plain) == list(configured)
    with pytest.raises(HandlerError, match="reparam needs config"):
        handlers.reparam(model)


def test_names_made_outside_of_a_scope_get_its_prefix_once() -> None:
    sites = traced(handlers.reparam(handlers.scope(model, prefix="a"), config={"a/x": LocScaleReparam(0.0)}))
    assert "a/x_decentered" in sites


def test_a_site_whose_value_is_given_further_in_is_refused_by_name() -> None:
    for given in (handlers.substitute, handlers.condition):
        with pytest.raises(SiteError, match="site 'x', whose value is given"):
            traced(handlers.reparam(given(model, data={"x": 0.5}), config={"x": LocScaleReparam(0.0)}))


def test_a_strategy_may_observe_the_site() -> None:
    def at_one(name: str, fn: Any, obs: Any) -> Any:
        return fn, 1.0

    site = traced(handlers.reparam(model, config={"x": at_one}))["x"]
    assert (site["type"], site["value"], site["is_observed"]) == ("sample", 1.0, True)
