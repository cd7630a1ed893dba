"""MODULE: registering the parameters of a network."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from twofold_conformance.laws._store import constrained, leaf
from twofold_conformance.oracles.networks import forward, leaves, map_leaves
from twofold_conformance.registry import clause
from twofold_conformance.runner import Kit

INPUTS = np.array([[0.5, -1.0], [2.0, 0.25]])
PATHS = ["0.bias", "0.weight", "2.bias", "2.weight"]


def values_of(k: Kit, net: Any) -> dict[str, np.ndarray]:
    """The values of a module's own parameters, by dotted path."""
    return {path: k.numpy(parameter) for path, parameter in net.named_parameters()}


def outputs(k: Kit, net: Any, inputs: np.ndarray = INPUTS) -> np.ndarray:
    return k.numpy(net(k.xp.array(inputs)))


@clause("MODULE-001")
def module_returns_the_network(k: Kit) -> None:
    net = k.adapter.net([2, 3, 1])
    k.expect.same_object(k.ppl.module("module_001", net), net, "what module returned")
    k.expect.same_object(
        k.ppl.module("module_001", net, update_module_params=True), net, "what it returned with update"
    )


@clause("MODULE-002")
def parameters_are_stored_under_their_paths(k: Kit) -> None:
    net = k.adapter.net([2, 3, 1])
    own = values_of(k, net)
    k.ppl.module("module_002", net)
    stored = constrained(k)
    k.expect.equal(sorted(stored), [f"module_002$$${path}" for path in PATHS], "names in the store")
    for path, value in own.items():
        k.expect.close(stored[f"module_002$$${path}"], value, f"stored value of {path}")


@clause("MODULE-003")
def stored_leaves_are_the_parameters(k: Kit) -> None:
    net = k.ppl.module("module_003", k.adapter.net([2, 3, 1]))
    for shift, path in enumerate(PATHS, start=1):
        stored = leaf(k, f"module_003$$${path}")
        k.xp.assign(stored, k.numpy(stored) + 0.5 * shift)
    changed = {path: k.numpy(leaf(k, f"module_003$$${path}")) for path in PATHS}
    k.expect.close(outputs(k, net), forward(changed, INPUTS), "outputs after in-place changes of the stored leaves")


@clause("MODULE-004")
def gradients_reach_the_stored_leaves(k: Kit) -> None:
    net = k.ppl.module("module_004", k.adapter.net([2, 1]))
    k.xp.backward(k.xp.sum(net(k.xp.array(INPUTS))))
    k.expect.close(k.xp.grad_of(leaf(k, "module_004$$$weight")), INPUTS.sum(0)[None], "gradient of the weight")
    k.expect.close(k.xp.grad_of(leaf(k, "module_004$$$bias")), [2.0], "gradient of the bias")


@clause("MODULE-005")
def stored_values_do_not_overwrite_by_default(k: Kit) -> None:
    k.ppl.module("module_005", k.adapter.net([2, 3, 1], seed=1))
    net = k.adapter.net([2, 3, 1], seed=2)
    own = values_of(k, net)
    k.ppl.module("module_005", net)
    for path, value in values_of(k, net).items():
        k.expect.equal(value, own[path], f"{path} of the second network")
    k.expect.close(outputs(k, net), forward(own, INPUTS), "outputs of the second network")


@clause("MODULE-006", modes=("default", "validation_off"))
def update_takes_the_stored_values(k: Kit) -> None:
    for sizes in ([2, 1], [2, 3, 1]):
        name = f"module_006_{len(sizes)}"
        first = k.adapter.net(sizes, seed=1)
        stored = values_of(k, first)
        k.ppl.module(name, first)
        net = k.ppl.module(name, k.adapter.net(sizes, seed=2), update_module_params=True)
        k.expect.close(outputs(k, net), forward(stored, INPUTS), f"outputs of a network of sizes {sizes} after update")


@clause("MODULE-007", "training")
def frozen_parameter_warns_in_training(k: Kit) -> None:
    net = k.adapter.net([2, 3, 1], kind="frozen")
    net.train()
    k.expect.warns(lambda: k.ppl.module("module_007", net), "a frozen parameter in training mode", names=["0.weight"])
    expected = [f"module_007$$${path}" for path in PATHS if path != "0.weight"]
    k.expect.equal(sorted(constrained(k)), expected, "names in the store")


@clause("MODULE-007", "evaluation")
def frozen_parameter_is_silent_in_evaluation(k: Kit) -> None:
    net = k.adapter.net([2, 3, 1], kind="frozen")
    net.eval()
    k.expect.silent(lambda: k.ppl.module("module_007", net), "a frozen parameter in evaluation mode")
    k.expect.equal("module_007$$$0.weight" in k.adapter.store(), False, "the store holds the frozen parameter")


@clause("MODULE-008")
def parameters_are_param_sites(k: Kit) -> None:
    net = k.adapter.net([2, 3, 1])
    own = values_of(k, net)
    sites = k.run(lambda: k.ppl.module("module_008", net)).sites
    k.expect.equal(sorted(sites), [f"module_008$$${path}" for path in PATHS], "names of the recorded sites")
    for path, value in own.items():
        site = sites[f"module_008$$${path}"]
        k.expect.equal(site.kind, "param", f"kind of the site of {path}")
        k.expect.close(site.value, value, f"recorded value of {path}")


