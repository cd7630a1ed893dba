"""Mistakes in statements, plates and handlers: each is refused by name, and leaves stack and next run alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import twofold_jax as tf
from twofold_jax import distributions as dist
from twofold_jax import handlers, param, plate, sample
from twofold_jax.distributions import constraints
from twofold_jax.errors import (
    DuplicateSiteError,
    HandlerError,
    NonFiniteError,
    PlateError,
    RandomKeyError,
    ShapeError,
    SiteError,
    SiteTypeError,
    SupportError,
    TwofoldWarning,
    UnknownSiteError,
)
from twofold_jax.infer.reparam import LocScaleReparam
from twofold_jax.messages import joint_log_density

Program = Callable[[], Any]
Refuses = Callable[..., AbstractContextManager[None]]
NAN = float("nan")
N = dist.Normal


def density(model: Program) -> Any:
    """Run the model and score it, as every algorithm does."""
    return joint_log_density(handlers.trace(handlers.seed(model, rng_seed=0)).get_trace())


def check(refuses: Refuses, case: tuple[Any, ...]) -> None:
    program, error, *words = case
    with refuses(error, *words):
        density(program)


def then(*statements: Program) -> Program:
    """A model of these statements in turn."""
    return lambda: [statement() for statement in statements]


def inside(where: Callable[[], Any], statement: Program) -> Program:
    """A model with one statement inside a plate or handler."""

    def model() -> None:
        with where():
            statement()

    return model


def x(law: Any = None, **more: Any) -> Any:
    return sample("x", N(0.0, 1.0) if law is None else law, **more)


NAMES = {
    "twice sampled": (then(x, x), DuplicateSiteError, "'x'", "first by a sample statement"),
    "sample then param": (then(x, lambda: param("x", 1.0)), DuplicateSiteError, "'x'", "then by a param statement"),
    "sample then deterministic": (then(x, lambda: tf.deterministic("x", 1.0)), DuplicateSiteError, "'x'"),
    "sample then factor": (then(x, lambda: tf.factor("x", 1.0)), DuplicateSiteError, "'x'"),
    "sample then plate": (then(x, inside(lambda: plate("x", 3), lambda: None)), DuplicateSiteError, "'x'", "plate"),
    "sample in a plate of its name": (inside(lambda: plate("x", 3), x), DuplicateSiteError, "'x'", "plate"),
    "two plates": (
        then(inside(lambda: plate("p", 3), x), inside(lambda: plate("p", 4), lambda: None)),
        DuplicateSiteError,
        "'p'",
    ),
    "a name for every step of a loop": (lambda: [x() for _ in range(3)], DuplicateSiteError, "'x'", "index"),
    "no string": (lambda: sample(3, N(0.0, 1.0)), SiteTypeError, "3 of type int", 'sample("x", ...)'),
    "law and name exchanged": (lambda: sample(N(0.0, 1.0), "x"), SiteTypeError, 'sample("x", ...)'),
}

ARGUMENTS = {
    "data in the place of the law": (lambda: sample("x", jnp.ones(3)), SiteTypeError, "'x'", "Distribution"),
    "data in the place of the key": (
        lambda: sample("x", N(0.0, 1.0), None, jnp.ones(3)),
        RandomKeyError,
        "'x'",
        "obs=",
    ),
    "a number for a key": (lambda: x(rng_key=3), RandomKeyError, "'x'", "int"),
    "a class for a law": (lambda: sample("x", N, 0.0, 1.0), SiteTypeError, "'x'", "Normal(...)"),
    "words for data": (lambda: x(obs="abc"), SiteTypeError, "'x'", "'abc' of type str"),
    "infer is no dict": (lambda: x(infer="parallel"), SiteTypeError, "'x'", "'parallel'"),
    "sample_shape is no tuple": (lambda: x(sample_shape=3), SiteTypeError, "'x'", "3"),
    "obs_mask of another length": (
        lambda: x(obs=jnp.ones(3), obs_mask=jnp.ones(4, bool)),
        ShapeError,
        "'x_observed'",
        "(4,)",
        "(3,)",
    ),
    "obs_mask of numbers": (lambda: x(obs=jnp.ones(3), obs_mask=jnp.ones(3)), SiteTypeError, "'x'", "float32"),
    "obs_mask without obs": (lambda: x(obs_mask=jnp.array(True)), SiteTypeError, "'x'", "NoneType"),
    "words for a factor": (lambda: tf.factor("f", "abc"), SiteTypeError, "'f'", "'abc'"),
    "a NaN factor": (lambda: tf.factor("f", NAN), NonFiniteError, "factor 'f'", "nan"),
    "a negative scale": (
        then(lambda: sample("z", N(0.0, 1.0)), lambda: x(N(0.0, -1.0))),
        SupportError,
        "'scale'",
        "'z'",
    ),
    "a NaN location": (lambda: x(N(NAN, 1.0)), SupportError, "'loc'", "nan", "before its first statement"),
}

SHAPES = {
    "plate shorter than the law": (
        inside(lambda: plate("p", 3), lambda: x(N(jnp.zeros(4), 1.0))),
        ShapeError,
        "'x'",
        "'p'",
        "4",
        "3",
    ),
    "plate shorter than the data": (
        inside(lambda: plate("p", 3), lambda: x(obs=jnp.zeros(4))),
        ShapeError,
        "'x'",
        "'p' (dim -1, size 3)",
        "(4,)",
    ),
    "a column in a plate": (
        inside(lambda: plate("p", 5), lambda: x(obs=jnp.zeros((5, 1)))),
        ShapeError,
        "'x'",
        "'p'",
        "(5, 1)",
        "reshape",
    ),
    "a column for a row": (lambda: x(N(jnp.zeros(5), 1.0), obs=jnp.zeros((5, 1))), ShapeError, "'x'", "(5, 1)"),
    "a law of a column for a row": (
        inside(lambda: plate("p", 5), lambda: x(N(jnp.zeros((5, 1)), 1.0), obs=jnp.zeros(5))),
        ShapeError,
        "the 5 observations of site 'x' would count as 25",
        "-2",
    ),
    "columns throughout in one plate": (
        inside(lambda: plate("p", 5), lambda: x(N(jnp.zeros((5, 1)), 1.0), obs=jnp.zeros((5, 1)))),
        ShapeError,
        "the 5 observations of site 'x' would count as 25",
        "'p'",
    ),
    "to_event forgotten": (
        inside(lambda: plate("p", 5), lambda: x(N(jnp.zeros((5, 3)), 1.0))),
        ShapeError,
        "'x'",
        "'p'",
        ".to_event(n)",
    ),
    "an event of another length": (
        lambda: x(dist.MultivariateNormal(jnp.zeros(3), jnp.eye(3)), obs=jnp.zeros(4)),
        ShapeError,
        "'x'",
        "(4,)",
        "(3,)",
    ),
    "data given by condition": (
        handlers.condition(inside(lambda: plate("p", 5), x), data={"x": np.zeros((5, 1))}),
        ShapeError,
        "'x'",
        "'p'",
    ),
}

VALUES = {
    "zero for a LogNormal": (dist.LogNormal(0.0, 1.0), [1.0, 0.0], "0.0 at [1]", "greater than 0"),
    "more than all": (dist.Binomial(10, 0.5), [1, 11], "11 at [1]", "from 0 to 10"),
    "half a coin": (dist.Bernoulli(0.5), [0.5], "0.5 at [0]", "0 or 1"),
    "a class too many": (dist.Categorical(np.ones(3) / 3), [3], "3 at [0]", "from 0 to 2"),
    "less than nothing": (dist.Poisson(1.0), [-1], "-1 at [0]", "0 or more"),
    "not a number": (N(0.0, 1.0), [1.0, NAN], "nan at [1]", "mask"),
}

PLATES = {
    "dim from the left": (lambda: plate("p", 3, dim=0), "dim", "0", "-1"),
    "dim in words": (lambda: plate("p", 3, dim="a"), "dim", "'a'"),
    "no rows": (lambda: plate("p", 0), "size", "0"),
    "fewer than no rows": (lambda: plate("p", -3), "size", "-3"),
    "rows in parts": (lambda: plate("p", 3.0), "size", "3.0"),
    "rows that are not known yet": (lambda: jax.eval_shape(lambda n: plate("p", n), 3), "size", "known"),
    "a batch larger than the plate": (lambda: plate("p", 3, subsample_size=5), "subsample_size=5", "1 to 3"),
    "no batch": (lambda: plate("p", 3, subsample_size=-1), "subsample_size", "-1"),
    "two on one dim": (inside(lambda: plate("q", 2, dim=-1), lambda: plate("p", 3, dim=-1).__enter__()), "'q'", "-1"),
    "one in itself": (lambda: [rows.__enter__() for rows in [plate("p", 2)] * 2], "'p'", "a second entry"),
    "a function that is none": (lambda: plate("p", 2)(x), "'p'", "with plate"),
    "a param of another length": (
        inside(lambda: plate("p", 5), lambda: param("a", jnp.ones(3), event_dim=0)),
        "'a'",
        "size 3",
        "5",
    ),
    "data of another length": (
        inside(lambda: plate("p", 5, subsample_size=2), lambda: tf.subsample(jnp.ones(4), event_dim=0)),
        "size 4",
        "5",
    ),
}


@pytest.mark.parametrize("case", (NAMES | ARGUMENTS | SHAPES).values(), ids=NAMES | ARGUMENTS | SHAPES)
def test_a_mistaken_statement_is_refused(refuses: Refuses, case: tuple[Any, ...]) -> None:
    check(refuses, case)


@pytest.mark.parametrize("case", VALUES.values(), ids=VALUES)
def test_a_value_outside_its_support_is_refused(refuses: Refuses, case: tuple[Any, ...]) -> None:
    law, data, *words = case
    for model in (
        lambda: x(law, obs=jnp.array(data)),
        handlers.condition(lambda: x(law), data={"x": np.array(data)}),
    ):
        check(refuses, (model, SupportError, "'x'", *words))


def test_a_substituted_value_outside_its_support_is_refused(refuses: Refuses) -> None:
    given = handlers.substitute(lambda: sample("s", dist.HalfNormal(1.0)), data={"s": -1.0})
    with refuses(SupportError, "'s'", "-1.0"):
        density(given)


@pytest.mark.parametrize("case", PLATES.values(), ids=PLATES)
def test_a_mistaken_plate_is_refused(refuses: Refuses, case: tuple[Any, ...]) -> None:
    make, *words = case
    check(refuses, (make, PlateError, "p", *words))


def test_a_plate_is_no_loop(refuses: Refuses) -> None:
    with refuses(SiteTypeError, "'p'", "with plate('p', 3)"):
        list(plate("p", 3))


KEYLESS = {
    "a draw": (x, "'x'"),
    "a batch": (lambda: plate("p", 5, subsample_size=2), "'p'"),
    "a lazy initial value": (lambda: param("s", lambda key: 1.0), "'s'"),
    "a key of one's own": (tf.prng_key, "prng_key()"),
}


@pytest.mark.parametrize("case", KEYLESS.values(), ids=KEYLESS)
def test_a_missing_key_is_told(refuses: Refuses, case: tuple[Any, ...]) -> None:
    statement, *words = case
    for program in (statement, handlers.trace(statement).get_trace):
        with refuses(RandomKeyError, *words, "handlers.seed(model, rng_seed=0)"):
            program()


PARAMS = {
    "outside of its constraint": (
        lambda: param("s", -1.0, constraint=constraints.positive),
        SupportError,
        "-1.0",
        "Positive",
    ),
    "on the edge of its constraint": (lambda: param("s", 0.0, constraint=constraints.positive), SupportError, "0.0"),
    "not a number": (lambda: param("s", NAN), NonFiniteError, "nan"),
    "words": (lambda: param("s", "abc"), SiteTypeError, "'abc'"),
    "words for a constraint": (lambda: param("s", 1.0, constraint="positive"), SiteTypeError, "'positive'"),
    "words for event_dim": (lambda: param("s", 1.0, event_dim="a"), SiteTypeError, "'a'"),
    "a class for a network": (lambda: tf.module("s", dict), SiteTypeError, "dict", "(init_fn, apply_fn)"),
    "nothing for a network": (lambda: tf.module("s", None), SiteTypeError, "NoneType"),
}


@pytest.mark.parametrize("case", PARAMS.values(), ids=PARAMS)
def test_a_mistaken_parameter_is_refused(refuses: Refuses, case: tuple[Any, ...]) -> None:
    make, error, *words = case
    for program in (make, lambda: density(make)):
        with refuses(error, "'s'", *words):
            program()


def test_an_initialiser_without_a_key_is_refused(refuses: Refuses) -> None:
    with refuses(SiteTypeError, "'s'", "lambda key: ..."):
        density(lambda: param("s", lambda: 1.0))


def model() -> Any:
    theta = sample("theta", N(0.0, 1.0))
    return sample("y", N(theta, param("sigma", 1.0)), obs=1.0)


def of(handler: str, name: str) -> Program:
    """The model under a handler that is given a value, law or strategy for ``name``."""
    settings: dict[str, Any] = {
        "lift": {"prior": {name: dist.LogNormal(0.0, 1.0)}},
        "reparam": {"config": {name: LocScaleReparam(0.0)}},
        "replay": {"params": {name: 1.0}},
    }
    return getattr(handlers, handler)(model, **settings.get(handler, {"data": {name: 1.0}}))


@pytest.mark.parametrize("handler", ["condition", "do", "reparam", "substitute", "lift", "replay"])
def test_a_misspelt_name_is_refused_and_a_strange_one_is_told(refuses: Refuses, handler: str) -> None:
    wrong, right = ("sigmma", "sigma") if handler in ("lift", "substitute") else ("thetta", "theta")
    with refuses(UnknownSiteError, handler, repr(wrong), f"did you mean {right!r}?"):
        density(of(handler, wrong))
    with pytest.warns(TwofoldWarning, match=f"{handler} was given 'nonsense'"):
        density(of(handler, "nonsense"))


SETTINGS = {
    "condition on no dict": (lambda: handlers.condition(model, data=3), HandlerError, "condition", "int"),
    "replay of no run": (lambda: handlers.replay(model, trace=3), HandlerError, "replay", "int"),
    "replay of bare values": (lambda: handlers.replay(model, trace={"theta": 1.0}), HandlerError, "replay", "dict"),
    "replay of nothing": (lambda: handlers.replay(model), HandlerError, "replay", "neither"),
    "scale in words": (lambda: handlers.scale(model, scale="a"), HandlerError, "scale", "'a'"),
    "a negative scale": (lambda: handlers.scale(model, scale=-1.0), HandlerError, "scale", "-1.0"),
    "a mask of numbers": (lambda: handlers.mask(model, mask=jnp.ones(2)), HandlerError, "mask", "float32"),
    "a seed in words": (lambda: handlers.seed(model, rng_seed="a"), SiteTypeError, "seed", "'a'"),
    "a seed before the model": (lambda: handlers.seed(0, model), HandlerError, "seed", "rng_seed=0"),
    "no seed": (lambda: handlers.seed(model), HandlerError, "seed", "rng_seed=0"),
    "a model that is none": (lambda: handlers.trace(3), HandlerError, "trace", "3"),
    "words to condition on": (
        lambda: density(handlers.condition(model, data={"theta": "abc"})),
        SiteTypeError,
        "'theta'",
        "'abc'",
    ),
}


@pytest.mark.parametrize("case", SETTINGS.values(), ids=SETTINGS)
def test_a_mistaken_setting_of_a_handler_is_refused(refuses: Refuses, case: tuple[Any, ...]) -> None:
    make, error, *words = case
    with refuses(error, *words):
        make()


def over(transform: Callable[..., Any], statement: Callable[[Any], Any]) -> Program:
    return lambda: transform(statement)


def draws(value: Any) -> Any:
    return sample("x", N(value, 1.0))


def observes(value: Any) -> Any:
    return sample("x", N(0.0, 1.0), obs=value)


TRANSFORMED: dict[str, Callable[..., Any]] = {
    "vmap": lambda statement: jax.vmap(statement)(jnp.zeros(3)),
    "scan": lambda statement: jax.lax.scan(lambda carry, value: (carry, statement(value)), 0.0, jnp.zeros(3)),
    "jit": lambda statement: jax.jit(statement)(0.0),
    "checkpoint": lambda statement: jax.checkpoint(statement)(0.0),
}


@pytest.mark.parametrize("transform", TRANSFORMED.values(), ids=TRANSFORMED)
def test_statements_inside_a_transformation_within_a_model_are_refused(
    refuses: Refuses, transform: Callable[..., Any]
) -> None:
    with refuses(RandomKeyError, "'x'", "one key would serve every row or step"):
        density(over(transform, draws))
    with refuses(SiteError, "'x'", "inside the transformation"):
        density(over(transform, observes))


def test_a_site_that_jax_keeps_compiled_is_not_lost(refuses: Refuses) -> None:
    compiled = jax.jit(observes)
    compiled(0.0)  # outside of every model
    for _ in range(2):
        with refuses(SiteError, "'x'"):
            density(lambda: compiled(0.0))


def test_integers_are_locations_and_data_like_any_numbers() -> None:
    counts = np.array([0, 1, 2])
    as_floats = density(lambda: x(N(counts.astype(np.float32), 1.0), obs=counts.astype(np.float32)))
    np.testing.assert_allclose(density(lambda: x(N(counts, 1), obs=counts)), as_floats, rtol=1e-6)


def test_missing_entries_that_are_masked_out_are_no_mistake() -> None:
    def masked() -> None:
        with handlers.mask(mask=jnp.array([True, False])):
            x(obs=jnp.array([0.0, NAN]))

    np.testing.assert_allclose(density(masked), N(0.0, 1.0).log_prob(0.0), rtol=1e-6)
