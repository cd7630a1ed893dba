"""As much inference as the clauses ask for: gradient descent on the ELBO of one draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from twofold_conformance.reference import handlers, stateless, traces, trees
from twofold_conformance.reference.constraints import Constraint
from twofold_conformance.reference.draws import GENERATOR, fold_in, make_key
from twofold_conformance.reference.errors import EstimatorError
from twofold_conformance.reference.store import STORE
from twofold_conformance.reference.tensor import Tensor, gradients, tensor

Model = Callable[..., Any]


def negative_elbo(model: Model, guide: Model, *args: Any) -> tuple[Tensor, Tensor]:
    """log q(z) - log p(x, z) at one z drawn from the guide, and a surrogate whose gradient is unbiased.

    The gradient flows through the draw where it can; elsewhere the surrogate adds the score function's term.
    """
    guided = traces.trace(guide).get_trace(*args)
    modelled = traces.trace(handlers.replay(model, trace=guided)).get_trace(*args)
    check_guide(guided)
    loss = guided.log_prob_sum() - modelled.log_prob_sum()
    score = guided.log_prob_sum(lambda name, site: not site["fn"].has_rsample)
    return loss, loss + loss.detach() * score


def check_guide(guided: traces.Trace) -> None:
    """A factor of a guide must say how it depends on the parameters."""
    for name, site in guided.items():
        if not getattr(site.get("fn"), "gradient_is_declared", True):
            raise EstimatorError(f"factor {name!r} stands in a guide and needs has_rsample=True or False")


class StatefulSVI:
    """Changes the parameters of the store in place."""

    def __init__(self, model: Model, guide: Model, learning_rate: float) -> None:
        self.model, self.guide, self.learning_rate = model, guide, learning_rate

    def init(self, seed: int, *args: Any) -> None:
        GENERATOR.seed(seed)

    def step(self, *args: Any) -> float:
        loss, surrogate = negative_elbo(self.model, self.guide, *args)
        if surrogate.requires_grad:
            surrogate.backward()
        for _, leaf in STORE.named_parameters():
            if leaf.grad is not None:
                leaf.data[...] = leaf.data - self.learning_rate * leaf.grad
                leaf.grad = None
        return float(loss.data)

    def evaluate(self, *args: Any) -> float:
        return float(negative_elbo(self.model, self.guide, *args)[0].data)

    def params(self) -> dict[str, np.ndarray]:
        return {name: value.data for name, value in STORE.items()}


class State(NamedTuple):
    """Stateless: all there is to a fit."""

    unconstrained: Mapping[str, Any]
    key: Tensor
    steps: int


class StatelessSVI:
    """Pure functions ``first`` and ``update`` of a state; ``init``, ``step`` and ``params`` carry one along."""

    def __init__(self, model: Model, guide: Model, learning_rate: float) -> None:
        self.model, self.guide, self.learning_rate = model, guide, learning_rate
        self.constraints: dict[str, Constraint] = {}

    def first(self, seed: int, *args: Any) -> State:
        """The initial values of all parameters of guide and model."""
        key = make_key(seed)
        found = traces.Trace()
        for program in (self.guide, self.model):
            found.update(traces.trace(stateless.seed(program, rng_seed=key)).get_trace(*args))
        params = {name: site for name, site in found.items() if site["type"] == "param"}
        self.constraints = {name: site["kwargs"]["constraint"] for name, site in params.items()}
        start = {name: trees.mapped(self.constraints[name].unconstrain, site["value"]) for name, site in params.items()}
        return State(start, key, 0)

    def loss(self, state: State, leaves: Mapping[str, Any], *args: Any) -> tuple[Tensor, Tensor]:
        key = fold_in(state.key, state.steps)
        values = self.constrained(leaves)

        def ready(program: Model, part: int) -> Model:
            given = stateless.substitute(program, substitute_fn=lambda msg: values.get(msg["name"]))
            return stateless.seed(given, rng_seed=fold_in(key, part))

        return negative_elbo(ready(self.model, 1), ready(self.guide, 2), *args)

    def constrained(self, leaves: Mapping[str, Any]) -> dict[str, Any]:
        return {name: trees.mapped(self.constraints[name].constrain, leaf) for name, leaf in leaves.items()}

    def update(self, state: State, *args: Any) -> tuple[State, float]:
        leaves = _leaves(state)
        loss, surrogate = self.loss(state, leaves, *args)
        slopes = gradients(surrogate)
        moved = trees.mapped(lambda leaf: leaf.data - self.learning_rate * slopes.get(leaf, 0.0), leaves)
        return State(moved, state.key, state.steps + 1), float(loss.data)

    def init(self, seed: int, *args: Any) -> None:
        self.state = self.first(seed, *args)

    def step(self, *args: Any) -> float:
        self.state, loss = self.update(self.state, *args)
        return loss

    def evaluate(self, *args: Any) -> float:
        return float(self.loss(self.state, _leaves(self.state), *args)[0].data)

    def params(self) -> dict[str, Any]:
        values = self.constrained(_leaves(self.state))
        return {name: trees.mapped(lambda leaf: tensor(leaf).data, value) for name, value in values.items()}


def _leaves(state: State) -> Any:
    return trees.mapped(lambda leaf: Tensor(np.asarray(leaf, float), requires_grad=True), state.unconstrained)
