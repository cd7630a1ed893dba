"""Faults of ``module`` in both flavours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from twofold_conformance.faults.planting import Patch, area, everywhere, nothing, swap
from twofold_conformance.reference import draws, mechanism, network, stateful, stateless, store, trees
from twofold_conformance.reference.network import Module
from twofold_conformance.reference.store import STORE
from twofold_conformance.reference.tensor import Tensor, array, tensor

fault = area("MODULE")


@fault(
    "module_returns_copy", "module returns a copy of the network", "what module returned|outputs after in-place changes"
)
def _() -> Iterator[Patch]:
    module = stateful.module
    yield everywhere(module, lambda *args, **kwargs: module(*args, **kwargs).copy())


@fault("module_registers_first_only", "module registers the first parameter only", "names in the store")
def _() -> Iterator[Patch]:
    named = Module.named_parameters
    yield swap(Module, "named_parameters", lambda self: iter(list(named(self))[:1]))


@fault("module_separator_dot", "parameters of a module are stored as name.path", "names in the store")
def _() -> Iterator[Patch]:
    yield swap(stateful, "SEPARATOR", ".")


@fault(
    "module_parameters_copied",
    "the store holds copies of a network's parameters",
    "outputs after in-place changes|gradient of the weight",
)
def _() -> Iterator[Patch]:
    new_leaf = store._new_leaf
    yield everywhere(new_leaf, lambda name, value, constraint: new_leaf(name, array(value), constraint))


@fault(
    "module_parameters_copied_if_transposed",
    "the store holds a copy of a parameter that is not contiguous",
    "outputs after a change",
)
def _() -> Iterator[Patch]:
    new_leaf = store._new_leaf

    def contiguous(name: str, value: Any, constraint: Any) -> Any:
        return new_leaf(name, value if array(value).flags.c_contiguous else array(value), constraint)

    yield everywhere(new_leaf, contiguous)


@fault(
    "module_always_updates",
    "module overwrites the network's parameters although not asked",
    "weight of the second network",
)
def _() -> Iterator[Patch]:
    module = stateful.module
    yield everywhere(module, lambda name, net, update_module_params=False: module(name, net, True))


@fault("module_update_ignored", "update_module_params has no effect", "outputs")
def _() -> Iterator[Patch]:
    module = stateful.module
    yield everywhere(module, lambda name, net, update_module_params=False: module(name, net, False))


@fault("module_updates_top_level_only", "update_module_params reaches no nested parameters", "outputs of a network")
def _() -> Iterator[Patch]:
    replace = Module.replace_parameters

    def shallow(self: Any, values: Any) -> None:
        replace(self, {path: value for path, value in values.items() if "." not in path})

    yield swap(Module, "replace_parameters", shallow)


@fault(
    "module_ties_broken",
    "update_module_params reaches only the first use of a shared parameter",
    "outputs after update_module_params",
)
def _() -> Iterator[Patch]:
    def first_use(self: Any, values: Any) -> None:
        self.slots.update({path: value for path, value in values.items() if path in self.slots})

    yield swap(Module, "replace_parameters", first_use)


@fault(
    "module_shared_registered_twice",
    "a shared parameter is registered under each of its paths",
    "stored names of the shared",
)
def _() -> Iterator[Patch]:
    yield swap(Module, "named_parameters", lambda self: iter(self.slots.items()))


@fault(
    "module_registers_frozen",
    "parameters that ask for no gradient are registered too",
    "a frozen parameter in training",
)
def _() -> Iterator[Patch]:
    module = stateful.module

    def all_registered(name: str, net: Any, update_module_params: bool = False) -> Any:
        frozen = [p for _, p in net.named_parameters() if not p.requires_grad] if hasattr(net, "slots") else []
        for parameter in frozen:
            parameter.requires_grad = True
        try:
            return module(name, net, update_module_params)
        finally:
            for parameter in frozen:
                parameter.requires_grad = False

    yield everywhere(module, all_registered)


@fault("module_frozen_silent", "a parameter that is not registered is not reported", "a frozen parameter in training")
def _() -> Iterator[Patch]:
    import warnings

    module = stateful.module

    def silent(*args: Any, **kwargs: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return module(*args, **kwargs)

    yield everywhere(module, silent)


@fault(
    "module_frozen_reported_in_eval",
    "a frozen parameter is reported in eval mode too",
    "a frozen parameter in evaluation",
)
def _() -> Iterator[Patch]:
    yield swap(Module, "eval", lambda self: self)


@fault("module_bypasses_handlers", "module writes to the store without param statements", "names of the recorded sites")
def _() -> Iterator[Patch]:
    def direct(name: str, value: Any) -> Any:
        return STORE.setdefault(name, value)

    module = stateful.module

    def bypassing(*args: Any, **kwargs: Any) -> Any:
        with everywhere(stateful.param, direct):
            return module(*args, **kwargs)

    yield everywhere(module, bypassing)


@fault("module_names_collide", "parameters are stored without the name of their module", "number of parameters")
def _() -> Iterator[Patch]:
    param = stateful.param

    def short(name: str, *args: Any, **kwargs: Any) -> Any:
        module, separator, path = name.partition(stateful.SEPARATOR)
        return param(f"net{separator}{path}" if separator else module, *args, **kwargs)

    yield everywhere(param, short)


@fault("module_registers_anew", "a second module statement replaces the stored leaves", "leaf")
def _() -> Iterator[Patch]:
    module = stateful.module

    def anew(name: str, net: Any, update_module_params: bool = False) -> Any:
        for key in [key for key in STORE if key.startswith(f"{name}{stateful.SEPARATOR}")]:
            STORE[key] = Tensor(array(STORE[key]))
        return module(name, net, update_module_params)

    yield everywhere(module, anew)


@fault("module_class_instantiated", "a class in the place of a network is called", "a class instead")
def _() -> Iterator[Patch]:
    module = stateful.module

    def calling(name: str, net: Any, update_module_params: bool = False) -> Any:
        instance = network.make_module([2, 1], 0, "plain") if isinstance(net, type) else net
        return module(name, instance, update_module_params)

    yield everywhere(module, calling)


@fault("module_separator_accepted", "the name of a module may hold the separator", "a name that holds")
def _() -> Iterator[Patch]:
    yield everywhere(stateful._check_module, nothing)


@fault(
    "module_anything_accepted", "an object without parameters passes as a network", r"an object without parameters\(\)"
)
def _() -> Iterator[Patch]:
    module = stateful.module
    yield everywhere(
        module, lambda name, net, *flags: module(name, net, *flags) if hasattr(net, "named_parameters") else net
    )


@fault("module_registers_buffers", "buffers are registered as parameters", "names in the store")
def _() -> Iterator[Patch]:
    named = Module.named_parameters

    def more(self: Any) -> Iterator[Any]:
        yield from named(self)
        for name, buffer in self.buffers.items():
            buffer.requires_grad = True
            yield name, buffer

    yield swap(Module, "named_parameters", more)


@fault(
    "module_params_not_recorded",
    "stateless: module makes parameters without a param statement",
    "names of the recorded sites",
)
def _() -> Iterator[Patch]:
    def unrecorded(name: str, nn: Any, input_shape: Any = None) -> Any:
        params = stateless.init_network(name, nn, input_shape, mechanism.prng_key())
        return lambda *args: nn[1](params, *args)

    yield everywhere(stateless.module, unrecorded)


@fault(
    "module_binds_other_params",
    "stateless: the returned network computes with other parameters than the recorded",
    "outputs",
)
def _() -> Iterator[Patch]:
    module = stateless.module

    def other(name: str, nn: Any, *rest: Any, **settings: Any) -> Any:
        def shifted(params: Any, *args: Any) -> Any:
            return nn[1](trees.mapped(lambda leaf: leaf + 1.0, params), *args)

        return module(name, (nn[0], shifted), *rest, **settings)

    yield everywhere(module, other)


@fault(
    "module_input_shape_ignored",
    "stateless: the network is made for another input shape",
    "ValueError: matmul: Input operand",
)
def _() -> Iterator[Patch]:
    init = stateless.init_network

    def flat(name: str, nn: Any, input_shape: Any, key: Any) -> Any:
        params = init(name, nn, input_shape, key)
        return trees.mapped(lambda leaf: leaf.reshape((*leaf.shape, 1)), params)

    yield everywhere(init, flat)


@fault(
    "module_input_shape_guessed", "stateless: a missing input_shape is guessed", "neither input_shape nor parameters"
)
def _() -> Iterator[Patch]:
    init = stateless.init_network
    yield everywhere(init, lambda name, nn, input_shape, key: init(name, nn, input_shape or (1,), key))


@fault(
    "module_initialises_though_substituted",
    "stateless: init_fn is called although parameters are given",
    "HandlerError: module",
)
def _() -> Iterator[Patch]:
    module = stateless.module

    def eager(name: str, nn: Any, input_shape: Any = None) -> Any:
        stateless.init_network(name, nn, input_shape, draws.make_key(0))
        return module(name, nn, input_shape)

    yield everywhere(module, eager)


@fault("module_params_detached", "stateless: no gradient reaches the parameters of a network", "gradient of array")
def _() -> Iterator[Patch]:
    module = stateless.module

    def stopped(name: str, nn: Any, *rest: Any, **settings: Any) -> Any:
        def constant(params: Any, *args: Any) -> Any:
            return nn[1](trees.mapped(lambda leaf: tensor(leaf).detach(), params), *args)

        return module(name, (nn[0], constant), *rest, **settings)

    yield everywhere(module, stopped)


@fault(
    "module_initial_values_constant",
    "stateless: a network starts from zeros whatever the seed",
    "outputs with different seeds",
)
def _() -> Iterator[Patch]:
    init = stateless.init_network
    yield everywhere(init, lambda *args: trees.mapped(lambda leaf: Tensor(np.zeros(array(leaf).shape)), init(*args)))
