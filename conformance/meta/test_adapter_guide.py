"""The guide to writing an adapter is executed from top to bottom: its files are written, its commands run."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "developer" / "adapter-guide.md"
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
STATUS = {"--clause PLATE-008": {0, 1}, "--clause SAMPLE-018": {0, 1}, "--profile core": {1}, "pytest": {0, 1}}


@pytest.mark.skipif(not GUIDE.is_file(), reason="the guide is not part of the kit's archive")
def test_every_block_of_the_guide_runs_and_prints_what_it_says(tmp_path: Path) -> None:
    for language, title, body in BLOCK.findall(GUIDE.read_text(encoding="utf-8")):
        if title == "mend":
            subprocess.run([sys.executable, "-c", body], cwd=tmp_path, check=True)
        elif title:
            with (tmp_path / title).open("a", encoding="utf-8") as file:
                file.write(body + "\n")
        elif language == "console":
            for command, expected in commands(body):
                if "pip install" not in command:
                    execute(command, expected, tmp_path)
    assert (tmp_path / "matrix.html").stat().st_size > 10_000
    assert (tmp_path / "skeleton.py").is_file()


def commands(body: str) -> Iterator[tuple[str, list[str]]]:
    """Each command with the lines that are promised; ``...`` stands for any others."""
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, *expected = part.rstrip().splitlines()
        yield command, [line for line in expected if line != "..."]


def execute(command: str, expected: list[str], folder: Path) -> None:
    program, *words = shlex.split(command)
    module = {"twofold-conformance": "twofold_conformance", "pytest": "pytest"}[program]
    done = subprocess.run([sys.executable, "-m", module, *words], cwd=folder, capture_output=True, text=True)
    allowed = next((codes for part, codes in STATUS.items() if part in command), {0})
    assert done.returncode in allowed, f"{command}\n{done.stdout[-2000:]}{done.stderr}"
    lines = iter(done.stdout.splitlines())
    for wanted in expected:
        assert wanted in lines, f"{command} does not print, in this order: {wanted}\n{done.stdout}"
