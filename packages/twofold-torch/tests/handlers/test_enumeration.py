"""enum and markov: exact marginals by packed log densities, against brute force."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import opt_einsum
import pytest
import torch

from twofold_torch import HandlerError, SiteError, plate, sample
from twofold_torch import distributions as dist
from twofold_torch.handlers import condition, enum, markov, replay, trace
from twofold_torch.infer.enum import config_enumerate

PARALLEL = {"enumerate": "parallel"}


def marginal(model: Callable[[], Any], first_available_dim: int = -1) -> tuple[float, int]:
    """Log of the sum over all enumerated values, and the number of dims in use."""
    sites = trace(enum(model, first_available_dim=first_available_dim)).get_trace()
    sites.compute_log_prob()
    sites.pack_tensors()
    scored = [site for site in sites.nodes.values() if site["type"] == "sample"]
    factors = [site["packed"]["log_prob"] for site in scored]
    equation = ",".join(factor._pyro_dims for factor in factors) + "->"
    dims = {site["infer"]["_enumerate_dim"] for site in scored if "_enumerate_dim" in site["infer"]}
    return opt_einsum.contract(equation, *[factor.double().exp() for factor in factors]).log().item(), len(dims)


def brute_force(model: Callable[[], Any], names: list[str]) -> float:
    """The same sum, one run for each joint value of binary sites."""
    terms = []
    for values in itertools.product([0.0, 1.0], repeat=len(names)):
        data = {name: torch.tensor(value) for name, value in zip(names, values, strict=True)}
        terms.append(trace(condition(model, data=data)).get_trace().log_prob_sum().double())
    return torch.stack(terms).logsumexp(0).item()


def transition(state: torch.Tensor, name: str) -> torch.Tensor:
    probs = torch.where(state > 0.5, 0.8, 0.1)
    state = sample(f"z{name}", dist.Bernoulli(probs), infer=PARALLEL)
    sample(f"y{name}", dist.Normal(state, 1.0), obs=torch.tensor(0.3))
    return state


def chain(steps: Any) -> None:
    state = torch.tensor(0.0)
    for step in steps:
        state = transition(state, str(step))
    sample("end", dist.Normal(state, 1.0), obs=torch.tensor(0.2))


def by_context(length: int) -> None:
    state, step = torch.tensor(0.0), markov()
    for number in range(length):
        with step:
            state = transition(state, str(number))
    sample("end", dist.Normal(state, 1.0), obs=torch.tensor(0.2))


def by_function(length: int) -> None:
    @markov
    def go_on(state: torch.Tensor, number: int) -> torch.Tensor:
        state = transition(state, str(number))
        return go_on(state, number + 1) if number + 1 < length else state

    sample("end", dist.Normal(go_on(torch.tensor(0.0), 0), 1.0), obs=torch.tensor(0.2))


def test_dims_are_used_again_under_markov_and_the_marginal_stays_exact() -> None:
    expected = brute_force(lambda: chain(range(5)), [f"z{i}" for i in range(5)])
    assert marginal(lambda: chain(range(5))) == (pytest.approx(expected, rel=1e-5), 5)
    for model in (lambda: chain(markov(range(5))), lambda: by_context(5), lambda: by_function(5)):
        assert marginal(model) == (pytest.approx(expected, rel=1e-5), 2)


def test_a_longer_history_keeps_more_dims() -> None:
    def second_order(steps: Any) -> None:
        before, state = torch.tensor(0.0), torch.tensor(0.0)
        for step in steps:
            probs = 0.1 + 0.3 * before + 0.4 * state
            before, state = state, sample(f"z{step}", dist.Bernoulli(probs), infer=PARALLEL)
            sample(f"y{step}", dist.Normal(state, 1.0), obs=torch.tensor(0.3))

    expected = brute_force(lambda: second_order(range(5)), [f"z{i}" for i in range(5)])
    assert marginal(lambda: second_order(markov(range(5), history=2))) == (pytest.approx(expected, rel=1e-5), 3)


def tree(step: Any, joins: bool) -> Callable[[], None]:
    """A binary tree of sites; children depend on their parent, or the parent on both children."""

    def down(state: torch.Tensor, name: str, depth: int) -> None:
        state = transition(state, name)
        if depth:
            node(state, name + "l", depth - 1)
            node(state, name + "r", depth - 1)

    def up(name: str, depth: int) -> torch.Tensor:
        left, right = ((node(name + side, depth - 1) if depth else torch.tensor(0.0)) for side in "lr")
        state = sample(f"z{name}", dist.Bernoulli(0.1 + 0.3 * left + 0.4 * right), infer=PARALLEL)
        sample(f"y{name}", dist.Normal(state + left, 1.0), obs=torch.tensor(0.3))
        return state

    def run() -> None:
        up_or_down()

    node = step(up if joins else down)

    def up_or_down() -> None:
        node("", 2) if joins else node(torch.tensor(0.0), "", 2)

    return run


def test_branches_of_a_tree_recycle_dims() -> None:
    names = ["z", "zl", "zll", "zlr", "zr", "zrl", "zrr"]
    expected = brute_force(tree(lambda fn: fn, False), names)
    assert marginal(tree(markov, False)) == (pytest.approx(expected, rel=1e-5), 2)


def test_branches_that_join_need_keep_and_are_refused_without() -> None:
    names = ["z", "zl", "zll", "zlr", "zr", "zrl", "zrr"]
    expected = brute_force(tree(lambda fn: fn, True), names)
    value, dims = marginal(tree(lambda fn: markov(fn, keep=True), True))
    assert value == pytest.approx(expected, rel=1e-5)
    assert dims < 7
    with pytest.raises(HandlerError, match=r"(?s)share a dim.*keep=True"):
        marginal(tree(markov, True))


def test_enumeration_stands_left_of_the_plates() -> None:
    data = torch.tensor([0.4, -2.0, 1.0])

    def mixture() -> None:
        locs = torch.tensor([-1.0, 2.0])
        with plate("rows", 3):
            z = sample("z", dist.Categorical(torch.tensor([0.7, 0.3])), infer=PARALLEL)
            sample("x", dist.Normal(locs[z], 1.0), obs=data)

    sites = trace(enum(mixture, first_available_dim=-2)).get_trace()
    sites.compute_log_prob()
    joint = sites.nodes["z"]["log_prob"] + sites.nodes["x"]["log_prob"]
    weights = torch.distributions.Categorical(torch.tensor([0.7, 0.3]))
    components = torch.distributions.Normal(torch.tensor([-1.0, 2.0]), 1.0)
    expected = torch.distributions.MixtureSameFamily(weights, components).log_prob(data)
    assert torch.allclose(joint.logsumexp(0), expected)
    with pytest.raises(HandlerError, match=r"(?s)'rows' around site 'z'.*max_plate_nesting"):
        trace(enum(mixture, first_available_dim=-1)).get_trace()
    expanded = trace(enum(config_enumerate(lambda: wide(), expand=True), first_available_dim=-1))
    with pytest.raises(HandlerError, match=r"(?s)'z' has batch dims.*max_plate_nesting"):
        expanded.get_trace()


def wide() -> None:
    sample("z", dist.Bernoulli(torch.full((3,), 0.5)))


def test_observations_in_enumerated_laws_are_still_checked() -> None:
    def model(shape: tuple[int, ...]) -> None:
        with plate("rows", 3):
            z = sample("z", dist.Bernoulli(0.5), infer=PARALLEL)
            sample("x", dist.Normal(z, 1.0), obs=torch.zeros(shape))

    trace(enum(model, first_available_dim=-2)).get_trace((3,))
    with pytest.raises(ValueError, match="'x'"):
        trace(enum(model, first_available_dim=-2)).get_trace((3, 1))


def test_a_model_sees_what_its_guide_has_enumerated() -> None:
    def guide() -> None:
        sample("a", dist.Bernoulli(0.4), infer=PARALLEL)

    def model() -> None:
        a = sample("a", dist.Bernoulli(0.3))
        b = sample("b", dist.Bernoulli(0.2 + 0.5 * a), infer=PARALLEL)
        sample("x", dist.Normal(a + b, 1.0), obs=torch.tensor(0.3))

    guided = trace(enum(guide, first_available_dim=-1)).get_trace()
    sites = trace(enum(replay(model, trace=guided), first_available_dim=-2)).get_trace()
    sites.compute_log_prob()
    sites.pack_tensors()
    dims = {name: sites.nodes[name]["packed"]["log_prob"]._pyro_dims for name in ("a", "b", "x")}
    assert len(dims["a"]) == 1
    assert len(dims["b"]) == len(dims["x"]) == 2
    assert set(dims["a"]) < set(dims["b"]) == set(dims["x"])


def test_draws_may_stand_in_for_the_support() -> None:
    model = config_enumerate(lambda: sample("x", dist.Normal(0.0, 1.0)), num_samples=50)
    value = trace(enum(model, first_available_dim=-3)).get_trace().nodes["x"]["value"]
    assert value.shape == (50, 1, 1)


def test_what_cannot_be_enumerated_is_refused() -> None:
    with pytest.raises(SiteError, match="'x' cannot be enumerated"):
        trace(enum(lambda: sample("x", dist.Normal(0.0, 1.0), infer=PARALLEL), first_available_dim=-1)).get_trace()
    for dim in (None, 0, 1):
        with pytest.raises(HandlerError, match="first_available_dim"):
            enum(chain, first_available_dim=dim)
    for wrong in ({"history": -1}, {"history": 0.5}):
        with pytest.raises(HandlerError, match="history"):
            markov(range(3), **wrong)
    with pytest.raises(HandlerError, match="cannot make steps"):
        markov(3)  # type: ignore[arg-type]
    with pytest.raises(HandlerError, match="no iterable"):
        iter(markov(chain))


def test_markov_leaves_nothing_on_the_stack_when_it_is_left_early() -> None:
    for _ in markov(range(3)):
        break
    with pytest.raises(ZeroDivisionError), markov():
        _ = 1 / 0
