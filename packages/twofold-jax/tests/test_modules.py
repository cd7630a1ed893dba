"""Laws of networks inside a model."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax import handlers
from twofold_jax.errors import RandomKeyError, ShapeError, SiteTypeError, TwofoldWarning


def init_fn(key: Any, input_shape: tuple[int, ...]) -> tuple[Any, Any]:
    w = jax.random.normal(key, (input_shape[-1], 2))
    return (*input_shape[:-1], 2), [{"w": w, "b": jnp.zeros(2)}, ()]


def apply_fn(params: Any, x: Any) -> Any:
    return x @ params[0]["w"] + params[0]["b"]


NET = (init_fn, apply_fn)
X = np.ones((4, 3), np.float32)


def test_a_network_is_one_param_site_with_its_parameters_bound() -> None:
    with handlers.trace() as sites, handlers.seed(rng_seed=0):
        net = tf.module("net", NET, input_shape=(3,))
    assert list(sites) == ["net$params"]
    np.testing.assert_allclose(net(X), apply_fn(sites["net$params"]["value"], X))


def test_two_statements_share_their_parameters() -> None:
    with handlers.seed(rng_seed=0):
        first, second = (tf.module("net", NET, input_shape=(3,)) for _ in range(2))
    np.testing.assert_array_equal(first(X), second(X))


@pytest.mark.parametrize("net", [None, init_fn, (init_fn,), (1, 2), tuple])
def test_only_a_pair_of_functions_is_a_network(net: Any) -> None:
    for statement in (tf.module, lambda name, nn: tf.random_module(name, nn, dist.Normal(0.0, 1.0))):
        with pytest.raises(SiteTypeError, match="network 'net'"):
            statement("net", net)


def test_the_input_shape_is_asked_for_where_it_is_needed() -> None:
    with handlers.seed(rng_seed=0), pytest.raises(ShapeError, match="input_shape"):
        tf.module("net", NET)
    with pytest.raises(ShapeError, match="input_shape"), handlers.seed(rng_seed=0):
        tf.random_module("net", NET, dist.Normal(0.0, 1.0))
    with pytest.raises(RandomKeyError, match="key"):
        tf.module("net", NET, input_shape=(3,))


def test_substituted_parameters_need_neither_key_nor_shape() -> None:
    params = init_fn(jax.random.key(1), (3,))[1]
    net = handlers.substitute(lambda: tf.module("net", NET), data={"net$params": params})()
    np.testing.assert_array_equal(net(X), apply_fn(params, X))


def random_net(prior: Any) -> Any:
    return tf.random_module("net", NET, prior, input_shape=(3,))(X)


def test_one_law_is_the_prior_of_every_parameter() -> None:
    with handlers.trace() as sites:
        output = handlers.seed(random_net, rng_seed=0)(dist.Normal(0.0, 1.0))
    assert {name: site["fn"].event_shape for name, site in sites.items()} == {"net/0.b": (2,), "net/0.w": (3, 2)}
    np.testing.assert_allclose(output, X @ sites["net/0.w"]["value"] + sites["net/0.b"]["value"], rtol=1e-5)


@pytest.mark.parametrize(
    "prior", [{"0.b": dist.Normal(5.0, 0.1)}, lambda path, shape: dist.Normal(5.0, 0.1) if shape == (2,) else None]
)
def test_parameters_without_a_prior_stay_params(prior: Any) -> None:
    with handlers.trace() as sites, handlers.seed(rng_seed=0):
        output = random_net(prior)
    assert list(sites) == ["net$params", "net/0.b"]
    kept = sites["net$params"]["value"]
    assert [leaf.shape for leaf in jax.tree.leaves(kept)] == [(3, 2)]
    np.testing.assert_allclose(output, X @ kept[0]["w"] + sites["net/0.b"]["value"], rtol=1e-5)


def test_a_path_that_no_parameter_has_is_reported() -> None:
    with pytest.warns(TwofoldWarning, match="0.bias"), handlers.seed(rng_seed=0):
        random_net({"0.bias": dist.Normal(0.0, 1.0), "0.w": dist.Normal(0.0, 1.0)})


def test_a_prior_is_a_distribution() -> None:
    with pytest.raises(SiteTypeError, match=r"0\.b"), handlers.seed(rng_seed=0):
        random_net(lambda path, shape: 1.0)