@clause("MODULE-009")
def two_names_do_not_collide(k: Kit) -> None:
    nets = {name: k.adapter.net([2, 1], seed=seed) for seed, name in enumerate(("module_009_a", "module_009_b"))}
    for name, net in nets.items():
        k.ppl.module(name, net)
    k.expect.equal(len(k.adapter.store()), 4, "number of parameters in the store")
    for name, net in nets.items():
        for path, value in values_of(k, net).items():
            k.expect.close(constrained(k)[f"{name}$$${path}"], value, f"stored value of {path} of {name}")


@clause("MODULE-010")
def registering_twice_changes_nothing(k: Kit) -> None:
    net = k.adapter.net([2, 3, 1])
    k.ppl.module("module_010", net)
    before = dict(k.adapter.store().named_parameters())
    k.expect.same_object(k.ppl.module("module_010", net), net, "what the second statement returned")
    after = dict(k.adapter.store().named_parameters())
    k.expect.equal(list(after), list(before), "names in the store")
    for name, parameter in after.items():
        k.expect.same_object(parameter, before[name], f"leaf of {name}")


@clause("MODULE-011")
def class_is_refused(k: Kit) -> None:
    net_class = type(k.adapter.net([2, 1]))
    kinds = ["NotImplementedError", "TypeError"]
    k.expect.raises(lambda: k.ppl.module("module_011", net_class), "a class instead of an instance", kinds=kinds)
    k.expect.equal(len(k.adapter.store()), 0, "number of parameters in the store")


@clause("MODULE-012")
def separator_in_the_name_is_refused(k: Kit) -> None:
    net = k.adapter.net([2, 1])
    k.expect.raises(lambda: k.ppl.module("module_012$$$a", net), "a name that holds the separator")
    k.expect.equal(len(k.adapter.store()), 0, "number of parameters in the store")


@clause("MODULE-013")
def object_without_parameters_is_refused(k: Kit) -> None:
    for thing in (object(), forward):
        k.expect.raises(partial(k.ppl.module, "module_013", thing), "an object without parameters()")


@clause("MODULE-014")
def buffers_are_not_registered(k: Kit) -> None:
    k.ppl.module("module_014", k.adapter.net([2, 3, 1], kind="buffered"))
    k.expect.equal(sorted(constrained(k)), [f"module_014$$${path}" for path in PATHS], "names in the store")


@clause("MODULE-015")
def transposed_parameter_stays_tied(k: Kit) -> None:
    net = k.ppl.module("module_015", k.adapter.net([2, 3, 1], kind="transposed"))
    stored = leaf(k, "module_015$$$0.weight")
    k.xp.assign(stored, k.numpy(stored) + 1.0)
    changed = {path: k.numpy(leaf(k, f"module_015$$${path}")) for path in PATHS}
    k.expect.close(outputs(k, net), forward(changed, INPUTS), "outputs after a change of the stored leaf")


def tied_values(k: Kit, name: str) -> dict[str, np.ndarray]:
    """What a tied network should compute with: one stored weight in both places."""
    stored = {full.partition("$$$")[2]: value for full, value in constrained(k).items() if full.startswith(name)}
    weights = [path for path in stored if path.endswith("weight")]
    k.expect.equal(weights, ["0.weight"], "stored names of the shared weight")
    return {**stored, "2.weight": stored["0.weight"]}


@clause("MODULE-016", "registered once")
def shared_parameter_is_registered_once(k: Kit) -> None:
    net = k.ppl.module("module_016", k.adapter.net([2, 2, 2], kind="tied"))
    k.xp.assign(leaf(k, "module_016$$$0.weight"), np.array([[0.5, -0.25], [1.0, 2.0]]))
    k.expect.close(outputs(k, net), forward(tied_values(k, "module_016"), INPUTS), "outputs after a change of the leaf")


@clause("MODULE-016", "after update")
def shared_parameter_stays_tied_after_update(k: Kit) -> None:
    k.ppl.module("module_016", k.adapter.net([2, 2, 2], seed=1, kind="tied"))
    fresh = k.adapter.net([2, 2, 2], seed=2, kind="tied")
    net = k.ppl.module("module_016", fresh, update_module_params=True)
    k.expect.close(outputs(k, net), forward(tied_values(k, "module_016"), INPUTS), "outputs after update_module_params")


class StaxNet:
    """A network in the manner of stax that keeps what its init function was asked and what it gave."""

    def __init__(self, k: Kit) -> None:
        self._init, self.apply = k.adapter.net([2, 3, 1])
        self.shapes: list[tuple[int, ...]] = []
        self.made: list[Any] = []
        self.pair = (self.init, self.apply)

    def init(self, rng_key: Any, input_shape: tuple[int, ...]) -> Any:
        output_shape, params = self._init(rng_key, input_shape)
        self.shapes.append(tuple(input_shape))
        self.made.append(params)
        return output_shape, params

    def made_from(self, k: Kit, seed: int) -> Any:
        return self._init(k.xp.key(seed), (2,))[1]


