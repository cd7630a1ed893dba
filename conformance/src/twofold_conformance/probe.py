"""Questions that only another process can answer: the state after a fresh import, and checks without ``assert``.

``python [-O] -m twofold_conformance.probe ADDRESS validation`` and ``... ADDRESS checks ID ...`` print a line of JSON.
"""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twofold_conformance.api import Adapter
from twofold_conformance.loading import load_adapter
from twofold_conformance.registry import load_checks
from twofold_conformance.runner import run_check


def ask(adapter: Adapter, question: str, *arguments: str, optimised: bool) -> Any:
    """The answer of a fresh process, under ``python -O`` if ``optimised``.

    Raises:
        RuntimeError: the process failed, which is a mistake of the adapter.
    """
    flags = ["-O"] if optimised else []
    command = [sys.executable, *flags, "-m", __name__, address(adapter), question, *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def address(adapter: Adapter) -> str:
    """Where another process finds the class of ``adapter``."""
    cls = type(adapter)
    if cls.__module__.startswith("twofold_conformance."):
        return f"{cls.__module__}:{cls.__name__}"
    return f"{inspect.getsourcefile(cls)}:{cls.__name__}"


def _validation(adapter: Adapter, _: Sequence[str]) -> bool:
    return adapter.is_validation_on()


def _checks(adapter: Adapter, ids: Sequence[str]) -> dict[str, list[str]]:
    """Verdict and message of each check."""
    checks = load_checks()
    results = {check_id: run_check(checks[check_id], adapter) for check_id in ids}
    return {check_id: [result.verdict, result.message] for check_id, result in results.items()}


QUESTIONS: Mapping[str, Callable[[Adapter, Sequence[str]], Any]] = {"validation": _validation, "checks": _checks}


def main(argv: Sequence[str]) -> None:
    where, question, *arguments = argv
    print(json.dumps(QUESTIONS[question](load_adapter(where), arguments)))


if __name__ == "__main__":
    main(sys.argv[1:])
