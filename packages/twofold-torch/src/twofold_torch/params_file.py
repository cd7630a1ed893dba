"""Parameter stores in files: safetensors for the numbers, JSON for names, constraints and dtypes.

The file's metadata has the entries ``format``, ``version``, ``params`` and ``checksum`` (of the third).  ``params`` is
a JSON object that gives each name its tensor's key in the file, its constraint, dtype, checksum and whether it was a
``torch.nn.Parameter``.
"""

from __future__ import annotations

import json
import os
import secrets
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import constraints as torch_constraints

from .distributions.constraints import from_spec, to_spec
from .errors import FileFormatError, StoreError

__all__ = ["load_pickled_state", "load_state", "save_state"]

_FORMAT = "twofold_torch.params"
_VERSION = "1"
_Path = str | PathLike[str]
_ENTRY = {"key": str, "constraint": dict, "dtype": str, "checksum": int, "is_parameter": bool}
"""What the list of parameters has for each, and of which type."""
_REMEDY = "restore the file from a copy, or save the store again"
_SIGNS_OF_DAMAGE = (KeyError, TypeError, ValueError, AttributeError, RuntimeError)


def save_state(state: Any, filename: _Path) -> None:
    """Write a state of a store; the file appears whole or not at all.

    Args:
        state: as ``ParamStore.get_state`` gives it.
        filename: path.

    Raises:
        StoreError: a constraint has no written form.
    """
    from safetensors.torch import save

    tensors, params = {}, {}
    for number, (name, leaf) in enumerate(state["params"].items()):
        key = f"param_{number}"
        tensors[key] = stored = _storable(leaf)
        params[name] = {
            "key": key,
            "constraint": _spec(name, state["constraints"][name]),
            "dtype": str(leaf.dtype).removeprefix("torch."),
            "checksum": _checksum(stored),
            "is_parameter": isinstance(leaf, nn.Parameter),
        }
    listing = json.dumps(params)
    checksum = str(zlib.crc32(listing.encode()))
    metadata = {"format": _FORMAT, "version": _VERSION, "params": listing, "checksum": checksum}
    _write(Path(filename), save(tensors, metadata))


def _spec(name: str, constraint: Any) -> dict[str, Any]:
    try:
        return to_spec(constraint)
    except TypeError as error:
        raise StoreError(
            f"param {name!r} cannot be saved: the file format does not know its constraint",
            seen=repr(constraint),
            expected="a constraint of twofold_torch.distributions.constraints",
            suggestion="use a constraint of the package, or save store.get_state() yourself",
        ) from error


def _storable(leaf: Tensor) -> Tensor:
    value = leaf.detach().cpu()
    return (torch.view_as_real(value) if value.is_complex() else value).contiguous()


def _checksum(value: Tensor) -> int:
    return zlib.crc32(value.reshape(-1).view(torch.uint8).numpy().tobytes())


