"""Laws of condition, substitute, do, lift and uncondition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax import handlers
from twofold_jax.errors import HandlerError, SiteTypeError, TwofoldWarning
from twofold_jax.messages import joint_log_density


def model() -> Any:
    z = tf.sample("z", dist.Normal(0.0, 1.0))
    x = tf.sample("x", dist.Normal(z, 2.0), obs=0.5)
    return z, x


def traced(handled: Any) -> Any:
    return handlers.trace(handlers.seed(handled, rng_seed=0)).get_trace()


def test_the_outer_of_two_conditions_wins() -> None:
    sites = traced(handlers.condition(handlers.condition(model, data={"z": 1.0}), data={"z": 2.0}))
    assert (sites["z"]["value"], sites["z"]["is_observed"]) == (2.0, True)


def test_substitute_leaves_observations_alone() -> None:
    sites = traced(handlers.substitute(model, data={"x": 9.0, "z": 1.0}))
    assert sites["x"]["value"] == 0.5
    assert not sites["z"]["is_observed"]


@pytest.mark.parametrize("name", ["condition", "substitute"])
def test_values_come_from_data_or_from_a_function(name: str) -> None:
    handler = getattr(handlers, name)
    for settings_ in ({}, {"data": {}, f"{name}_fn": lambda site: None}):
        with pytest.raises(HandlerError, match="exactly one of data"):
            handler(model, **settings_)
    with pytest.raises(HandlerError, match="must map names"):
        handler(model, data=[1.0])
    sites = traced(handler(model, **{f"{name}_fn": lambda site: 3.0 if site["name"] == "z" else None}))
    assert sites["z"]["value"] == 3.0


def test_a_function_of_the_site_may_use_its_key() -> None:
    seeded = handlers.seed(model, rng_seed=0)
    z, _ = handlers.substitute(seeded, substitute_fn=lambda site: draw(site) if site["name"] == "z" else None)()
    assert z == seeded()[0]


def draw(site: Any) -> Any:
    return site["fn"].sample(site["kwargs"]["rng_key"])


def test_unconditioning_keeps_the_observation_in_infer() -> None:
    for handled in (
        handlers.uncondition(handlers.seed(model, rng_seed=0)),
        handlers.seed(handlers.uncondition(model), 0),
    ):
        site = handlers.trace(handled).get_trace()["x"]
        assert not site["is_observed"]
        assert site["value"] != 0.5
        assert site["infer"] == {"was_observed": True, "obs": 0.5}


def test_conditioning_changes_no_other_draw() -> None:
    def two() -> Any:
        return tf.sample("a", dist.Normal(0.0, 1.0)), tf.sample("b", dist.Normal(0.0, 1.0))

    plain = handlers.seed(two, rng_seed=0)()
    for handler in (handlers.condition, handlers.substitute, handlers.do):
        assert handlers.seed(handler(two, data={"a": 7.0}), rng_seed=0)()[1] == plain[1]
        assert handler(handlers.seed(two, rng_seed=0), data={"a": 7.0})()[1] == plain[1]


def test_an_intervention_cuts_the_site_from_what_depends_on_it() -> None:
    sites = traced(handlers.do(model, data={"z": 10.0}))
    z = float(sites["z"]["value"])
    assert z != 10.0
    expected = norm.logpdf(z) + norm.logpdf(0.5, 10.0, 2.0)
    np.testing.assert_allclose(joint_log_density(sites), expected, rtol=1e-5)


def test_of_two_interventions_the_outer_one_wins_with_a_warning() -> None:
    with pytest.warns(TwofoldWarning, match="nested interventions on site 'z'"):
        z, _ = handlers.seed(handlers.do(handlers.do(model, data={"z": 1.0}), data={"z": 2.0}), rng_seed=0)()
    assert z == 2.0


def test_an_intervention_in_a_plate_scales_the_fresh_site_once() -> None:
    def planted() -> Any:
        with tf.plate("rows", 6, subsample_size=2):
            return tf.sample("z", dist.Normal(0.0, 1.0))

    site = traced(handlers.do(planted, data={"z": 1.0}))["z"]
    assert site["scale"] == 3.0
    assert len(site["cond_indep_stack"]) == 1


def parametric() -> Any:
    with tf.plate("rows", 3):
        p = tf.param("p", np.array([1.0, 2.0, 3.0]))
    return p, tf.param("p"), tf.param("q", 4.0)


def test_a_lifted_param_is_one_global_site() -> None:
    sites = traced(handlers.lift(parametric, prior={"p": dist.Normal(0.0, 1.0).expand((3,)).to_event(1)}))
    assert [(name, site["type"]) for name, site in sites.items()] == [
        ("rows", "plate"),
        ("p", "sample"),
        ("q", "param"),
    ]
    assert sites["p"]["cond_indep_stack"] == []
    first, second, _ = handlers.seed(handlers.lift(parametric, prior=dist.Normal(0.0, 1.0)), rng_seed=0)()
    assert first == second


def test_a_lifted_param_is_one_site_for_a_trace_inside_too() -> None:
    with handlers.seed(rng_seed=0), handlers.lift(prior=dist.Normal(0.0, 1.0)), handlers.trace() as sites:
        parametric()
    assert {name: site["type"] for name, site in sites.items() if name != "rows"} == {"p": "sample", "q": "sample"}


def test_a_prior_can_take_the_shape_of_the_param() -> None:
    sites = traced(handlers.lift(parametric, prior=dist.Normal(0.0, 1.0), fit_shape=True))
    assert sites["p"]["fn"].event_shape == (3,)
    assert sites["q"]["fn"].event_shape == ()


def test_a_prior_may_be_a_function_of_the_site() -> None:
    sites = traced(handlers.lift(parametric, prior=lambda site: dist.Normal(0.0, 1.0) if site["name"] == "q" else None))
    assert (sites["p"]["type"], sites["q"]["type"]) == ("param", "sample")


def test_a_prior_is_a_distribution() -> None:
    with pytest.raises(HandlerError, match="lift needs a prior"):
        handlers.lift(parametric, prior=3.0)
    with pytest.raises(SiteTypeError, match="prior of param 'q'"):
        handlers.lift(parametric, prior={"q": 1.0})()


ACTIONS = st.lists(
    st.sampled_from(
        [("condition", 1.0), ("condition", 2.0), ("substitute", 3.0), ("substitute", 4.0), ("uncondition", None)]
    ),
    max_size=4,
)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(ACTIONS, st.booleans())
def test_any_stack_acts_from_the_inside_outward(actions: list[tuple[str, Any]], has_obs: bool) -> None:
    value, observed = (0.5, True) if has_obs else (None, False)
    handled: Any = lambda: tf.sample("x", dist.Normal(0.0, 1.0), obs=0.5 if has_obs else None)  # noqa: E731
    for name, setting in actions:
        handled = getattr(handlers, name)(handled, **({} if setting is None else {"data": {"x": setting}}))
        if name == "condition":
            value, observed = setting, True
        elif name == "uncondition" and observed:
            value, observed = None, False
        elif name == "substitute" and not observed:
            value = setting
    site = traced(handled)["x"]
    assert site["is_observed"] is observed
    if value is not None:
        assert site["value"] == value
