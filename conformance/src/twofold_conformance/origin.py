"""Who raised an exception: the adapter (then the verdict is ``error``) or what it drives (then it is ``fail``)."""

from __future__ import annotations

import sys
from collections.abc import Collection
from types import FunctionType, TracebackType

from twofold_conformance.api import Adapter


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
