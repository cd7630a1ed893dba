"""The programs of the page on porting run under their original imports too."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

PAGE = (Path(__file__).parent / "concepts" / "porting.md").read_text()
TORCH, JAX = (dedent(block) for block in re.findall(r"^    ```python\n(.*?)^    ```$", PAGE, re.MULTILINE | re.DOTALL))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("ours", "theirs", "program"), [("twofold_torch", "pyro", TORCH), ("twofold_jax", "numpyro", JAX)]
)
def test_program_runs_under_its_original_imports(ours: str, theirs: str, program: str) -> None:
    pytest.importorskip(theirs)
    original = program.replace(f"import {ours} as {theirs} ", f"import {theirs} ").replace(ours, theirs)
    assert ours not in original
    exec(compile(original, f"porting under {theirs}", "exec", dont_inherit=True), {"__name__": "porting"})
