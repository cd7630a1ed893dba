"""ERR: what must be refused, and what an error must name."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Any

import numpy as np

from twofold_conformance.laws._tools import Interrupted, full, ones
from twofold_conformance.oracles import densities
from twofold_conformance.probe import ask
from twofold_conformance.registry import CHECKS, clause
from twofold_conformance.runner import Kit


@clause("ERR-001", case="bare")
def law_must_be_callable_bare(k: Kit) -> None:
    for law in (None, 3.0, "normal"):
        k.expect.raises(partial(k.call, partial(k.ppl.sample, "height", law)), f"law {law!r}", kinds=["TypeError"])


@clause("ERR-001", case="traced", modes=("default", "validation_off"))
def law_must_be_callable_traced(k: Kit) -> None:
    for law in (None, 3.0, "normal"):
        k.expect.raises(partial(k.trace, partial(k.ppl.sample, "height", law)), f"law {law!r}", kinds=["TypeError"])


@clause("ERR-002")
def names_must_be_strings(k: Kit) -> None:
    for name in (1, None, ("a",)):
        k.expect.raises(
            partial(k.trace, partial(k.ppl.sample, name, k.dist.Normal(0.0, 1.0))),
            f"name {name!r}",
            kinds=["TypeError"],
        )


@clause("ERR-003")
def sample_shape_must_be_a_tuple(k: Kit) -> None:
    k.expect.raises(
        lambda: k.call(lambda: k.ppl.sample("height", k.dist.Normal(0.0, 1.0), sample_shape=3)), "sample_shape=3"
    )


def _sample(k: Kit) -> Any:
    return k.ppl.sample("height", k.dist.Normal(0.0, 1.0))


def _param(k: Kit) -> Any:
    return k.ppl.param("height", k.xp.array(1.0))


def _plate(k: Kit) -> Any:
    with k.ppl.plate("height", 2) as ind:
        return ind


@clause("ERR-004", case="sample, then param", modes=("default", "validation_off"))
def sample_then_param_of_one_name(k: Kit) -> None:
    k.expect.raises(lambda: k.trace(lambda: (_sample(k), _param(k))), "a sample site, then a param 'height'")


@clause("ERR-004", case="param, then sample", modes=("default", "validation_off"))
def param_then_sample_of_one_name(k: Kit) -> None:
    k.expect.raises(lambda: k.trace(lambda: (_param(k), _sample(k))), "a param, then a sample site 'height'")


@clause("ERR-005", case="sample, then plate", modes=("default", "validation_off"))
def sample_then_plate_of_one_name(k: Kit) -> None:
    k.expect.raises(lambda: k.trace(lambda: (_sample(k), _plate(k))), "a sample site, then a plate 'height'")


@clause("ERR-005", case="plate, then sample", modes=("default", "validation_off"))
def plate_then_sample_of_one_name(k: Kit) -> None:
    k.expect.raises(lambda: k.trace(lambda: (_plate(k), _sample(k))), "a plate, then a sample site 'height'")


@clause("ERR-006", case="duplicate name")
def duplicate_error_names_the_site(k: Kit) -> None:
    k.expect.raises(lambda: k.trace(lambda: (_sample(k), _sample(k))), "two sites 'height'", names=["height"])


@clause("ERR-006", case="plate shape")
def shape_error_names_everything(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 17):
            k.ppl.sample("height", k.dist.Normal(full(k, 0.0, 13), 1.0))

    k.expect.raises(lambda: k.run(model), "batch (13,) in a plate of 17", names=["height", "rows", "13", "17"])


@clause("ERR-007")
def unknown_keyword_to_sample(k: Kit) -> None:
    k.expect.raises(
        lambda: k.call(lambda: k.ppl.sample("height", k.dist.Normal(0.0, 1.0), observed=1.0)),
        "an unknown keyword",
        kinds=["TypeError"],
    )


@clause("ERR-008")
def unknown_keyword_to_the_law(k: Kit) -> None:
    k.expect.raises(
        lambda: k.trace(lambda: k.ppl.sample("height", lambda: k.xp.array(1.0), unheard=1.0)),
        "a keyword that fn does not take",
        kinds=["TypeError"],
    )


@clause("ERR-009", case="deterministic, then sample", modes=("default", "validation_off"))
def deterministic_then_sample_of_one_name(k: Kit) -> None:
    def model() -> None:
        k.ppl.deterministic("height", k.xp.array(1.0))
        _sample(k)

    k.expect.raises(lambda: k.trace(model), "a deterministic and a sample site 'height'")


@clause("ERR-009", case="sample, then deterministic", modes=("default", "validation_off"))
def sample_then_deterministic_of_one_name(k: Kit) -> None:
    def model() -> None:
        _sample(k)
        k.ppl.deterministic("height", k.xp.array(1.0))

    k.expect.raises(lambda: k.trace(model), "a sample and a deterministic site 'height'")


@clause("ERR-010")
def library_is_usable_after_an_error(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 3):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))
        k.ppl.sample("weight", k.dist.Normal(0.0, 1.0), obs=k.xp.array(0.5))

    def failing() -> None:
        with (
            k.ppl.plate("rows", 2),
            k.handler("mask", mask=False),
            k.handler("scale", scale=5.0),
            k.handler("seed", rng_seed=7),
            k.handler("trace"),
        ):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))
            raise Interrupted

    before = k.run(model, seed=3)
    with contextlib.suppress(Interrupted):
        k.run(failing)
    after = k.run(model, seed=3)
    k.expect.equal(list(after.sites), list(before.sites), "sites of the next run")
    for name, site in before.sites.items():
        k.expect.equal(after.sites[name].value, site.value, f"value of {name} in the next run")
        k.expect.equal(after.sites[name].plates, site.plates, f"plates around {name} in the next run")
    k.expect.close(after.log_density, before.log_density, "joint log density of the next run")
    expected = densities.normal(before.sites["height"].value).sum() + densities.normal(0.5)
    k.expect.close(after.log_density, expected, "joint log density of the next run")


@clause("ERR-011")
def wrong_rank_is_reported_by_site(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 5):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=ones(k, 5, 2, 3))

    k.expect.raises(lambda: k.run(model), "obs of shape (5, 2, 3) in a plate of 5", names=["height"])


@clause("ERR-012")
def density_error_shows_shapes(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("height", k.dist.Normal(full(k, 0.0, 13), 1.0), obs=ones(k, 17))

    k.expect.raises(lambda: k.run(model), "obs of shape (17,) against batch (13,)", names=["height", "13", "17"])


REQUIRED = (
    *("SAMPLE-018", "PLATE-014", "PLATE-028", "PLATE-051", "MODULE-012", "STORE-014", "ERR-001"),
    *("HANDLER-034", "HANDLER-087", "HANDLER-091", "FACTOR-009"),
)
"""Clauses that require errors; all their checks are run once more."""


@clause("ERR-013", slow=True)
def errors_hold_without_assertions(k: Kit) -> None:
    ids = [check.id for check in CHECKS.values() if check.clause in REQUIRED or check.id == "PLATE-029[built inside]"]
    answers = ask(k.adapter, "checks", *ids, optimised=True)
    broken = [check_id for check_id, (verdict, _) in answers.items() if verdict in ("fail", "error")]
    k.expect.equal(broken, [], "checks of required errors that fail under python -O", hint="an assert is no error")
    k.expect.true(
        any(verdict == "pass" for verdict, _ in answers.values()), "some checks of required errors apply", seen=answers
    )


@clause("ERR-014", case="column against a row", modes=("default", "validation_off"))
def column_against_a_row(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("height", k.dist.Normal(full(k, 0.0, 5), 1.0), obs=ones(k, 5, 1))

    k.expect.raises(
        lambda: k.run(model),
        "obs of shape (5, 1) against batch (5,)",
        names=["height"],
        hint="otherwise the density is summed over 5 x 5 entries",
    )


@clause("ERR-014", case="row against a column")
def row_against_a_column(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("height", k.dist.Normal(full(k, 0.0, 5, 1), 1.0), obs=ones(k, 5))

    k.expect.raises(lambda: k.run(model), "obs of shape (5,) against batch (5, 1)", names=["height"])


@clause("ERR-014", case="one-way broadcasting stays")
def one_way_broadcasting_stays_legal(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("many", k.dist.Normal(0.0, 1.0), obs=ones(k, 3))
        k.ppl.sample("one", k.dist.Normal(full(k, 0.0, 3), 1.0), obs=k.xp.array(1.0))

    expected = 6 * densities.normal(1.0)
    k.expect.close(k.run(model).log_density, np.asarray(expected), "joint log density of legal broadcasts")
