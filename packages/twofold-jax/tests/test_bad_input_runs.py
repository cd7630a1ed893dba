"""Runs that end badly: exceptions, abandoned generators, and Python without asserts."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import jax.numpy as jnp
import pytest

from twofold_jax import distributions as dist
from twofold_jax import handlers, plate, sample
from twofold_jax.errors import SupportError
from twofold_jax.runtime import active_handlers


def seeded_run() -> list[float]:
    """What a fresh process gives: the values of a small seeded model with a batch."""

    def model() -> None:
        z = sample("z", dist.Normal(0.0, 1.0))
        with plate("rows", 5, subsample_size=2):
            sample("x", dist.Normal(z, 1.0))

    sites = handlers.trace(handlers.seed(model, rng_seed=0)).get_trace()
    assert [frame.name for frame in sites["x"]["cond_indep_stack"]] == ["rows"]
    return [float(sites["z"]["value"]), *sites["x"]["value"].tolist()]


def fails_in_a_plate() -> None:
    with plate("rows", 5), handlers.scale(scale=2.0), plate("columns", 3):
        sample("x", dist.Normal(0.0, 1.0))
        raise ZeroDivisionError


def fails_in_a_law() -> None:
    with plate("rows", 5):
        sample("x", dist.Normal(0.0, -1.0))


def fails_in_a_nested_model() -> None:
    with handlers.trace(), handlers.mask(mask=False):
        handlers.condition(fails_in_a_plate, data={"x": jnp.zeros((3, 5))})()


@pytest.mark.parametrize("model", [fails_in_a_plate, fails_in_a_law, fails_in_a_nested_model])
def test_an_exception_leaves_no_handler_and_the_next_run_as_in_a_fresh_process(model: Callable[[], None]) -> None:
    expected = seeded_run()
    for program in (handlers.seed(model, rng_seed=1), handlers.trace(handlers.seed(model, rng_seed=1))):
        with pytest.raises((ZeroDivisionError, SupportError)):
            program()
        assert active_handlers() == ()
        assert seeded_run() == expected


def test_a_plate_whose_block_failed_can_be_entered_again() -> None:
    rows = plate("rows", 5)
    with pytest.raises(ZeroDivisionError), rows:
        raise ZeroDivisionError
    with handlers.seed(rng_seed=0), rows:
        assert sample("x", dist.Normal(0.0, 1.0)).shape == (5,)


def held(name: str = "held") -> Iterator[int]:
    with plate(name, 5), handlers.scale(scale=3.0):
        yield 1


def test_a_generator_dropped_half_way_takes_its_plate_along() -> None:
    def model() -> None:
        generator = held()
        next(generator)
        del generator
        gc.collect()
        sample("after", dist.Normal(0.0, 1.0))

    site = handlers.trace(handlers.seed(model, rng_seed=0)).get_trace()["after"]
    assert (site["cond_indep_stack"], site["scale"]) == ([], None)


def test_a_loop_left_by_break_takes_its_plate_along() -> None:
    def model() -> None:
        for _ in held():
            break
        gc.collect()
        sample("after", dist.Normal(0.0, 1.0))

    site = handlers.trace(handlers.seed(model, rng_seed=0)).get_trace()["after"]
    assert (site["cond_indep_stack"], site["scale"]) == ([], None)


def test_a_generator_that_outlives_its_run_touches_no_other() -> None:
    expected = seeded_run()

    def model() -> Iterator[int]:
        generator = held()
        next(generator)
        return generator

    generator = handlers.trace(model)()
    assert active_handlers() == ()
    with plate("other", 2), handlers.mask(mask=True):
        generator.close()
        assert [type(handler).__name__ for handler in active_handlers()] == ["plate", "mask"]
    assert seeded_run() == expected


def test_a_generator_that_another_thread_collects_is_off_the_stack_at_the_next_run() -> None:
    expected, box = seeded_run(), [held()]
    next(box[0])
    other = threading.Thread(target=lambda: (box.clear(), gc.collect()))
    other.start()
    other.join()
    assert seeded_run() == expected
    assert active_handlers() == ()


def test_refusals_hold_where_python_drops_asserts() -> None:
    program = """
import jax, jax.numpy as jnp, twofold_jax as tf, twofold_jax.distributions as dist
from twofold_jax import errors, handlers
from twofold_jax.infer import MCMC, NUTS

assert False, "asserts are on"

def run(model):
    return lambda: handlers.trace(handlers.seed(model, rng_seed=0)).get_trace()

def twice():
    tf.sample("x", dist.Normal(0.0, 1.0))
    tf.sample("x", dist.Normal(0.0, 1.0))

def column():
    with tf.plate("p", 5):
        tf.sample("x", dist.Normal(0.0, 1.0), obs=jnp.zeros((5, 1)))

def one_dim():
    with tf.plate("p", 5, dim=-1), tf.plate("q", 5, dim=-1):
        tf.sample("x", dist.Normal(0.0, 1.0))

def mapped():
    jax.vmap(lambda value: tf.sample("x", dist.Normal(value, 1.0)))(jnp.zeros(3))

def discrete():
    tf.sample("x", dist.Bernoulli(0.5))

mcmc = MCMC(NUTS(discrete), num_warmup=1, num_samples=2, progress_bar=False)
for program, error in (
    (run(twice), errors.DuplicateSiteError),
    (run(column), errors.ShapeError),
    (run(one_dim), errors.PlateError),
    (run(mapped), errors.RandomKeyError),
    (twice, errors.RandomKeyError),
    (run(lambda: tf.sample("x", dist.LogNormal(0.0, 1.0), obs=0.0)), errors.SupportError),
    (lambda: dist.Normal(0.0, -1.0), errors.SupportError),
    (lambda: tf.param("s", -1.0, constraint=dist.constraints.positive), errors.SupportError),
    (lambda: handlers.condition(discrete), errors.HandlerError),
    (lambda: mcmc.run(jax.random.key(0)), errors.InferenceError),
    (mcmc.get_samples, errors.InferenceError),
):
    try:
        program()
    except error as caught:
        print(type(caught).__name__)
    else:
        raise SystemExit(f"{error.__name__} was not raised")
"""
    done = subprocess.run([sys.executable, "-O", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split().count("SupportError") == 3
