"""Run a check of this repository on a machine that has only Python and pip: ``python3 dev.py demo``.

Every argument is a nox session (``python3 dev.py --list`` shows them all); the first call installs nox under ``.nox/``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
TOOLS = ROOT / ".nox" / f"tools-{sys.version_info.major}.{sys.version_info.minor}"
CONSTRAINTS, STAMP = ROOT / "constraints.txt", TOOLS / "installed-with"


def install_nox() -> None:
    """Put nox beside the repository, so that nothing outside it changes."""
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(TOOLS)]
    subprocess.run([*install, "--upgrade", "--constraint", str(CONSTRAINTS), "nox"], check=True)
    STAMP.write_bytes(CONSTRAINTS.read_bytes())


def main(arguments: list[str]) -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - said to those whose Python is older
        print(f"twofold needs Python 3.11 or newer; this is {sys.version.split()[0]}", file=sys.stderr)
        return 2
    if not STAMP.exists() or STAMP.read_bytes() != CONSTRAINTS.read_bytes():
        install_nox()
    sessions, options = [], arguments
    while options and not options[0].startswith("-"):
        sessions.append(options[0])
        options = options[1:]
    command = [sys.executable, "-m", "nox", "--noxfile", str(ROOT / "noxfile.py")]
    command += ["--session", *sessions] if sessions else []
    return subprocess.run([*command, *options], env={**os.environ, "PYTHONPATH": str(TOOLS)}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
