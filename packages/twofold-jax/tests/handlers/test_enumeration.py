"""Laws of enum and markov."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax import handlers
from twofold_jax.errors import HandlerError, SiteError
from twofold_jax.messages import joint_log_density, site_log_density

PARALLEL = {"enumerate": "parallel"}


def coin(name: str, probs: Any = 0.3) -> Any:
    return tf.sample(name, dist.Bernoulli(probs), infer=PARALLEL)


def traced(model: Any, nesting: int = 0) -> Any:
    return handlers.trace(handlers.enum(handlers.seed(model, rng_seed=0), first_available_dim=-1 - nesting)).get_trace()


def test_each_site_gets_its_values_along_a_dim_of_its_own() -> None:
    def model() -> None:
        first = coin("a")
        coin("b", 0.2 + 0.5 * first)

    sites = traced(model, nesting=1)
    assert sites["a"]["value"].shape == (2, 1)
    assert sites["b"]["value"].shape == (2, 1, 1)
    table = site_log_density(sites["a"]) + site_log_density(sites["b"])
    expected = np.log([[0.7 * 0.8, 0.3 * 0.3], [0.7 * 0.2, 0.3 * 0.7]])
    np.testing.assert_allclose(np.squeeze(table), expected, rtol=1e-5)


def test_data_in_a_plate_meet_enumerated_values_without_a_shape_error() -> None:
    data = np.array([0.0, 1.0, 2.0])

    def model() -> None:
        z = coin("z")
        with tf.plate("rows", 3):
            w = coin("w")
            tf.sample("x", dist.Normal(z + w, 1.0), obs=data)
        tf.sample("y", dist.Normal(z, 1.0), obs=0.5)

    sites = traced(model, nesting=1)
    assert sites["x"]["fn"].batch_shape == (2, 2, 3)
    assert site_log_density(sites["w"]).shape == (2, 1, 3)


def test_a_column_in_a_plate_is_refused_under_enum_too() -> None:
    def model() -> None:
        with tf.plate("rows", 3), tf.plate("columns", 2):
            tf.sample("x", dist.Normal(0.0, 1.0), obs=np.zeros((3, 2)))

    with pytest.raises(ValueError, match="'x'"):
        traced(model, nesting=2)


@pytest.mark.parametrize("form", ["iterable", "context", "decorator"])
def test_a_markov_chain_recycles_its_dims(form: str) -> None:
    def model() -> None:
        z: Any = 0

        def step(t: int, z: Any) -> Any:
            return coin(f"z{t}", 0.2 + 0.5 * z)

        if form == "iterable":
            for t in handlers.markov(range(6)):
                z = step(t, z)
        elif form == "context":
            chain = handlers.markov()
            for t in range(6):
                with chain:
                    z = step(t, z)
        else:
            decorated = handlers.markov(step)
            for t in range(6):
                z = decorated(t, z)

    dims = {site["infer"]["_enumerate_dim"] for site in traced(model).values()}
    assert dims == {-1, -2}


def test_without_markov_each_step_has_a_dim_and_history_widens_the_window() -> None:
    def model(steps: Any) -> None:
        for t in steps:
            coin(f"z{t}")

    for steps, expected in (
        (range(4), 4),
        (handlers.markov(range(6), history=2), 3),
        (handlers.markov(range(3), 0), 1),
    ):
        dims = {site["infer"]["_enumerate_dim"] for site in traced(lambda steps=steps: model(steps)).values()}
        assert len(dims) == expected


def test_each_site_knows_the_enumerated_sites_within_its_reach() -> None:
    def model() -> None:
        for t in handlers.markov(range(4)):
            coin(f"z{t}")
            tf.sample(f"x{t}", dist.Normal(0.0, 1.0), obs=0.0)

    sites = traced(model)
    own = {
        name: site["infer"]["_dim_to_id"][site["infer"]["_enumerate_dim"]]
        for name, site in sites.items()
        if name[0] == "z"
    }
    assert len(set(own.values())) == 4
    assert set(sites["x0"]["infer"]["_dim_to_id"].values()) == {own["z0"]}
    for t in (1, 2, 3):
        assert set(sites[f"x{t}"]["infer"]["_dim_to_id"].values()) == {own[f"z{t - 1}"], own[f"z{t}"]}


def test_branches_of_a_tree_share_dims_unless_they_are_kept() -> None:
    def dims(keep: bool) -> int:
        @handlers.markov(keep=keep)
        def node(name: str, depth: int) -> None:
            coin(name)
            for branch in "lr":
                if depth:
                    node(name + branch, depth - 1)

        return len({site["infer"]["_enumerate_dim"] for site in traced(lambda: node("n", 2)).values()})

    assert (dims(False), dims(True)) == (2, 3)


def test_a_replayed_guide_brings_the_dims_of_its_enumerated_values() -> None:
    def model() -> None:
        z = coin("z")
        tf.sample("x", dist.Normal(z, 1.0), obs=0.5)

    guided = traced(lambda: coin("z"))
    sites = handlers.trace(handlers.enum(handlers.replay(model, trace=guided), first_available_dim=-1)).get_trace()
    assert sites["x"]["infer"]["_dim_to_id"] == guided["z"]["infer"]["_dim_to_id"]
    assert sites["x"]["fn"].batch_shape == (2,)


def test_draws_may_stand_for_the_support() -> None:
    def model() -> None:
        tf.sample("z", dist.Normal(0.0, 1.0), infer={"enumerate": "parallel", "num_samples": 5})

    assert traced(model, nesting=1)["z"]["value"].shape == (5, 1)


def test_expanded_values_keep_the_plates_dims() -> None:
    def model() -> None:
        with tf.plate("rows", 3):
            tf.sample("z", dist.Bernoulli(0.5), infer={"enumerate": "parallel", "expand": True})

    assert traced(model, nesting=2)["z"]["value"].shape == (2, 1, 3)


def test_markov_changes_no_value_and_no_density_without_enumeration() -> None:
    def model(steps: Any) -> None:
        for t in steps:
            tf.sample(f"x{t}", dist.Normal(0.0, 1.0))

    plain = handlers.trace(handlers.seed(model, rng_seed=0)).get_trace(range(3))
    chained = handlers.trace(handlers.seed(model, rng_seed=0)).get_trace(handlers.markov(range(3)))
    assert joint_log_density(plain) == joint_log_density(chained)


def test_observed_and_unmarked_sites_are_left_alone() -> None:
    def model() -> None:
        tf.sample("a", dist.Bernoulli(0.5), obs=1.0, infer=PARALLEL)
        tf.sample("b", dist.Bernoulli(0.5))

    sites = traced(model)
    assert np.shape(sites["a"]["value"]) == np.shape(sites["b"]["value"]) == ()


def test_settings_and_sites_that_cannot_be_used_are_refused() -> None:
    for wrong in (0, 1, None, -1.0):
        with pytest.raises(HandlerError, match="first_available_dim"):
            handlers.enum(first_available_dim=wrong)  # type: ignore[arg-type]
    with pytest.raises(HandlerError, match="history"):
        handlers.markov(history=-1)
    with pytest.raises(SiteError, match="'x' cannot be enumerated"):
        traced(lambda: tf.sample("x", dist.Normal(0.0, 1.0), infer=PARALLEL))

    def too_deep() -> None:
        with tf.plate("rows", 3, dim=-2):
            coin("z")

    with pytest.raises(SiteError, match=r"plate 'rows' around site 'z'"):
        traced(too_deep, nesting=1)


def test_enumerated_densities_compile() -> None:
    def density(probs: Any) -> Any:
        return site_log_density(traced(lambda: coin("z", probs))["z"])

    np.testing.assert_allclose(jax.jit(density)(0.3), np.log([0.7, 0.3]), rtol=1e-5)
