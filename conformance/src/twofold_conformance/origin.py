"""Who raised an exception: the adapter (then the verdict is ``error``) or what it drives (then it is ``fail``)."""

from __future__ import annotations

import sys
from collections.abc import Collection
from types import TracebackType

from twofold_conformance.api import Adapter


def adapter_files(adapter: Adapter) -> frozenset[str]:
    """The files in which the adapter and its array operations are written; ``api.py`` is none of them."""
    classes = [cls for part in (adapter, adapter.xp()) for cls in type(part).__mro__]
    modules = {cls.__module__ for cls in classes} - {"builtins", "typing", "types", "abc", "twofold_conformance.api"}
    found = (getattr(sys.modules.get(name), "__file__", None) for name in modules)
    return frozenset(file for file in found if file)


def raised_in(error: BaseException, files: Collection[str]) -> bool:
    """Whether the frame that raised ``error`` lies in one of ``files``."""
    return innermost_file(error.__traceback__) in files


def innermost_file(traceback: TracebackType | None) -> str:
    file = ""
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        traceback = traceback.tb_next
    return file
