"""Tensors without their unused dims: each dim that is left has a letter, as in an einsum.

A packed tensor is an ordinary one with an attribute ``_pyro_dims``, a string with one letter for each dim.  Plates and
enumerated sites each have a letter of their own, so packed tensors of sites far apart can be multiplied and summed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ..errors import ShapeError

__all__ = ["assign_symbols", "broadcast_all", "pack", "unpack"]


def assign_symbols(nodes: Mapping[str, Any], plate_to_symbol: dict[str, str]) -> dict[str, int]:
    """Give each plate and each enumerated site a letter, and each site the letters of its batch dims.

    A site's ``infer`` gets ``_dim_to_symbol``, and ``_enumerate_symbol`` if it is enumerated.

    Args:
        nodes: sites by name, as a trace has them.
        plate_to_symbol: letters by plate name; letters of further plates are added.

    Returns:
        The dim of each letter.
    """
    id_to_symbol: dict[int, str] = {}
    symbol_to_dim: dict[str, int] = {}
    used = set(plate_to_symbol.values())

    def letter_of(table: dict[Any, str], key: Any) -> str:
        if key not in table:
            number = len(used)
            while _symbol(number) in used:
                number += 1
            table[key] = _symbol(number)
            used.add(table[key])
        return table[key]

    for site in nodes.values():
        if site["type"] != "sample":
            continue
        dim_to_symbol = {frame.dim: letter_of(plate_to_symbol, frame.name) for frame in _vectorized(site)}
        for dim, number in site["infer"].get("_dim_to_id", {}).items():
            dim_to_symbol[dim] = letter_of(id_to_symbol, number)
        site["infer"]["_dim_to_symbol"] = dim_to_symbol
        symbol_to_dim.update((symbol, dim) for dim, symbol in dim_to_symbol.items())
        own = site["infer"].get("_enumerate_dim")
        if own is not None:
            site["infer"]["_enumerate_symbol"] = dim_to_symbol[own]
    return symbol_to_dim


def _symbol(number: int) -> str:
    from opt_einsum import get_symbol  # type: ignore[import-untyped]

    return str(get_symbol(number))


def _vectorized(site: Mapping[str, Any]) -> list[Any]:
    return [frame for frame in site["cond_indep_stack"] if frame.dim is not None]


def pack(value: Any, dim_to_symbol: Mapping[int, str]) -> Any:
    """``value`` with only those dims whose size is not 1.

    Args:
        value: tensor whose dims count from the right; a number stays as it is.
        dim_to_symbol: letter of each negative dim.

    Returns:
        A view with the attribute ``_pyro_dims``.

    Raises:
        ShapeError: a dim has no letter: it belongs to no plate and to no enumerated site.

    Example:
        >>> import torch
        >>> pack(torch.ones(3, 1, 2), {-3: "a", -1: "b"})._pyro_dims
        'ab'
    """
    if not isinstance(value, Tensor):
        return value
    kept = [dim for dim in range(-value.dim(), 0) if value.shape[dim] > 1]
    unknown = [dim for dim in kept if dim not in dim_to_symbol]
    if unknown:
        raise ShapeError(
            f"a site has a batch dim {unknown[0]} that belongs to no plate",
            seen=f"shape {tuple(value.shape)}",
            expected=f"dims {sorted(dim_to_symbol)} only",
            suggestion="declare the dim with a plate or with .to_event(); check max_plate_nesting",
        )
    packed = value.reshape([value.shape[dim] for dim in kept]) if len(kept) < value.dim() else value.view_as(value)
    packed._pyro_dims = "".join(dim_to_symbol[dim] for dim in kept)  # type: ignore[attr-defined]
    return packed


def unpack(value: Any, symbol_to_dim: Mapping[str, int]) -> Any:
    """The inverse of ``pack``: each dim back in its place, dims of size 1 between them.

    Example:
        >>> import torch
        >>> unpack(pack(torch.ones(3, 1, 2), {-3: "a", -1: "b"}), {"a": -3, "b": -1}).shape
        torch.Size([3, 1, 2])
    """
    if not isinstance(value, Tensor):
        return value
    dims = [symbol_to_dim[symbol] for symbol in value._pyro_dims]  # type: ignore[attr-defined]
    order = sorted(range(len(dims)), key=dims.__getitem__)
    shape = [1] * -min(dims, default=0)
    for position, dim in enumerate(dims):
        shape[dim] = value.shape[position]
    return value.permute(order).reshape(shape)


def broadcast_all(*values: Tensor, dims: str | None = None) -> tuple[Tensor, ...]:
    """Packed tensors with one common set of dims, in one order.

    Args:
        values: packed tensors.
        dims: the dims in order; default: sorted.

    Example:
        >>> import torch
        >>> left, right = broadcast_all(pack(torch.ones(3, 1), {-2: "a"}), pack(torch.ones(2), {-1: "b"}))
        >>> left.shape == right.shape
        True
    """
    sizes = {symbol: size for value in values for symbol, size in zip(_dims(value), value.shape, strict=True)}
    wanted = "".join(sorted(sizes)) if dims is None else dims
    full = []
    for value in values:
        place = {symbol: position for position, symbol in enumerate(_dims(value))}
        present = value.permute([place[symbol] for symbol in wanted if symbol in place])
        shape = [sizes[symbol] if symbol in place else 1 for symbol in wanted]
        expanded: Any = present.reshape(shape).expand([sizes.get(symbol, 1) for symbol in wanted])
        expanded._pyro_dims = wanted
        full.append(expanded)
    return tuple(full)


def _dims(value: Any) -> str:
    return str(value._pyro_dims)
