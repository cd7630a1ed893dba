"""The array framework of the reference: NumPy arrays that remember how they were made.

Every operation is an ``Op``: what it computes, and how it pulls a gradient back to its inputs.  ``apply`` performs one
and writes it down twice: on the result, for ``backward``; and on the tape that is open, if any, for ``compiled.py``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from scipy import special

Pullback = Callable[..., Sequence[np.ndarray | None]]


@dataclass(frozen=True, eq=False)
class Op:
    """``forward(*arrays, **settings)`` and ``pullback(gradient, result, *arrays, **settings)``, an entry an input."""

    forward: Callable[..., Any]
    pullback: Pullback | None = None


@dataclass(eq=False)
class Step:
    """One operation that was performed."""

    op: Op
    inputs: tuple[Tensor, ...]
    settings: dict[str, Any]
    result: Tensor


@dataclass(eq=False)
class Tape:
    """Every operation performed while it is open."""

    steps: list[Step] = field(default_factory=list)


_TAPES: Final[list[Tape]] = []


@contextmanager
def recording() -> Iterator[Tape]:
    """Open a tape."""
    tape = Tape()
    _TAPES.append(tape)
    try:
        yield tape
    finally:
        _TAPES.remove(tape)


class TracerWarning(UserWarning):
    """A value left the tape: what Python does with it will not be repeated by the compiled function."""


class Tensor:
    """A NumPy array with the history of its making."""

    __array_priority__ = 1000.0  # numpy_array + tensor asks the tensor
    __hash__ = object.__hash__

    def __init__(self, data: Any, *, requires_grad: bool = False) -> None:
        self.data = np.asarray(data)
        if requires_grad and self.data.dtype.kind != "f":
            raise TypeError(f"only arrays of a floating dtype can require gradients, not {self.data.dtype}")
        self.requires_grad = requires_grad
        self.grad: np.ndarray | None = None
        self.step: Step | None = None
        self.leaf: Tensor | None = None
        """Of a parameter's value: the unconstrained leaf in the store."""

    shape = property(lambda self: self.data.shape)
    ndim = property(lambda self: self.data.ndim)
    dtype = property(lambda self: self.data.dtype)
    device = property(lambda self: "cpu")
    is_leaf = property(lambda self: self.step is None)

    def unconstrained(self) -> Tensor:
        """Of a parameter's value: the leaf that the store holds."""
        return self if self.leaf is None else self.leaf

    def detach(self) -> Tensor:
        return apply(_DETACH, self)

    def backward(self) -> None:
        """Add the gradient of this scalar to ``grad`` of every leaf that asks for one."""
        for leaf, gradient in gradients(self).items():
            leaf.grad = gradient if leaf.grad is None else leaf.grad + gradient

    def sum(self, axis: int | tuple[int, ...] | None = None) -> Tensor:
        return apply(_SUM, self, axis=axis)

    def reshape(self, *shape: Any) -> Tensor:
        return apply(_RESHAPE, self, shape=shape[0] if isinstance(shape[0], tuple) else shape)

    def item(self) -> Any:
        return self._leave().item()

    def _leave(self) -> np.ndarray:
        if _TAPES and any(step.result is self for step in _TAPES[-1].steps):
            warnings.warn("a traced value is used by Python: the compiled function will not see it", TracerWarning)
        return self.data

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self._leave(), dtype=dtype)

    def __repr__(self) -> str:
        return f"Tensor({np.array2string(self.data, separator=', ')})"

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self.data)))

    def __getitem__(self, index: Any) -> Tensor:
        items = index if isinstance(index, tuple) else (index,)
        arrays = [item for item in items if isinstance(item, Tensor)]
        plan = tuple(Ellipsis if isinstance(item, Tensor) else item for item in items)
        spots = tuple(position for position, item in enumerate(items) if isinstance(item, Tensor))
        return apply(_GETITEM, self, *arrays, plan=plan, spots=spots)

    def __bool__(self) -> bool:
        return bool(self._leave())

    def __float__(self) -> float:
        return float(self._leave())

    def __int__(self) -> int:
        return int(self._leave())

    def __index__(self) -> int:
        return self._leave().__index__()

    def __add__(self, other: Any) -> Tensor:
        return apply(_ADD, self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Tensor:
        return apply(_SUB, self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return apply(_SUB, other, self)

    def __mul__(self, other: Any) -> Tensor:
        return apply(_MUL, self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Tensor:
        return apply(_DIV, self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return apply(_DIV, other, self)

    def __pow__(self, other: Any) -> Tensor:
        return apply(_POW, self, other)

    def __matmul__(self, other: Any) -> Tensor:
        return apply(_MATMUL, self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return apply(_MATMUL, other, self)

    def __neg__(self) -> Tensor:
        return apply(_MUL, self, -1.0)

    def __eq__(self, other: Any) -> Tensor:  # type: ignore[override]
        return apply(_EQ, self, other)

    def __ne__(self, other: Any) -> Tensor:  # type: ignore[override]
        return apply(_NE, self, other)

    def __lt__(self, other: Any) -> Tensor:
        return apply(_LT, self, other)

    def __gt__(self, other: Any) -> Tensor:
        return apply(_LT, other, self)

    def __le__(self, other: Any) -> Tensor:
        return apply(_LE, self, other)

    def __ge__(self, other: Any) -> Tensor:
        return apply(_LE, other, self)

    def __and__(self, other: Any) -> Tensor:
        return apply(_AND, self, other)

    __rand__ = __and__

    def __invert__(self) -> Tensor:
        return apply(_NOT, self)


def tensor(value: Any) -> Tensor:
    """``value`` as a tensor: a tensor is itself, Python's floats become float64."""
    return value if isinstance(value, Tensor) else Tensor(value)


def array(value: Any) -> np.ndarray:
    """The NumPy array of any value, without a tracer warning."""
    return value.data if isinstance(value, Tensor) else np.asarray(value)


def apply(op: Op, *inputs: Any, **settings: Any) -> Tensor:
    """Perform one operation, and remember it."""
    tensors = tuple(tensor(value) for value in inputs)
    result = Tensor(op.forward(*(value.data for value in tensors), **settings))
    step = Step(op, tensors, settings, result)
    if op.pullback is not None and any(value.requires_grad for value in tensors):
        result.requires_grad, result.step = True, step
    for tape in _TAPES:
        tape.steps.append(step)
    return result


def gradients(loss: Tensor) -> dict[Tensor, np.ndarray]:
    """The gradient of a scalar with respect to every leaf that asks for one."""
    if loss.data.size != 1:
        raise ValueError(f"only a scalar can be differentiated, not shape {loss.shape}")
    flowing = {loss: np.ones_like(loss.data, dtype=float)}
    leaves: dict[Tensor, np.ndarray] = {}
    for node in reversed(_history(loss)):
        gradient = flowing.pop(node)
        if node.step is None:
            leaves[node] = gradient
            continue
        step = node.step
        assert step.op.pullback is not None
        pulled = step.op.pullback(gradient, node.data, *(value.data for value in step.inputs), **step.settings)
        for value, part in zip(step.inputs, pulled, strict=True):
            if value.requires_grad and part is not None:
                flowing[value] = flowing.get(value, 0.0) + _unbroadcast(np.asarray(part), value.shape)
    return leaves


def _history(loss: Tensor) -> list[Tensor]:
    """Everything with a gradient that ``loss`` was made of, each after its own inputs."""
    order: list[Tensor] = []
    seen: set[Tensor] = set()
    pending = [(loss, False)] if loss.requires_grad else []
    while pending:
        node, finished = pending.pop()
        if finished:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            pending.append((node, True))
            if node.step is not None:
                pending.extend((value, False) for value in node.step.inputs if value.requires_grad)
    return order


def _unbroadcast(gradient: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum a gradient over the dims along which its input had been broadcast."""
    gradient = gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))
    stretched = tuple(i for i, length in enumerate(shape) if length == 1 and gradient.shape[i] != 1)
    return gradient.sum(axis=stretched, keepdims=True) if stretched else gradient


def _elementwise(forward: Callable[[Any], Any], slope: Callable[[Any, Any], Any]) -> Op:
    """An operation on single entries; ``slope(result, x)`` is its derivative."""

    def quiet(x: np.ndarray) -> Any:
        with np.errstate(all="ignore"):
            return forward(x)

    def pullback(g: np.ndarray, result: np.ndarray, x: np.ndarray) -> Sequence[np.ndarray]:
        with np.errstate(all="ignore"):
            return (g * slope(result, x),)

    return Op(quiet, pullback)


def _sum_back(
    g: np.ndarray, _: np.ndarray, x: np.ndarray, *, axis: int | tuple[int, ...] | None
) -> Sequence[np.ndarray]:
    return (np.broadcast_to(g if axis is None else np.expand_dims(g, axis), x.shape),)


def _index(arrays: Sequence[np.ndarray], plan: tuple[Any, ...], spots: tuple[int, ...]) -> tuple[Any, ...]:
    filled = list(plan)
    for position, values in zip(spots, arrays, strict=True):
        filled[position] = values
    return tuple(filled)


def _getitem_back(
    g: np.ndarray, _: np.ndarray, x: np.ndarray, *arrays: np.ndarray, plan: tuple[Any, ...], spots: tuple[int, ...]
) -> Sequence[np.ndarray | None]:
    full = np.zeros(x.shape)
    np.add.at(full, _index(arrays, plan, spots), g)
    return (full, *(None for _ in arrays))


def _matmul_back(g: np.ndarray, _: np.ndarray, a: np.ndarray, b: np.ndarray) -> Sequence[np.ndarray]:
    """Of ``a @ b``, where either may be a vector."""
    left, right = (a[None, :] if a.ndim == 1 else a), (b[:, None] if b.ndim == 1 else b)
    full = g
    if b.ndim == 1:
        full = full[..., None]
    if a.ndim == 1:
        full = full[..., None, :]
    to_left = full @ np.swapaxes(right, -1, -2)
    to_right = np.swapaxes(left, -1, -2) @ full
    return (to_left[..., 0, :] if a.ndim == 1 else to_left), (to_right[..., 0] if b.ndim == 1 else to_right)


def _pow_back(g: np.ndarray, _: np.ndarray, x: np.ndarray, power: np.ndarray) -> Sequence[np.ndarray | None]:
    with np.errstate(all="ignore"):
        return g * power * x ** (power - 1), g * x**power * np.log(x)


def _quiet_divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.asarray(a / b)


_DETACH = Op(lambda x: x)
_ADD = Op(np.add, lambda g, *_: (g, g))
_SUB = Op(np.subtract, lambda g, *_: (g, -g))
_MUL = Op(np.multiply, lambda g, _, a, b: (g * b, g * a))
_DIV = Op(_quiet_divide, lambda g, result, _, b: (_quiet_divide(g, b), _quiet_divide(-g * result, b)))
_POW = Op(np.power, _pow_back)
_MATMUL = Op(np.matmul, _matmul_back)
_SUM = Op(lambda x, *, axis: np.sum(x, axis=axis), _sum_back)
_RESHAPE = Op(lambda x, *, shape: np.reshape(x, shape), lambda g, _, x, *, shape: (np.reshape(g, x.shape),))
_GETITEM = Op(lambda x, *arrays, plan, spots: x[_index(arrays, plan, spots)], _getitem_back)
_EQ, _NE, _LT, _LE = Op(np.equal), Op(np.not_equal), Op(np.less), Op(np.less_equal)
_AND, _NOT = Op(np.logical_and), Op(np.logical_not)
_BROADCAST = Op(lambda x, *, shape: np.broadcast_to(x, shape), lambda g, _, x, *, shape: (g,))
_WHERE = Op(np.where, lambda g, _, c, a, b: (None, np.where(c, g, 0.0), np.where(c, 0.0, g)))
_STACK = Op(
    lambda *xs, axis: np.stack(xs, axis=axis), lambda g, _, *xs, axis: tuple(np.moveaxis(g, axis, 0)[: len(xs)])
)
_TRANSPOSE = Op(lambda x: np.swapaxes(x, -1, -2), lambda g, *_: (np.swapaxes(g, -1, -2),))
_EXP = _elementwise(np.exp, lambda result, _: result)
_LOG = _elementwise(np.log, lambda _, x: 1 / x)
_LOG1P = _elementwise(np.log1p, lambda _, x: 1 / (1 + x))
_TANH = _elementwise(np.tanh, lambda result, _: 1 - result**2)
_SIGMOID = _elementwise(special.expit, lambda result, _: result * (1 - result))
_LGAMMA = _elementwise(special.gammaln, lambda _, x: special.digamma(x))
_INVERSE = Op(np.linalg.inv, lambda g, r, _: (-np.swapaxes(r, -1, -2) @ g @ np.swapaxes(r, -1, -2),))
_LOGDET = Op(
    lambda x: np.linalg.slogdet(x)[1], lambda g, _, x: (g[..., None, None] * np.swapaxes(np.linalg.inv(x), -1, -2),)
)


def exp(value: Any) -> Tensor:
    return apply(_EXP, value)


def log(value: Any) -> Tensor:
    return apply(_LOG, value)


def log1p(value: Any) -> Tensor:
    return apply(_LOG1P, value)


def tanh(value: Any) -> Tensor:
    return apply(_TANH, value)


def sigmoid(value: Any) -> Tensor:
    return apply(_SIGMOID, value)


def lgamma(value: Any) -> Tensor:
    return apply(_LGAMMA, value)


def where(condition: Any, left: Any, right: Any) -> Tensor:
    return apply(_WHERE, condition, left, right)


def stack(values: Sequence[Any], axis: int = 0) -> Tensor:
    return apply(_STACK, *values, axis=axis)


def broadcast_to(value: Any, shape: tuple[int, ...]) -> Tensor:
    value = tensor(value)
    return value if value.shape == shape else apply(_BROADCAST, value, shape=shape)


def transpose(value: Any) -> Tensor:
    return apply(_TRANSPOSE, value)


def inverse(matrix: Any) -> Tensor:
    return apply(_INVERSE, matrix)


def log_determinant(matrix: Any) -> Tensor:
    return apply(_LOGDET, matrix)
