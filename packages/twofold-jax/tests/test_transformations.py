"""Laws of statements and JAX's transformations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax import handlers
from twofold_jax.errors import RandomKeyError, SiteError
from twofold_jax.messages import joint_log_density


def draw(x: Any = 0.0) -> Any:
    return tf.sample("inside", dist.Normal(x, 1.0))


TRANSFORMED: dict[str, Callable[[], Any]] = {
    "vmap": lambda: jax.vmap(draw)(jnp.zeros(3)),
    "scan": lambda: jax.lax.scan(lambda carry, x: (carry, draw(x)), 0.0, jnp.zeros(3)),
    "jit": lambda: jax.jit(draw)(0.0),
    "cond": lambda: jax.lax.cond(True, draw, draw, 0.0),
    "grad": lambda: jax.grad(draw)(0.0),
    "map": lambda: jax.lax.map(draw, jnp.zeros(3)),
    "checkpoint": lambda: jax.checkpoint(draw)(0.0),
    "while": lambda: jax.lax.fori_loop(0, 2, lambda i, x: draw(x), 0.0),
}


@pytest.mark.parametrize("name", TRANSFORMED)
def test_a_draw_inside_a_transformation_within_a_seeded_model_is_refused(name: str) -> None:
    with pytest.raises(RandomKeyError, match="'inside'"):
        handlers.seed(TRANSFORMED[name], rng_seed=0)()


@pytest.mark.parametrize("name", TRANSFORMED)
def test_a_site_inside_a_transformation_within_a_traced_model_is_refused(name: str) -> None:
    with pytest.raises(SiteError, match="'inside'"):
        handlers.trace(handlers.substitute(TRANSFORMED[name], data={"inside": 1.0})).get_trace()


@pytest.mark.parametrize("statement", [lambda: tf.param("inside", 1.0), lambda: tf.factor("inside", 1.0)])
def test_other_statements_inside_a_transformation_are_refused_too(statement: Callable[[], Any]) -> None:
    with pytest.raises(SiteError, match="'inside'"):
        handlers.trace(lambda: jax.jit(lambda: (statement(), 0.0)[1])()).get_trace()


def test_a_refusal_leaves_no_handler_behind() -> None:
    with pytest.raises(SiteError):
        handlers.trace(handlers.seed(TRANSFORMED["scan"], rng_seed=0)).get_trace()
    assert handlers.seed(draw, rng_seed=0)() == handlers.seed(draw, rng_seed=0)()


def test_a_refused_jitted_function_is_refused_again() -> None:
    compiled = jax.jit(draw)
    for _ in range(2):
        with pytest.raises(SiteError):
            handlers.seed(compiled, rng_seed=0)(0.0)


def test_a_function_compiled_outside_is_not_run_from_the_cache_inside_a_model() -> None:
    compiled = jax.jit(lambda key: tf.sample("inside", dist.Normal(0.0, 1.0), rng_key=key))
    key = jax.random.key(0)
    alone = compiled(key)
    with pytest.raises(SiteError, match="'inside'"):
        handlers.trace(handlers.seed(lambda: compiled(key), rng_seed=0)).get_trace()
    assert compiled(key) == alone


def model() -> Any:
    z = tf.sample("z", dist.Normal(0.0, 1.0))
    with tf.plate("rows", 4, subsample_size=2):
        tf.sample("x", dist.Normal(z, 1.0), obs=jnp.array([0.0, 1.0]))
    return z


def test_a_whole_seeded_model_may_be_compiled() -> None:
    def density(key: Any) -> Any:
        return joint_log_density(handlers.trace(handlers.seed(model, rng_seed=key)).get_trace())

    key = jax.random.key(1)
    np.testing.assert_allclose(jax.jit(density)(key), density(key), rtol=1e-6)


def test_a_whole_seeded_model_may_be_mapped() -> None:
    keys = jax.random.split(jax.random.key(1), 3)
    mapped = jax.vmap(lambda key: handlers.seed(model, rng_seed=key)())(keys)
    np.testing.assert_allclose(mapped, [handlers.seed(model, rng_seed=key)() for key in keys], rtol=1e-6)


def test_handlers_inside_a_transformation_may_stand_under_a_block_outside() -> None:
    def inner(key: Any) -> Any:
        with handlers.block():
            return handlers.trace(handlers.seed(draw, rng_seed=key)).get_trace()["inside"]["value"]

    def outer() -> Any:
        return jax.vmap(inner)(jax.random.split(tf.prng_key(), 3))

    with handlers.trace() as sites, handlers.seed(rng_seed=0):
        assert outer().shape == (3,)
    assert sites == {}


@pytest.mark.parametrize("handler", ["substitute", "condition", "do"])
def test_a_value_given_from_outside_is_refused_because_jax_would_keep_it(handler: str) -> None:
    compiled = jax.jit(draw)
    for value in (2.0, 5.0):
        given = getattr(handlers, handler)(compiled, data={"inside": value})
        with pytest.raises(SiteError, match=rf"'inside'(.|\n)*its {handler} handler outside"):
            given(0.0)


def test_a_value_given_inside_of_the_transformation_reaches_its_site() -> None:
    given = jax.jit(lambda value: handlers.substitute(draw, data={"inside": value})(0.0))
    assert (given(2.0), given(5.0)) == (2.0, 5.0)
