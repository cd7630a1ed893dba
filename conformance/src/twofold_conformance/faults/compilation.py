"""Faults of compiled functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twofold_conformance.faults.planting import Patch, area, everywhere, swap
from twofold_conformance.reference import compiled, tensor, trees
from twofold_conformance.reference.compiled import Lazy, Program
from twofold_conformance.reference.store import STORE
from twofold_conformance.reference.tensor import Tensor

fault = area("JIT")


@fault("compiled_when_decorated", "decorating a function runs it", "calls of the function when")
def _() -> Iterator[Patch]:
    init = Lazy.__init__

    def eager(self: Any, fn: Any, *settings: Any) -> None:
        init(self, fn, *settings)
        fn(Tensor(0.0))

    yield swap(Lazy, "__init__", eager)


@fault(
    "compiled_result_off",
    "a compiled function gives other results than the function",
    "compiled log density at x|joint log density under jit|indices under jit|draw under jit",
)
def _() -> Iterator[Patch]:
    record = Lazy._record

    def twisted(self: Any, *args: Any) -> Any:
        program = record(self, *args)
        program.result = trees.mapped(lambda leaf: leaf * 1.01 if isinstance(leaf, Tensor) else leaf, program.result)
        return program

    yield swap(Lazy, "_record", twisted)


@fault("compiled_attribute_empty", "the compiled attribute stays empty", "compiled is filled")
def _() -> Iterator[Patch]:
    yield swap(Lazy, "__call__", lambda self, *args, **kwargs: self.fn(*args, **kwargs))


@fault(
    "compiled_bakes_parameters",
    "a compiled function keeps the parameters of its first call",
    "result after the slope has",
)
def _() -> Iterator[Patch]:
    record = Lazy._record

    def frozen(self: Any, *args: Any) -> Any:
        program = record(self, *args)
        program.parameters = {}
        for step in program.tape.steps:
            step.inputs = tuple(
                Tensor(value.data.copy(), requires_grad=value.requires_grad) if value.step is None else value
                for value in step.inputs
            )
        return program

    yield swap(Lazy, "_record", frozen)


@fault(
    "compiled_bakes_inputs",
    "a compiled function keeps the arguments of its first call",
    "joint log density|compiled log density at x",
)
def _() -> Iterator[Patch]:
    call = Program.__call__
    yield swap(Program, "__call__", lambda self, inputs: call(self, self.inputs))


@fault(
    "compiled_bakes_everything",
    "a compiled function always returns the result of its first call",
    "result after the slope has",
)
def _() -> Iterator[Patch]:
    yield swap(Program, "__call__", lambda self, inputs: self.result)


@fault("compiled_runs_python_again", "every call runs the Python function", "runs of the body")
def _() -> Iterator[Patch]:
    call = Lazy.__call__

    def running(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.compiled:
            self.fn(*args, **kwargs)
        return call(self, *args, **kwargs)

    yield swap(Lazy, "__call__", running)


@fault("compiled_result_detached", "no gradient flows through a compiled function", "gradient on the stored leaf")
def _() -> Iterator[Patch]:
    call = Lazy.__call__

    def detached(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = call(self, *args, **kwargs)
        return trees.mapped(lambda leaf: leaf.detach() if isinstance(leaf, Tensor) else leaf, result)

    yield swap(Lazy, "__call__", detached)


@fault("compiled_one_signature", "a function is compiled once, whatever its arguments", "result")
def _() -> Iterator[Patch]:
    yield swap(Lazy, "signature", lambda self, args, kwargs: 0)


@fault("compiled_keywords_ignored", "keyword arguments do not belong to the signature", "result")
def _() -> Iterator[Patch]:
    signature = Lazy.signature
    yield swap(Lazy, "signature", lambda self, args, kwargs: signature(self, args, {}))


@fault(
    "compiled_decorator_without_arguments",
    "the compiling decorator takes no settings",
    "TypeError: trace takes a function",
)
def _() -> Iterator[Patch]:
    def strict(fn: Any, **settings: Any) -> Any:
        if fn is None or settings:
            raise TypeError("trace takes a function")
        return Lazy(fn)

    yield everywhere(compiled.trace, strict)


@fault("compiled_warnings_not_silenced", "ignore_warnings has no effect", "a kind of warning")
def _() -> Iterator[Patch]:
    yield everywhere(compiled.trace, lambda fn=None, ignore_warnings=False: Lazy(fn) if fn else Lazy)


@fault(
    "compiled_warnings_always_silenced",
    "a compiled function never warns of values that leave the tape",
    "a kind of warning",
)
def _() -> Iterator[Patch]:
    yield swap(Tensor, "_leave", lambda self: self.data)


@fault(
    "compiled_parameters_unconstrained",
    "a parameter made inside a compiled function loses its constraint",
    "value in the store",
)
def _() -> Iterator[Patch]:
    from twofold_conformance.reference import constraints

    record = Lazy._record

    def dropping(self: Any, *args: Any) -> Any:
        before = set(STORE.constraints)
        program = record(self, *args)
        for name in set(STORE.constraints) - before:
            STORE.constraints[name] = constraints.real
        return program

    yield swap(Lazy, "_record", dropping)


@fault("vmap_first_row_only", "stateless: a mapped function gives the first row everywhere", "draws")
def _() -> Iterator[Patch]:
    vmap = compiled.vmap

    def repeated(fn: Any) -> Any:
        def mapped(*args: Any) -> Any:
            count = len(next(iter(trees.leaves(args).values())))
            row = trees.mapped(lambda leaf: leaf[0], args)
            return trees.mapped(lambda leaf: tensor.stack([leaf] * count), fn(*row))

        return mapped

    yield everywhere(vmap, repeated)