def registered(k: Kit, name: str, net: StaxNet) -> Callable[[], Any]:
    return lambda: k.ppl.module(name, net.pair, input_shape=(2,))(k.xp.array(INPUTS))


def expect_tree(k: Kit, seen: Any, expected: Any, what: str) -> None:
    pairs = list(zip(leaves(seen), leaves(expected), strict=False))
    k.expect.equal(len(leaves(seen)), len(leaves(expected)), f"number of arrays in {what}")
    for position, (one, other) in enumerate(pairs):
        k.expect.close(k.numpy(one), k.numpy(other), f"array {position} of {what}")


@clause("MODULE-020")
def parameters_are_one_param_site(k: Kit) -> None:
    net = StaxNet(k)
    sites = k.run(registered(k, "module_020", net)).sites
    k.expect.equal(list(sites), ["module_020$params"], "names of the recorded sites")
    k.expect.equal(sites["module_020$params"].kind, "param", "kind of the site")
    expect_tree(k, sites["module_020$params"].value, net.made[0], "the recorded parameters")


@clause("MODULE-021")
def returned_callable_applies_the_parameters(k: Kit) -> None:
    net = StaxNet(k)
    seen = k.numpy(k.run(registered(k, "module_021", net)).value)
    k.expect.shape(seen, (2, 1), "outputs")
    k.expect.close(seen, k.numpy(net.apply(net.made[0], k.xp.array(INPUTS))), "outputs")


@clause("MODULE-022")
def parameters_have_the_shapes_of_init(k: Kit) -> None:
    net = StaxNet(k)
    value = k.run(registered(k, "module_022", net)).sites["module_022$params"].value
    expected = [k.xp.shape(array) for array in leaves(net.made_from(k, 7))]
    k.expect.equal([np.shape(array) for array in leaves(value)], expected, "shapes of the parameters")
    k.expect.equal(net.shapes, [(2,)], "input shapes that the init function got")


@clause("MODULE-023")
def missing_input_shape_raises(k: Kit) -> None:
    def model() -> Any:
        return k.ppl.module("module_023", StaxNet(k).pair)

    k.expect.raises(
        lambda: k.call(model), "neither input_shape nor parameters", kinds=["ValueError"], names=["input_shape"]
    )


@clause("MODULE-024")
def substituted_parameters_are_used(k: Kit) -> None:
    net = StaxNet(k)
    params = net.made_from(k, 7)

    def model() -> Any:
        return k.ppl.module("module_024", net.pair)(k.xp.array(INPUTS))

    substituted = k.handler("substitute", model, data={"module_024$params": params})
    expected = k.numpy(net.apply(params, k.xp.array(INPUTS)))
    k.expect.close(k.numpy(k.call(substituted)), expected, "outputs")
    k.expect.close(k.numpy(k.call(substituted, seed=None)), expected, "outputs without a key")
    k.expect.equal(len(net.made), 0, "calls of the init function")


@clause("MODULE-025")
def initial_parameters_follow_the_seed(k: Kit) -> None:
    first, again, other = (k.numpy(k.call(registered(k, "module_025", StaxNet(k)), seed=seed)) for seed in (1, 1, 2))
    k.expect.equal(again, first, "outputs with equal seeds")
    k.expect.different(other, first, "outputs with different seeds")


@clause("MODULE-026")
def one_name_shares_its_parameters(k: Kit) -> None:
    net = StaxNet(k)
    statement = registered(k, "module_026", net)
    first, second = k.run(lambda: (statement(), statement())).value
    k.expect.equal(k.numpy(second), k.numpy(first), "outputs of the second statement")


@clause("MODULE-027")
def missing_key_is_named(k: Kit) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        error = k.expect.raises(
            lambda: k.call(registered(k, "module_027", StaxNet(k)), seed=None), "module without seed and parameters"
        )
    said = " ".join([str(error), *(str(warning.message) for warning in caught)])
    k.expect.true("key" in said.lower(), "the error or a warning speaks of the key", seen=said)


def loss(k: Kit, net: StaxNet, params: Any) -> Any:
    def model() -> Any:
        return k.xp.sum(k.ppl.module("module_028", net.pair)(k.xp.array(INPUTS)))

    return k.handler("substitute", model, data={"module_028$params": params})()


@clause("MODULE-028")
def substituted_parameters_have_gradients(k: Kit) -> None:
    net = StaxNet(k)
    params = net.made_from(k, 7)
    for position, start in enumerate(leaves(params)):

        def of_one(array: Any, position: int = position) -> Any:
            return loss(k, net, map_leaves(lambda place, leaf: array if place == position else leaf, params))

        eager = k.xp.grad(of_one, start)
        k.expect.true(np.all(np.isfinite(eager)) and np.any(eager != 0), f"gradient of array {position}", seen=eager)
        compiled = k.xp.grad(k.adapter.compile(of_one), start)
        k.expect.close(compiled, eager, f"gradient of array {position} under jit")
