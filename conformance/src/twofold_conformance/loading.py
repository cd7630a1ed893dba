"""Finds an adapter by its address: ``package.module:Name`` or ``path/to/file.py:Name``."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from twofold_conformance.api import CAPABILITIES, Adapter
from twofold_conformance.clauses import specs

FACTS = ("name", "version", "flavour", "spec", "capabilities", "choices")
METHODS = ("ppl", "dist", "constraints", "xp", "fresh", "run", "trace", "call", "handler")


class AdapterError(Exception):
    """An adapter cannot be found, imported or made, or states something that the kit does not know."""


def load_adapter(address: str) -> Adapter:
    """A fresh adapter made from ``package.module:Name`` or ``file.py:Name``; ``Name`` is a class, a function without
    arguments or a finished adapter."""
    where, colon, name = address.rpartition(":")
    if not colon or not where or not name:
        raise AdapterError(f"--ppl {address!r}: expected package.module:Name or path/to/file.py:Name")
    module = _module(where, address)
    try:
        made: Any = getattr(module, name)
    except AttributeError:
        classes = [entry for entry, made in vars(module).items() if getattr(made, "__module__", "") == module.__name__]
        shown = ", ".join(classes[:8]) or "nothing of its own"
        raise AdapterError(f"--ppl {address!r}: {where} has no {name!r}; it defines {shown}") from None
    try:
        adapter = made() if callable(made) else made
    except Exception as error:
        raise AdapterError(f"--ppl {address!r}: making the adapter raised {type(error).__name__}: {error}") from error
    problems = problems_of(adapter)
    if problems:
        raise AdapterError(f"--ppl {address!r}: " + "; ".join(problems))
    return cast(Adapter, adapter)


def problems_of(adapter: Any) -> list[str]:
    """What is wrong with the facts that an adapter states about itself."""
    missing = [name for name in (*FACTS, *METHODS) if not hasattr(adapter, name)]
    if missing:
        return [f"the adapter lacks {', '.join(missing)} (see twofold_conformance.api.Adapter)"]
    problems = []
    if adapter.flavour not in ("stateful", "stateless"):
        problems.append(f"flavour is {adapter.flavour!r}; expected 'stateful' or 'stateless'")
    if adapter.spec not in specs():
        problems.append(f"spec is {adapter.spec!r}; this kit has {', '.join(specs())}")
    unknown = sorted(set(adapter.capabilities) - set(CAPABILITIES))
    if unknown:
        problems.append(
            f"unknown capabilities {', '.join(unknown)}; `twofold-conformance list --capabilities` shows them"
        )
    return problems


def _module(where: str, address: str) -> ModuleType:
    try:
        if where.endswith(".py") or "/" in where:
            return _from_file(Path(where))
        return importlib.import_module(where)
    except FileNotFoundError:
        raise AdapterError(f"--ppl {address!r}: there is no file {where}") from None
    except ModuleNotFoundError as error:
        missing = f"there is no module {error.name!r}; is it installed beside the kit, or in the current folder?"
        raise AdapterError(f"--ppl {address!r}: importing {where}: {missing}") from error
    except Exception as error:
        raise AdapterError(f"--ppl {address!r}: importing {where} raised {type(error).__name__}: {error}") from error


def _from_file(path: Path) -> ModuleType:
    path = path.resolve()
    if not path.is_file():
        raise FileNotFoundError(path)
    name = f"twofold_conformance_adapter_{path.stem}_{abs(hash(str(path)))}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
