"""Compiled functions: equal to the eager ones in value, gradient and randomness."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from twofold_torch import SiteTypeError, TwofoldWarning, get_param_store, module, param, plate, sample, set_rng_seed
from twofold_torch import distributions as dist
from twofold_torch.distributions import constraints
from twofold_torch.handlers import condition, trace
from twofold_torch.ops import jit


def density(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    def model() -> None:
        scale = param("scale", torch.tensor(0.5), constraint=constraints.positive)
        with plate("rows", len(x)):
            sample("y", dist.Normal(x, scale))

    return trace(condition(model, data={"y": y})).get_trace().log_prob_sum()


X, Y = torch.tensor([1.0, 2.0]), torch.tensor([0.3, 0.1])


def test_nothing_runs_before_the_first_call_and_python_only_once() -> None:
    calls: list[int] = []

    @jit.trace
    def counted(x: torch.Tensor) -> torch.Tensor:
        """Counts."""
        calls.append(1)
        return density(x, Y)

    assert calls == []
    assert counted.compiled == {}
    assert counted.__doc__ == "Counts."
    for _ in range(3):
        assert torch.equal(counted(X), density(X, Y))
    assert calls == [1]
    (program,) = counted.compiled.values()
    assert "aten.log" in program.code


def test_values_and_gradients_follow_the_store() -> None:
    compiled = jit.trace(density)
    compiled(X, Y)
    store = get_param_store()
    for value in (2.0, 0.7):
        store["scale"] = torch.tensor(value)
        leaf = store["scale"].unconstrained()
        gradients = []
        for fn in (compiled, density):
            leaf.grad = None
            fn(X, Y).backward()
            gradients.append(leaf.grad.clone())
        assert torch.allclose(compiled(X, Y), density(X, Y))
        assert torch.allclose(*gradients)
    with torch.no_grad():
        leaf.add_(1.0)
    assert torch.allclose(compiled(X, Y), density(X, Y))
    store.clear()
    assert torch.allclose(compiled(X, Y), density(X, Y))
    assert store["scale"].item() == pytest.approx(0.5)


def test_a_parameter_of_another_shape_is_compiled_anew() -> None:
    compiled = jit.trace(lambda x: (x * param("w", torch.ones(2))).sum())
    assert compiled(X).item() == 3.0
    get_param_store().clear()
    get_param_store()["w"] = torch.ones(1) * 2
    assert compiled(X).item() == 6.0


def test_signatures_with_different_parameters_do_not_mix() -> None:
    @jit.trace
    def either(x: torch.Tensor, which: str = "a") -> torch.Tensor:
        return x * param(which, torch.tensor(2.0 if which == "a" else 3.0))

    one = torch.tensor(1.0)
    for _ in range(2):
        assert either(one, which="a").item() == 2.0
        assert either(one, which="b").item() == 3.0
        assert either(one).item() == 2.0
    assert len(either.compiled) == 3
    get_param_store()["a"] = torch.tensor(5.0)
    assert either(one, which="a").item() == 5.0


def test_gradients_reach_arguments_networks_and_custom_rules_as_in_eager_runs() -> None:
    class Straight(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x.round()

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
            return 10 * g

    net, plain = nn.Linear(2, 2), torch.ones(2, requires_grad=True)

    def fn(x: torch.Tensor) -> dict[str, Any]:
        with torch.no_grad():
            constant = net(x).sum()
        drawn = dist.Gamma(net.weight.exp(), 1.0)()
        return {"loss": constant * (net(x) * plain).sum() + Straight.apply(x).sum() + drawn.sum(), "more": (x, 3)}

    compiled, results = jit.trace(fn), []
    for run in (compiled, fn, compiled):
        leaves = [torch.tensor([0.3, 0.7], requires_grad=True), plain, net.weight, net.bias]
        for leaf in leaves:
            leaf.grad = None
        set_rng_seed(1)
        out = run(leaves[0])
        out["loss"].backward()
        assert out["more"][1] == 3
        results.append([out["loss"], *(leaf.grad for leaf in leaves)])
    for other in results[1:]:
        for left, right in zip(results[0], other, strict=True):
            assert torch.allclose(left, right)


def test_draws_are_new_at_each_call_and_follow_the_seed() -> None:
    compiled = jit.trace(lambda: sample("x", dist.Normal(torch.zeros(3), 1.0)))
    set_rng_seed(3)
    first, second = compiled(), compiled()
    set_rng_seed(3)
    assert torch.equal(compiled(), first)
    assert not torch.equal(first, second)
    set_rng_seed(3)
    assert torch.equal(sample("x", dist.Normal(torch.zeros(3), 1.0)), first)


def test_subsamples_are_new_at_each_call_also_of_large_plates() -> None:
    @jit.trace
    def rows() -> torch.Tensor:
        with plate("rows", 10_000, subsample_size=3) as ind:
            return ind + 0

    assert len({tuple(rows().tolist()) for _ in range(5)}) == 5


def test_a_number_that_is_read_warns_unless_told_not_to() -> None:
    def branching(x: torch.Tensor) -> torch.Tensor:
        return x if x.sum() > 0 else -x

    with pytest.warns(TwofoldWarning, match="number is read"):
        jit.trace(branching)(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(jit.trace(ignore_warnings=True)(branching)(X), X)
        jit.trace(density)(X, Y)


def test_results_without_gradients_and_without_tensors() -> None:
    compiled = jit.trace(lambda x: ((x > 1).long(), None, "text"))
    flags, nothing, text = compiled(X)
    assert flags.tolist() == [0, 1]
    assert not flags.requires_grad
    assert (nothing, text) == (None, "text")
    with torch.no_grad():
        assert not jit.trace(density)(X, Y).requires_grad
    assert jit.trace(density)(X, Y).requires_grad


def test_arguments_other_than_tensors_are_part_of_the_signature() -> None:
    compiled = jit.trace(lambda x, y, *, options: x * float(y.sum()) + options["add"])
    assert compiled(X, np.ones(2), options={"add": 1})[0].item() == 3.0
    assert compiled(X, np.zeros(2), options={"add": 2})[0].item() == 2.0
    with pytest.raises(SiteTypeError, match="cannot tell"):
        compiled(X, {1, 2}, options={})
    with pytest.raises(SiteTypeError, match="needs a function"):
        jit.trace(3)


def test_parameters_of_the_first_call_are_registered_once_with_their_constraint() -> None:
    def fn(x: torch.Tensor) -> torch.Tensor:
        module("net", net)
        return net(x) * param("p", lambda: torch.tensor(2.0), constraint=constraints.positive)

    net = nn.Linear(2, 1)
    compiled = jit.trace(fn)
    assert torch.allclose(compiled(X), fn(X))
    store = get_param_store()
    assert store.keys() == ["net$$$weight", "net$$$bias", "p"]
    assert store.constraint("p") is constraints.positive
    assert dict(store.named_parameters())["net$$$weight"] is net.weight


def test_statements_inside_are_hidden_from_handlers_outside_at_every_call() -> None:
    compiled = jit.trace(lambda: sample("x", dist.Normal(0.0, 1.0)))
    for _ in range(2):
        assert trace(compiled).get_trace().stochastic_nodes == []


def test_programs_of_the_lineage_find_trace_with_its_arguments() -> None:
    import twofold_torch

    double = twofold_torch.ops.jit.trace(ignore_warnings=True, jit_options={"check_trace": False})(lambda x: 2 * x)
    assert double(torch.tensor(2.0)) == 4.0
