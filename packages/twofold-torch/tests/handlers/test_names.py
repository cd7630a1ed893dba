"""Names that no statement of a run has are noticed."""

from __future__ import annotations

import itertools
import warnings

import pytest
import torch

from twofold_torch import (
    TwofoldWarning,
    UnknownSiteError,
    param,
    sample,
    validation_enabled,
)
from twofold_torch import distributions as dist
from twofold_torch.handlers import (
    block,
    condition,
    do,
    lift,
    scope,
    substitute,
    trace,
)

HANDLERS = {
    "condition": lambda fn, names: condition(fn, data=dict.fromkeys(names, torch.tensor(0.0))),
    "do": lambda fn, names: do(fn, data=dict.fromkeys(names, torch.tensor(0.0))),
    "substitute": lambda fn, names: substitute(fn, data=dict.fromkeys(names, torch.tensor(0.0))),
    "lift": lambda fn, names: lift(fn, prior=dict.fromkeys(names, dist.Normal(0.0, 1.0))),
}


def chain() -> torch.Tensor:
    z = sample("z", dist.Normal(0.0, 1.0))
    return sample("x", dist.Normal(z, 1.0), obs=torch.tensor(0.5))


def named() -> None:
    for name in ("height", "rate_1", "sigma_a"):
        sample(name, dist.Normal(0.0, 1.0))
        param(f"{name}_p", torch.tensor(0.0))


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_misspelt_name_is_an_error_with_the_right_one(handler: str) -> None:
    suffix = "_p" if handler in ("substitute", "lift") else ""
    with pytest.raises(UnknownSiteError, match=f"{handler} was given 'hieght{suffix}'.*") as caught:
        HANDLERS[handler](named, [f"hieght{suffix}"])()
    assert f"did you mean 'height{suffix}'?" in str(caught.value)


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_name_of_something_else_is_a_warning(handler: str) -> None:
    for name in ("shoe_size", "rate_2" if handler in ("condition", "do") else "rate_2_p"):
        with pytest.warns(TwofoldWarning, match=f"{handler} was given '{name}'"):
            HANDLERS[handler](named, [name])()


def test_the_name_of_a_statement_of_another_kind_is_told_apart_from_an_unknown_one() -> None:
    with pytest.warns(TwofoldWarning, match="'height': a statement of a kind that substitute leaves alone"):
        HANDLERS["substitute"](named, ["height"])()


@pytest.mark.parametrize("handler", HANDLERS)
def test_nothing_is_reported_without_validation_or_after_an_error(handler: str) -> None:
    def failing() -> None:
        named()
        raise ZeroDivisionError

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with validation_enabled(False):
            HANDLERS[handler](named, ["hieght", "shoe_size"])()
        with pytest.raises(ZeroDivisionError):
            HANDLERS[handler](failing, ["hieght", "shoe_size"])()
        quiet = HANDLERS[handler](named, ["hieght"])
        quiet.check_names = False
        quiet()


def test_a_site_that_is_given_too_is_no_suggestion() -> None:
    with pytest.warns(TwofoldWarning, match="'sigma_b'"):
        condition(named, data={"sigma_a": torch.tensor(0.0), "sigma_b": torch.tensor(0.0)})()


def test_names_are_those_that_the_handler_sees() -> None:
    for outer, inner in itertools.permutations(["a", "b"]):
        scoped = scope(scope(chain, prefix=inner), prefix=outer)
        sites = trace(condition(scoped, data={f"{outer}/{inner}/z": torch.tensor(1.0)})).get_trace()
        assert sites.nodes[f"{outer}/{inner}/z"]["is_observed"]
    with pytest.warns(TwofoldWarning, match="none"):
        condition(block(chain), data={"z": torch.tensor(1.0)})()