def _write(path: Path, content: bytes) -> None:
    """Write beside the place, then move there in one step."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(path.parent)!r} to save parameters in")
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
    try:
        with temporary.open("xb") as file:  # with the permissions of any new file, which tempfile would not give
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def load_state(filename: _Path, map_location: str | torch.device | None = None) -> Any:
    """Read a state that ``save_state`` wrote; nothing in the file is run.

    Args:
        filename: path.
        map_location: device of the tensors; default: the CPU.

    Returns:
        A state for ``ParamStore.set_state``.

    Raises:
        FileNotFoundError: there is no such file.
        FileFormatError: the file is damaged, or not one of ours.
    """
    from safetensors import SafetensorError, safe_open

    path = _existing(filename)
    with _clear_errors(path, SafetensorError, OSError), safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        if metadata.get("format") != _FORMAT or metadata.get("version") != _VERSION:
            seen = f"format {metadata.get('format')!r}, version {metadata.get('version')!r}"
            expected = f"format {_FORMAT!r}, version {_VERSION!r}"
            raise FileFormatError(
                f"{path} is no parameter file of this package", seen=seen, expected=expected, suggestion=_REMEDY
            )
        checksum = str(zlib.crc32(metadata["params"].encode()))
        if checksum != metadata["checksum"]:
            what = "its list of parameters does not match its checksum"
            raise _damaged(path, what, checksum, metadata["checksum"])
        params = json.loads(metadata["params"], object_pairs_hook=_without_duplicates)
        _check_listing(path, params, sorted(file.keys()))
        leaves = {name: _leaf(path, name, entry, file.get_tensor(entry["key"])) for name, entry in params.items()}
        held = {name: _constraint(path, name, entry["constraint"]) for name, entry in params.items()}
        is_parameter = {name: entry["is_parameter"] for name, entry in params.items()}
    device = torch.device("cpu" if map_location is None else map_location)
    moved = {name: _moved(leaf, device, is_parameter[name]) for name, leaf in leaves.items()}
    return {"params": moved, "constraints": held}


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{', '.join(map(repr, twice))} stands there twice")
    return dict(pairs)


def _check_listing(path: Path, params: Any, keys: list[str]) -> None:
    """Refuse a list of parameters whose entries are not of the written form, or that does not fit the tensors."""
    if not isinstance(params, dict):
        raise _damaged(path, "its list of parameters is none", type(params).__name__, "names with their entries")
    for name, entry in params.items():
        kinds = {key: type(value) for key, value in entry.items()} if isinstance(entry, dict) else type(entry)
        if kinds != _ENTRY:
            expected = ", ".join(f"{key} ({kind.__name__})" for key, kind in _ENTRY.items())
            raise _damaged(path, f"the entry of {name!r} is not of the written form", repr(entry), expected)
    listed = sorted(entry["key"] for entry in params.values())
    if listed != keys:
        raise _damaged(path, "its tensors are not those that it lists", ", ".join(keys), ", ".join(listed))


def _damaged(path: Path, what: str, seen: Any, expected: Any) -> FileFormatError:
    return FileFormatError(f"{path} is damaged: {what}", seen=seen, expected=expected, suggestion=_REMEDY)


def _constraint(path: Path, name: str, spec: Any) -> Any:
    try:
        return from_spec(spec)
    except FileFormatError as error:
        raise _damaged(path, f"constraint of {name!r}: {error.problem}", error.seen, error.expected) from error


def _existing(filename: _Path) -> Path:
    path = Path(filename)
    if not path.exists():
        raise FileNotFoundError(f"there is no file {str(path)!r} to load parameters from")
    if path.is_dir():
        raise FileFormatError(
            f"{path} is a folder",
            seen="a folder",
            expected="a file written by ParamStore.save",
            suggestion="give the path of the file in it",
        )
    return path


@contextmanager
def _clear_errors(path: Path, *more: type[Exception]) -> Iterator[None]:
    """Report whatever goes wrong inside a damaged file as that."""
    try:
        yield
    except FileFormatError:
        raise
    except Exception as error:
        if not isinstance(error, _SIGNS_OF_DAMAGE + more):
            raise
        raise FileFormatError(
            f"{path} is damaged, or not a parameter file",
            seen=f"{type(error).__name__}: {error}",
            expected="a file written by ParamStore.save",
            suggestion=f"{_REMEDY}; for a pickled store of another library, ParamStore.load_pickle",
        ) from error


def _leaf(path: Path, name: str, entry: dict[str, Any], stored: Tensor) -> Tensor:
    dtype = getattr(torch, entry["dtype"], None)
    if not isinstance(dtype, torch.dtype) or not (dtype.is_floating_point or dtype.is_complex):
        raise _damaged(path, f"the dtype of {name!r} is none of a parameter", entry["dtype"], "a floating dtype")
    if _checksum(stored) != entry["checksum"]:
        what = f"the numbers of {name!r} do not match their checksum"
        raise _damaged(path, what, _checksum(stored), entry["checksum"])
    value = torch.view_as_complex(stored) if dtype.is_complex else stored
    if value.dtype is not dtype:
        raise _damaged(path, f"{name!r} is of another dtype", value.dtype, dtype)
    return value


def _moved(leaf: Tensor, device: torch.device, is_parameter: bool) -> Tensor:
    moved = leaf.to(device)
    return nn.Parameter(moved) if is_parameter else moved.requires_grad_()


def load_pickled_state(filename: _Path, map_location: str | torch.device | None = None) -> Any:
    """Read a pickled state, as the torch lineage writes it; only tensors and torch's own constraints are unpickled.

    Raises:
        FileNotFoundError: there is no such file.
        FileFormatError: the file is damaged, holds something else, or asks for a class or function beyond these.
    """
    from pickle import UnpicklingError

    path = _existing(filename)
    classes: list[Any] = [value for value in vars(torch_constraints).values() if isinstance(value, type)]
    with _clear_errors(path, UnpicklingError, OSError, EOFError), torch.serialization.safe_globals(classes):
        state = torch.load(path, map_location=map_location or "cpu", weights_only=True)
    if not isinstance(state, dict) or not {"params", "constraints"} <= set(state):
        raise FileFormatError(
            f"{path} holds no parameter store",
            expected="a dict of 'params' and 'constraints'",
            seen=f"a {type(state).__name__}",
            suggestion="give a file that the store of the other library saved",
        )
    return {"params": state["params"], "constraints": state["constraints"]}
