"""Who is to blame for an exception: adapter or check (the verdict is ``error``), or what they drive (``fail``)."""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path
from types import FunctionType, ModuleType, TracebackType
from typing import Any

from twofold_conformance.api import Adapter

_KIT = Path(__file__).parent
CHECK_FOLDERS = frozenset(map(str, (_KIT, _KIT / "laws", _KIT / "oracles")))
"""Where the checks and what they call are written; the reference, which lies deeper, is an implementation."""


def adapter_files(adapter: Adapter) -> frozenset[str]:
    """The files in which the adapter and its array operations are written; ``api.py`` is none of them."""
    classes = [cls for part in (adapter, adapter.xp()) for cls in type(part).__mro__]
    strangers = {"builtins", "typing", "types", "abc", "twofold_conformance.api"}
    return frozenset(filter(None, (_file_of(cls) for cls in classes if cls.__module__ not in strangers)))


def _file_of(cls: type) -> str:
    """The file of a class, also if its module was loaded under no name."""
    module = sys.modules.get(cls.__module__)
    functions = (made for made in vars(cls).values() if isinstance(made, FunctionType))
    own = (made.__code__.co_filename for made in functions if made.__module__ == cls.__module__)
    return getattr(module, "__file__", None) or next(own, "")


def raised_in(error: BaseException, files: Collection[str]) -> bool:
    """Whether the frame that raised ``error`` lies in one of ``files``."""
    return innermost_file(error.__traceback__) in files


def innermost_file(traceback: TracebackType | None) -> str:
    file = ""
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        traceback = traceback.tb_next
    return file


def mistake_of_check(error: BaseException) -> bool:
    """Whether the check itself is wrong: an unknown name in its own lines, or an attribute that the kit does not have.

    What a check finds missing in the implementation's objects (an attribute, a key, a parameter) is that one's failure.
    """
    if str(Path(innermost_file(error.__traceback__)).parent) not in CHECK_FOLDERS:
        return False
    if isinstance(error, AttributeError):
        return _belongs_to_kit(error.obj)
    return isinstance(error, NameError | ImportError)


def lacking(error: BaseException, adapter: Adapter) -> str:
    """What the adapter or its array operations lack, if a check asked for it; empty otherwise."""
    if isinstance(error, AttributeError) and type(error.obj) in (type(adapter), type(adapter.xp())):
        return f"{type(error.obj).__name__} lacks {error.name!r} (see twofold_conformance.api)"
    return ""


def _belongs_to_kit(thing: Any) -> bool:
    """A module of Python, NumPy, SciPy or the kit itself, or an object that the kit hands to a check."""
    home = thing.__name__ if isinstance(thing, ModuleType) else type(thing).__module__
    if isinstance(thing, ModuleType):
        return home.partition(".")[0] in {"numpy", "scipy", "twofold_conformance", *sys.stdlib_module_names}
    return home in ("twofold_conformance.runner", "twofold_conformance.expect")
