"""The kit alone: the NumPy reference holds the whole law in an environment without any framework."""

import importlib.util
import subprocess
import sys

assert importlib.util.find_spec("torch") is None
assert importlib.util.find_spec("jax") is None

for adapter in ("StatefulReference", "StatelessReference"):
    command = [
        sys.executable,
        "-m",
        "twofold_conformance",
        "run",
        "--ppl",
        f"twofold_conformance.reference.adapter:{adapter}",
    ]
    subprocess.run(command, check=True)
