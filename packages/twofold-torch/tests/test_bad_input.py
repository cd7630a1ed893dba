"""Mistakes in statements, plates and handlers: each is refused by name, and leaves stack, store and next run alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import torch
from torch import nn

import twofold_torch as tf
from twofold_torch import (
    DuplicateSiteError,
    HandlerError,
    PlateError,
    ShapeError,
    SiteError,
    SiteTypeError,
    SupportError,
    TwofoldWarning,
    UnknownSiteError,
    handlers,
    param,
    plate,
    sample,
)
from twofold_torch import distributions as dist
from twofold_torch.distributions import constraints
from twofold_torch.infer.reparam import LocScaleReparam

Program = Callable[[], Any]
Refuses = Callable[..., AbstractContextManager[None]]
NAN = float("nan")
N = dist.Normal


def density(model: Program) -> Any:
    """Run the model and score it, as every algorithm does."""
    return handlers.trace(model).get_trace().log_prob_sum()


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
    "twice sampled": (then(x, x), DuplicateSiteError, "'x'", "a sample site, then a sample site"),
    "sample then param": (
        lambda: (x(), handlers.substitute(lambda: param("x"), data={"x": 1.0})()),
        DuplicateSiteError,
        "'x'",
        "then a param site",
    ),
    "sample then deterministic": (then(x, lambda: tf.deterministic("x", 1.0)), DuplicateSiteError, "'x'"),
    "sample then factor": (then(x, lambda: tf.factor("x", 1.0)), DuplicateSiteError, "'x'"),
    "sample then plate": (then(x, inside(lambda: plate("x", 3), lambda: None)), DuplicateSiteError, "'x'", "a plate"),
    "sample in a plate of its name": (inside(lambda: plate("x", 3), x), DuplicateSiteError, "'x'", "a plate"),
    "two plates": (
        then(inside(lambda: plate("p", 3), x), inside(lambda: plate("p", 4), lambda: None)),
        DuplicateSiteError,
        "'p'",
    ),
    "a name for every step of a loop": (lambda: [x() for _ in plate("p", 3)], DuplicateSiteError, "'x'", "index"),
    "no string": (lambda: sample(3, N(0.0, 1.0)), SiteTypeError, "3 of type int", "sample('x', ...)"),
    "law and name exchanged": (lambda: sample(N(0.0, 1.0), "x"), SiteTypeError, "sample('x', ...)"),
}

ARGUMENTS = {
    "data in the place of the law": (lambda: sample("x", torch.ones(3)), SiteTypeError, "'x'", "Tensor"),
    "data after the law": (lambda: sample("x", N(0.0, 1.0), torch.tensor(1.0)), SiteTypeError, "'x'", "obs=..."),
    "a list after the law": (lambda: sample("x", N(0.0, 1.0), [1, 2]), SiteTypeError, "'x'", "[1, 2]", "obs=..."),
    "None after the law": (lambda: sample("x", N(0.0, 1.0), None), SiteTypeError, "'x'", "obs=..."),
    "data after a class's arguments": (lambda: sample("x", N, 0.0, 1.0, 1, 2, 3), SiteTypeError, "'x'", "Normal"),
    "data in the place of validate_args": (
        lambda: sample("x", N, 0.0, 1.0, torch.tensor(2.0)),
        SiteTypeError,
        "'x'",
        "one argument too many",
        "obs=",
    ),
    "nothing for a scale": (lambda: sample("x", N, torch.zeros(3), None), SiteTypeError, "'x'", "'scale'", "None"),
    "a class without its arguments": (lambda: sample("x", N), SiteTypeError, "'x'", "'loc' and 'scale'"),
    "words for data": (lambda: x(obs="abc"), SiteTypeError, "'x'", "'abc' of type str"),
    "infer is no dict": (lambda: x(infer="parallel"), SiteTypeError, "'x'", "'parallel'"),
    "obs_mask of another length": (
        lambda: x(obs=torch.ones(3), obs_mask=torch.ones(4, dtype=torch.bool)),
        ShapeError,
        "'x'",
        "(4,)",
        "(3,)",
    ),
    "obs_mask of numbers": (lambda: x(obs=torch.ones(3), obs_mask=torch.ones(3)), SiteTypeError, "'x'", "float32"),
    "obs_mask without obs": (lambda: x(obs_mask=torch.tensor(True)), SiteError, "'x'", "obs=None"),
    "words for a factor": (lambda: tf.factor("f", "abc"), SiteTypeError, "factor 'f'", "'abc'"),
    "a NaN factor": (lambda: tf.factor("f", NAN), SupportError, "factor 'f'", "nan"),
    "a negative scale": (lambda: sample("x", N, 0.0, -1.0), SupportError, "site 'x'", "'scale'", "-1"),
    "a negative scale in a made law": (
        then(lambda: sample("z", N(0.0, 1.0)), lambda: x(N(0.0, -1.0))),
        SupportError,
        "'scale'",
        "z",
    ),
    "a NaN location": (lambda: sample("x", N, NAN, 1.0), SupportError, "site 'x'", "'loc'", "nan"),
}

SHAPES = {
    "plate shorter than the law": (
        inside(lambda: plate("p", 3), lambda: x(N(torch.zeros(4), 1.0))),
        ShapeError,
        "'x'",
        "'p'",
        "4",
        "3",
    ),
    "plate shorter than the data": (
        inside(lambda: plate("p", 3), lambda: x(obs=torch.zeros(4))),
        ShapeError,
        "'x'",
        "'p' (dim -1, size 3)",
        "(4,)",
    ),
    "a column in a plate": (
        inside(lambda: plate("p", 5), lambda: x(obs=torch.zeros(5, 1))),
        ShapeError,
        "'x'",
        "'p'",
        "(5, 1)",
        "squeeze",
    ),
    "a column for a row": (lambda: x(N(torch.zeros(5), 1.0), obs=torch.zeros(5, 1)), ShapeError, "'x'", "(5, 1)"),
    "a law of a column for a row": (
        inside(lambda: plate("p", 5), lambda: x(N(torch.zeros(5, 1), 1.0), obs=torch.zeros(5))),
        ShapeError,
        "'x'",
        "5 observations would count as 25",
        "-2",
    ),
    "columns throughout in one plate": (
        inside(lambda: plate("p", 5), lambda: x(N(torch.zeros(5, 1), 1.0), obs=torch.zeros(5, 1))),
        ShapeError,
        "'x'",
        "5 observations would count as 25",
        "'p'",
    ),
    "to_event forgotten": (
        inside(lambda: plate("p", 5), lambda: x(N(torch.zeros(5, 3), 1.0))),
        ShapeError,
        "'x'",
        "'p'",
        ".to_event()",
    ),
    "an event of another length": (
        lambda: x(dist.MultivariateNormal(torch.zeros(3), torch.eye(3)), obs=torch.zeros(4)),
        ShapeError,
        "'x'",
        "(4,)",
        "(3,)",
    ),
    "data given by condition": (
        handlers.condition(inside(lambda: plate("p", 5), x), data={"x": torch.zeros(5, 1)}),
        ShapeError,
        "'x'",
        "'p'",
    ),
}

VALUES = {
    "zero for a LogNormal": (dist.LogNormal(0.0, 1.0), [1.0, 0.0], "0 at 1", "greater than 0"),
    "more than all": (dist.Binomial(10, 0.5), [1.0, 11.0], "11 at 1", "from 0 to 10"),
    "half a coin": (dist.Bernoulli(0.5), [0.5], "0.5 at 0", "0 or 1"),
    "a class too many": (dist.Categorical(torch.ones(3) / 3), [3], "3 at 0", "from 0 to 2"),
    "less than nothing": (dist.Poisson(1.0), [-1.0], "-1 at 0", "0 or more"),
    "not a number": (N(0.0, 1.0), [1.0, NAN], "nan at 1", "mask"),
}

PLATES = {
    "dim from the left": (lambda: plate("p", 3, dim=0), "dim", "0", "-1, -2"),
    "dim in words": (lambda: plate("p", 3, dim="a"), "dim", "'a'"),
    "no rows": (lambda: plate("p", 0), "size", "0"),
    "fewer than no rows": (lambda: plate("p", -3), "size", "-3"),
    "rows in parts": (lambda: plate("p", 3.0), "size", "3.0"),
    "a batch larger than the plate": (lambda: plate("p", 3, subsample_size=5), "subsample_size", "5", "at most 3"),
    "no batch": (lambda: plate("p", 3, subsample_size=-1), "subsample_size", "-1"),
    "rows by halves": (lambda: plate("p", 3, subsample=[0.5]), "row numbers", "[0.5]"),
    "rows that are not there": (lambda: plate("p", 3, subsample=[0, 5]), "from 0 to 5", "0 to 2"),
    "an unknown device": (lambda: plate("p", 3, device="nowhere"), "'nowhere'"),
    "two on one dim": (inside(lambda: plate("q", 2, dim=-1), lambda: plate("p", 3, dim=-1).__enter__()), "'q'", "-1"),
    "one in itself": (inside(lambda: plate("p", 2), lambda: plate("p", 2).__enter__()), "'p'"),
    "a loop with a dim": (lambda: list(plate("p", 3, dim=-1)), "loop", "-1"),
    "a loop without a size": (lambda: list(plate("p")), "loop", "size=None"),
    "a param of another length": (
        inside(lambda: plate("p", 5), lambda: handlers.substitute(_rows, data={"a": torch.ones(3)})()),
        "'a'",
        "size 3",
        "5",
    ),
    "data of another length": (
        inside(lambda: plate("p", 5, subsample_size=2), lambda: tf.subsample(torch.ones(4), event_dim=0)),
        "size 4",
        "5",
    ),
}


def _rows() -> Any:
    return param("a", event_dim=0)


@pytest.mark.parametrize("case", (NAMES | ARGUMENTS | SHAPES).values(), ids=NAMES | ARGUMENTS | SHAPES)
def test_a_mistaken_statement_is_refused(refuses: Refuses, case: tuple[Any, ...]) -> None:
    check(refuses, case)


@pytest.mark.parametrize("case", VALUES.values(), ids=VALUES)
def test_a_value_outside_its_support_is_refused(refuses: Refuses, case: tuple[Any, ...]) -> None:
    law, data, *words = case
    for model in (
        lambda: x(law, obs=torch.tensor(data)),
        handlers.condition(lambda: x(law), data={"x": torch.tensor(data)}),
    ):
        check(refuses, (model, SupportError, "'x'", *words))


@pytest.mark.parametrize("case", PLATES.values(), ids=PLATES)
def test_a_mistaken_plate_is_refused(refuses: Refuses, case: tuple[Any, ...]) -> None:
    make, *words = case
    check(refuses, (make, PlateError, "p", *words))


PARAMS = {
    "outside of its constraint": (lambda: param("s", -1.0, constraints.positive), SupportError, "-1.0", "greater"),
    "on the edge of its constraint": (lambda: param("s", 0.0, constraints.positive), SupportError, "0.0"),
    "not a number": (lambda: param("s", NAN), SupportError, "nan"),
    "integers": (lambda: param("s", torch.tensor([1, 2])), SiteTypeError, "int64", ".float()"),
    "words": (lambda: param("s", "abc"), SiteTypeError, "'abc'"),
    "words for a constraint": (
        lambda: param("s", 1.0, "positive"),
        SiteTypeError,
        "'positive'",
        "constraints.positive",
    ),
    "no value at all": (lambda: param("s"), UnknownSiteError, "empty store"),
    "set to what its constraint forbids": (lambda: _set_negative(), SupportError, "-1.0"),
    "a class for a network": (lambda: tf.module("s", nn.Linear), SiteTypeError, "Linear", "instance"),
    "nothing for a network": (lambda: tf.module("s", None), SiteTypeError, "NoneType"),
}


def _set_negative() -> None:
    store = tf.ParamStore()
    store.setdefault("s", 1.0, constraints.positive)
    store["s"] = torch.tensor(-1.0)


@pytest.mark.parametrize("case", PARAMS.values(), ids=PARAMS)
def test_a_mistaken_parameter_is_refused_and_not_stored(refuses: Refuses, case: tuple[Any, ...]) -> None:
    make, error, *words = case
    for program in (make, lambda: density(make)):
        with refuses(error, "'s'", *words):
            program()


def test_a_store_filled_by_another_model_is_told() -> None:
    param("w", torch.ones(3))
    with pytest.warns(
        TwofoldWarning, match=r"'w' is in the store already, with shape \(3,\).*\(4,\).*clear_param_store"
    ):
        assert param("w", torch.zeros(4)).shape == (3,)


def model() -> Any:
    theta = sample("theta", N(0.0, 1.0))
    return sample("y", N(theta, param("sigma", 1.0)), obs=torch.tensor(1.0))


def of(handler: str, name: str) -> Program:
    """The model under a handler that is given a value, law or strategy for ``name``."""
    value: dict[str, Any] = {
        "lift": {"prior": {name: dist.LogNormal(0.0, 1.0)}},
        "reparam": {"config": {name: LocScaleReparam(0.0)}},
        "replay": {"params": {name: torch.tensor(1.0)}},
    }
    return getattr(handlers, handler)(model, **value.get(handler, {"data": {name: torch.tensor(1.0)}}))


NEAR = {
    "condition": "thetta",
    "do": "thetta",
    "reparam": "thetta",
    "substitute": "sigmma",
    "lift": "sigmma",
    "replay": "sigmma",
}


@pytest.mark.parametrize("handler", NEAR)
def test_a_misspelt_name_is_refused_and_a_strange_one_is_told(refuses: Refuses, handler: str) -> None:
    param("sigma", 1.0)
    right = {"thetta": "'theta'", "sigmma": "'sigma'"}[NEAR[handler]]
    with refuses(UnknownSiteError, handler, repr(NEAR[handler]), f"did you mean {right}?"):
        density(of(handler, NEAR[handler]))
    with pytest.warns(TwofoldWarning, match=f"{handler} was given 'nonsense'"):
        density(of(handler, "nonsense"))


SETTINGS = {
    "condition on no dict": (lambda: handlers.condition(model, data=3), "condition", "int"),
    "replay of no run": (lambda: handlers.replay(model, trace=3), "replay", "int"),
    "replay of nothing": (lambda: handlers.replay(model), "replay", "neither"),
    "scale in words": (lambda: handlers.scale(model, scale="a"), "scale", "'a'"),
    "a negative scale": (lambda: handlers.scale(model, scale=-1.0), "scale", "-1.0"),
    "a mask of numbers": (lambda: handlers.mask(model, mask=torch.ones(2)), "mask", "float32"),
    "a seed in words": (lambda: handlers.seed(model, rng_seed="a"), "seed", "'a'"),
    "a model that is none": (lambda: handlers.trace(3), "trace", "3"),
}


@pytest.mark.parametrize("case", SETTINGS.values(), ids=SETTINGS)
def test_a_mistaken_setting_of_a_handler_is_refused(refuses: Refuses, case: tuple[Any, ...]) -> None:
    make, *words = case
    with refuses(HandlerError, *words):
        make()


def test_integers_are_locations_and_data_like_any_numbers() -> None:
    counts = torch.tensor([0, 1, 2])
    as_floats = density(lambda: x(N(counts.float(), 1.0), obs=counts.float()))
    assert torch.isclose(density(lambda: x(N(counts, 1), obs=counts)), as_floats)


def test_missing_entries_that_are_masked_out_are_no_mistake() -> None:
    with handlers.mask(mask=torch.tensor([True, False])):
        score = density(lambda: x(obs=torch.tensor([0.0, NAN])))
    assert torch.isclose(score, N(0.0, 1.0).log_prob(torch.tensor(0.0)))
