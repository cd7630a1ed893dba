"""Laws of seed."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax import handlers
from twofold_jax.errors import HandlerError, RandomKeyError, SiteTypeError


def draw(**more: Any) -> Any:
    return tf.sample("x", dist.Normal(0.0, 1.0), **more)


def test_equal_numbers_give_equal_runs_in_every_spelling() -> None:
    spellings = [3, np.int32(3), np.array(3), jnp.array(3), jax.random.PRNGKey(3), jax.random.key(3)]
    assert len({float(handlers.seed(draw, rng_seed=spelling)()) for spelling in spellings}) == 1


@pytest.mark.parametrize("wrong", ["0", 1.5, True, jnp.array(0.5), jnp.array([1, 2]), np.zeros(3, np.uint32)])
def test_anything_else_is_refused(wrong: Any) -> None:
    with pytest.raises(SiteTypeError, match="rng_seed of seed"):
        handlers.seed(draw, rng_seed=wrong)


def test_a_missing_or_misplaced_seed_is_explained() -> None:
    with pytest.raises(HandlerError, match="seed needs rng_seed"):
        handlers.seed(draw)
    with pytest.raises(HandlerError, match="model first"):
        handlers.seed(0)  # type: ignore[arg-type]


def test_a_seeded_model_is_a_pure_function() -> None:
    model = handlers.seed(draw, rng_seed=0)
    assert model() == model()
    with handlers.seed(rng_seed=0):
        assert draw() == model()


def test_an_explicit_key_has_no_effect_under_seed() -> None:
    plain = handlers.seed(draw, rng_seed=0)()
    assert handlers.seed(lambda: draw(rng_key=jax.random.key(9)), rng_seed=0)() == plain


def test_the_inner_of_two_seeds_decides_also_for_what_it_hides() -> None:
    inner = handlers.seed(draw, rng_seed=1)
    assert handlers.seed(inner, rng_seed=2)() == inner()
    assert handlers.seed(handlers.block(inner), rng_seed=2)() == inner()


def test_types_can_be_left_without_keys() -> None:
    with handlers.seed(rng_seed=0, hide_types=["plate"]):
        draw()
        with pytest.raises(RandomKeyError, match="'rows'"):
            tf.plate("rows", 4, subsample_size=2)


def test_every_statement_that_may_draw_takes_one_key() -> None:
    def model(*, full: bool) -> Any:
        with tf.plate("rows", 4, subsample_size=2):
            tf.param("p", lambda key: jnp.zeros(()))
        draw(obs=0.0 if full else None)
        return tf.sample("last", dist.Normal(0.0, 1.0))

    plain = handlers.seed(model, rng_seed=0)(full=False)
    assert handlers.seed(model, rng_seed=0)(full=True) == plain
    data = {"p": 1.0, "rows": jnp.array([0, 1])}
    assert handlers.seed(handlers.substitute(model, data=data), rng_seed=0)(full=False) == plain


def test_a_full_plate_takes_no_key() -> None:
    def model(size: int | None) -> Any:
        if size:
            tf.plate("rows", size)
        return draw()

    assert handlers.seed(model, rng_seed=0)(3) == handlers.seed(model, rng_seed=0)(None)


def test_an_auxiliary_latent_site_draws_with_a_key_and_a_factor_takes_none() -> None:
    def helper(with_factor: bool) -> Any:
        if with_factor:
            tf.factor("push", 1.0)
        return tf.sample("helper", dist.Normal(0.0, 1.0), infer={"is_auxiliary": True})

    assert handlers.seed(helper, rng_seed=0)(True) == handlers.seed(helper, rng_seed=0)(False)
