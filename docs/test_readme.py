"""The Python blocks of the READMEs are complete programs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import twofold_torch

ROOT = Path(__file__).resolve().parents[1]
READMES = ["README.md", "packages/twofold-torch/README.md", "packages/twofold-jax/README.md"]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [
    pytest.param(page, block[1], id=f"{page}:{(ROOT / page).read_text()[: block.start()].count(chr(10)) + 1}")
    for page in READMES
    for block in BLOCK.finditer((ROOT / page).read_text())
]


def test_every_readme_has_a_program() -> None:
    assert {param.values[0] for param in BLOCKS} == set(READMES)


@pytest.mark.parametrize(("page", "source"), BLOCKS)
def test_program_of_a_readme_runs(page: str, source: str) -> None:
    twofold_torch.set_rng_seed(0)
    exec(compile(source, page, "exec", dont_inherit=True), {"__name__": page})
