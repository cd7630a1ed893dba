"""Laws of block, scope and infer_config."""

from __future__ import annotations

from typing import Any

import pytest

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax import handlers
from twofold_jax.errors import HandlerError, SiteTypeError


def model() -> Any:
    tf.param("p", 1.0)
    with tf.plate("rows", 2):
        z = tf.sample("z", dist.Normal(0.0, 1.0))
    tf.deterministic("d", 1.0)
    tf.sample("x", dist.Normal(0.0, 1.0), obs=0.5)
    return z


def names(handled: Any) -> list[str]:
    return list(handlers.trace(handlers.seed(handled, rng_seed=0)).get_trace())


RULES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"hide": ["z", "rows"]}, ["p", "d", "x"]),
    ({"expose": ["z"]}, ["z"]),
    ({"hide": ["z"], "expose": ["z", "p"]}, ["p", "rows", "d", "x"]),
    ({"expose_types": ["param", "plate"]}, ["p", "rows"]),
    ({"hide_types": ["sample"]}, ["p", "rows", "d"]),
    ({"hide_fn": lambda site: site["is_observed"]}, ["p", "rows", "z", "d"]),
    ({"expose_fn": lambda site: site["is_observed"]}, ["x"]),
]


@pytest.mark.parametrize(("rule", "visible"), RULES)
def test_a_rule_decides_what_is_visible(rule: dict[str, Any], visible: list[str]) -> None:
    assert names(handlers.block(model, **rule)) == visible


@pytest.mark.parametrize("rule", [rule for rule, _ in RULES])
def test_hidden_sites_keep_their_draws(rule: dict[str, Any]) -> None:
    plain = handlers.seed(model, rng_seed=0)()
    assert (handlers.seed(handlers.block(model, **rule), rng_seed=0)() == plain).all()


def test_names_are_given_as_a_list() -> None:
    with pytest.raises(SiteTypeError, match="hide of block must be a list"):
        handlers.block(model, hide="z")


def test_scopes_rename_sites_and_their_plates_alike() -> None:
    nested = handlers.scope(handlers.scope(model, prefix="b"), prefix="a", divider=".")
    sites = handlers.trace(handlers.seed(nested, rng_seed=0)).get_trace()
    assert list(sites) == ["a.b/p", "a.b/rows", "a.b/z", "a.b/d", "a.b/x"]
    assert sites["a.b/z"]["cond_indep_stack"][0].name == "a.b/rows"


def test_a_scope_can_leave_types_alone() -> None:
    scoped = handlers.scope(model, prefix="a", hide_types=["plate", "param"])
    sites = handlers.trace(handlers.seed(scoped, rng_seed=0)).get_trace()
    assert list(sites) == ["p", "rows", "a/z", "a/d", "a/x"]
    assert sites["a/z"]["cond_indep_stack"][0].name == "rows"


def test_plates_of_one_name_in_two_scopes_nest() -> None:
    def inner() -> Any:
        with tf.plate("rows", 3):
            return tf.sample("z", dist.Normal(0.0, 1.0))

    def outer() -> Any:
        with tf.plate("rows", 2):
            return handlers.scope(inner, prefix="inner")()

    assert handlers.seed(outer, rng_seed=0)().shape == (3, 2)


@pytest.mark.parametrize("settings", [{"prefix": 1}, {"prefix": "a", "divider": None}])
def test_prefix_and_divider_are_strings(settings: Any) -> None:
    with pytest.raises(HandlerError, match="must be strings"):
        handlers.scope(model, **settings)


def test_infer_config_merges_and_may_do_nothing() -> None:
    handled = handlers.infer_config(model, config_fn=lambda site: {"k": 1} if site["name"] == "z" else None)
    sites = handlers.trace(handlers.seed(handled, rng_seed=0)).get_trace()
    assert (sites["z"]["infer"], sites["x"]["infer"], sites["p"]["infer"]) == ({"k": 1}, {}, {})
    with pytest.raises(HandlerError, match="needs a function"):
        handlers.infer_config(model)
