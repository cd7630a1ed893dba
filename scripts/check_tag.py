"""Check that a release tag such as ``twofold-jax-v0.2.1`` names a distribution and its version."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECTS = {
    "twofold-torch": ROOT / "packages" / "twofold-torch",
    "twofold-jax": ROOT / "packages" / "twofold-jax",
    "twofold-conformance": ROOT / "conformance",
}


def problem(tag: str) -> str | None:
    """What is wrong with ``tag``, or None."""
    match = re.fullmatch(r"(?P<name>twofold-[a-z]+)-v(?P<version>\d+\.\d+\.\d+)", tag)
    if not match or match["name"] not in PROJECTS:
        return f"tag {tag!r} is not <distribution>-v<version>, with one of {', '.join(PROJECTS)}"
    version = tomllib.loads((PROJECTS[match["name"]] / "pyproject.toml").read_text())["project"]["version"]
    if version != match["version"]:
        return f"tag {tag!r} says {match['version']}, pyproject.toml says {version}"
    return None


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: check_tag.py TAG")
    found = problem(sys.argv[1])
    print(found or f"{sys.argv[1]}: tag and version agree")
    sys.exit(1 if found else 0)
