"""Everything that people and CI run.  ``nox --list`` is the table of contents.

Environments ("benches") are made by pip under ``.nox/``, shared by the sessions that need the same packages, and made
anew when their recipe or ``constraints.txt`` changes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tomllib
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "none"
nox.options.stop_on_first_error = False
nox.options.sessions = ["test"]

ROOT = Path(__file__).resolve().parent
TORCH, JAX, KIT = ROOT / "packages" / "twofold-torch", ROOT / "packages" / "twofold-jax", ROOT / "conformance"
PROJECTS = {"torch": TORCH, "jax": JAX, "conformance": KIT}
MODULES = {"torch": "twofold_torch", "jax": "twofold_jax", "conformance": "twofold_conformance"}
REPORTS = ROOT / "out"

TEST_TOOLS = ["pytest", "pytest-xdist", "hypothesis", "scipy", "mpmath", "beartype", "mypy", "types-tqdm"]
BENCHES: dict[str, list[str]] = {
    "lint": ["ruff", "import-linter", "towncrier", "build"],
    "conformance": [f"-e{KIT}", *TEST_TOOLS],
    "torch": [f"-e{TORCH}", f"-e{KIT}", *TEST_TOOLS],
    "jax": [f"-e{JAX}", f"-e{KIT}", *TEST_TOOLS],
    "all": [
        *(f"-e{project}" for project in PROJECTS.values()),
        *("pyro-ppl", "numpyro", "arviz", "matplotlib", "pytest", "pytest-xdist", "pytest-benchmark", "sybil"),
    ],
    "docs": ["mkdocs", "mkdocs-material", "mkdocstrings[python]"],
}


def bench(
    session: nox.Session, name: str, constraints: str = "constraints.txt", requirements: list[str] | None = None
) -> str:
    """The Python of the named environment, made or renewed if its recipe has changed."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = ROOT / ".nox" / f"bench-{name}-{version}"
    wanted = requirements or BENCHES[name]
    metadata = [(project / "pyproject.toml").read_text() for project in PROJECTS.values()]
    recipe = "\n".join([version, *wanted, (ROOT / constraints).read_text(), *metadata])
    stamp, digest = folder / "recipe", hashlib.sha256(recipe.encode()).hexdigest()
    python = str(folder / ("Scripts" if os.name == "nt" else "bin") / "python")
    if not stamp.exists() or stamp.read_text() != digest:
        shutil.rmtree(folder, ignore_errors=True)
        session.run(sys.executable, "-m", "virtualenv", "--quiet", str(folder), external=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # Without the path on which nox itself stands: pip would take what lies there for installed.
        outside = {"PYTHONPATH": ""}
        session.run(*install, "--constraint", str(ROOT / constraints), *wanted, external=True, env=outside)
        stamp.write_text(digest)
    return python


def run(session: nox.Session, python: str, *arguments: str, **environment: str) -> None:
    """Run ``python -m ...`` from the root, one thread an array library: the tests run in parallel instead."""
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu", "PYTHONPATH": ""}
    session.run(python, *arguments, external=True, env={**threads, **environment})


def pytest(session: nox.Session, python: str, *arguments: str, workers: int = 2, **environment: str) -> None:
    run(session, python, "-m", "pytest", "-q", "-n", str(workers), *arguments, *session.posargs, **environment)


@nox.session
def demo(session: nox.Session) -> None:
    """The main job: fit two real hierarchical models in both flavours and compare with reference posteriors."""
    run(session, bench(session, "all"), "examples/demo.py", *session.posargs, OMP_NUM_THREADS="1")


@nox.session
def test(session: nox.Session) -> None:
    """Everything that has to pass before a change lands."""
    both, three = ("torch", "jax"), tuple(PROJECTS)
    steps = ["lint", "layers", *(f"types({name})" for name in three), "parity", "kit"]
    steps += [*(f"tests({name})" for name in both), "conformance", *(f"doctest({name})" for name in both)]
    for step in [*steps, "examples", "docs", *(f"build({name})" for name in three)]:
        session.notify(step)


@nox.session
def lint(session: nox.Session) -> None:
    """Style and format of every Python file."""
    python = bench(session, "lint")
    run(session, python, "-m", "ruff", "check", ".")
    run(session, python, "-m", "ruff", "format", "--check", ".")


@nox.session
def format(session: nox.Session) -> None:
    """Repair style and format."""
    python = bench(session, "lint")
    run(session, python, "-m", "ruff", "check", "--fix", ".")
    run(session, python, "-m", "ruff", "format", ".")


@nox.session
def layers(session: nox.Session) -> None:
    """Imports point one way, form no cycle, and never reach the other framework."""
    python = bench(session, "lint")
    sources = os.pathsep.join(str(project / "src") for project in PROJECTS.values())
    for name in PROJECTS:
        linter = str(Path(python).with_name("lint-imports"))
        run(session, linter, "--config", f"scripts/layers-{name}.ini", "--no-logo", PYTHONPATH=sources)


@nox.session
@nox.parametrize("package", list(PROJECTS), ids=list(PROJECTS))
def types(session: nox.Session, package: str) -> None:
    """Types, strict on the public surface."""
    python = bench(session, package)
    config = str(PROJECTS[package] / "pyproject.toml")
    run(session, python, "-m", "mypy", "--config-file", config, "--package", MODULES[package])


@nox.session
def parity(session: nox.Session) -> None:
    """Twin files, names and parameters of the two packages; every difference is listed with its reason."""
    run(session, bench(session, "all"), "scripts/parity.py")


@nox.session
@nox.parametrize("package", ["torch", "jax"], ids=["torch", "jax"])
def tests(session: nox.Session, package: str) -> None:
    """The unit tests of one package, without the other framework installed."""
    project = PROJECTS[package]
    pytest(
        session,
        bench(session, package),
        "-c",
        str(project / "pyproject.toml"),
        "-m",
        "not nightly",
        str(project / "tests"),
    )


@nox.session
@nox.parametrize("package", ["torch", "jax"], ids=["torch", "jax"])
def shapes(session: nox.Session, package: str) -> None:
    """The unit tests once more, with every annotated shape enforced at run time."""
    project = PROJECTS[package]
    hook = f"--jaxtyping-packages={MODULES[package]},beartype.beartype"
    options = ["-c", str(project / "pyproject.toml"), "-m", "not nightly", hook]
    pytest(session, bench(session, package), *options, str(project / "tests"))


@nox.session
def kit(session: nox.Session) -> None:
    """The conformance kit's own tests: its lint, the NumPy reference, and every fault killed."""
    python = bench(session, "conformance")
    run(session, python, "-m", "twofold_conformance", "lint")
    pytest(session, python, "-c", str(KIT / "pyproject.toml"), str(KIT / "meta"))


IMPLEMENTATIONS = {
    "reference-stateful": ("twofold_conformance.reference.adapter:StatefulReference", None),
    "reference-stateless": ("twofold_conformance.reference.adapter:StatelessReference", None),
    "twofold-torch": (
        f"{TORCH}/tests/conformance/backend.py:TorchAdapter",
        TORCH / "tests/conformance/deviations.toml",
    ),
    "twofold-jax": (f"{JAX}/tests/conformance/backend.py:JaxAdapter", JAX / "tests/conformance/deviations.toml"),
    "pyro": ("twofold_conformance.adapters.pyro:PyroAdapter", KIT / "src/twofold_conformance/deviations/pyro.toml"),
    "numpyro": (
        "twofold_conformance.adapters.numpyro:NumpyroAdapter",
        KIT / "src/twofold_conformance/deviations/numpyro.toml",
    ),
}


@nox.session
def conformance(session: nox.Session) -> None:
    """Hold every implementation against the law; print the matrix, write it to out/matrix.{json,html}."""
    python = bench(session, "all")
    chosen = [name for name in session.posargs if name in IMPLEMENTATIONS] or list(IMPLEMENTATIONS)
    REPORTS.mkdir(exist_ok=True)
    failed = []
    for name in chosen:
        adapter, deviations = IMPLEMENTATIONS[name]
        report = REPORTS / f"{name}.json"
        report.unlink(missing_ok=True)
        options = ["--deviations", str(deviations)] if deviations else []
        options += ["--report", str(report), "--jobs", "1" if name.startswith("reference") else "2"]
        try:
            run(session, python, "-m", "twofold_conformance", "run", "--ppl", adapter, *options)
        except nox.command.CommandFailed:
            failed.append(name)
    reports = [str(REPORTS / f"{name}.json") for name in chosen if (REPORTS / f"{name}.json").exists()]
    pages = ["--html", str(REPORTS / "matrix.html"), "--json", str(REPORTS / "matrix.json")]
    run(session, python, "-m", "twofold_conformance", "matrix", *reports, *pages)
    if failed:
        session.error(f"not as recorded: {', '.join(failed)}")


@nox.session
@nox.parametrize("package", ["torch", "jax"], ids=["torch", "jax"])
def doctest(session: nox.Session, package: str) -> None:
    """The examples in the docstrings."""
    project = PROJECTS[package]
    options = ["--doctest-modules", "-o", "doctest_optionflags=NORMALIZE_WHITESPACE ELLIPSIS NUMBER"]
    pytest(session, bench(session, package), "-c", str(project / "pyproject.toml"), *options, str(project / "src"))


@nox.session
def examples(session: nox.Session) -> None:
    """Every example program, on small settings, and the runner of the benchmarks."""
    pytest(session, bench(session, "all"), "examples", "benchmarks")


@nox.session
def docs(session: nox.Session) -> None:
    """Every code block of the documentation runs; the site builds without a warning."""
    pytest(session, bench(session, "all"), "docs", workers=0)
    run(session, bench(session, "docs"), "-m", "mkdocs", "build", "--strict", "--quiet")


@nox.session
@nox.parametrize("package", list(PROJECTS), ids=list(PROJECTS))
def build(session: nox.Session, package: str) -> None:
    """Build wheel and sdist, install the wheel into an empty environment, and use it there."""
    dist = ROOT / "dist" / package
    shutil.rmtree(dist, ignore_errors=True)
    run(session, bench(session, "lint"), "-m", "build", "--outdir", str(dist), str(PROJECTS[package]))
    (wheel,) = dist.glob("*.whl")
    python = bench(session, f"smoke-{package}", requirements=[str(wheel)])
    run(session, python, "-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", str(wheel))
    run(session, python, str(ROOT / "scripts" / f"smoke_{package}.py"))


@nox.session
@nox.parametrize("package", ["torch", "jax"], ids=["torch", "jax"])
def oldest(session: nox.Session, package: str) -> None:
    """The unit tests with the oldest supported dependencies (torch: where a CPU build of that version can be had)."""
    python = bench(session, f"oldest-{package}", f"constraints-oldest-{package}.txt", BENCHES[package])
    tests_folder = str(PROJECTS[package] / "tests")
    pytest(session, python, "-c", str(PROJECTS[package] / "pyproject.toml"), "-m", "not nightly", tests_folder)


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Speed beside the peers, measured in one run; prints ratios and writes out/benchmarks.json."""
    REPORTS.mkdir(exist_ok=True)
    run(session, bench(session, "all"), "benchmarks/run.py", *session.posargs)


@nox.session
@nox.parametrize("package", ["torch", "jax"], ids=["torch", "jax"])
def nightly(session: nox.Session, package: str) -> None:
    """Slow statistical checks: reference posteriors and calibration."""
    tests_folder = str(PROJECTS[package] / "tests")
    pytest(
        session, bench(session, package), "-c", str(PROJECTS[package] / "pyproject.toml"), "-m", "nightly", tests_folder
    )


@nox.session
@nox.parametrize("package", list(PROJECTS), ids=list(PROJECTS))
def changelog(session: nox.Session, package: str) -> None:
    """What the next changelog of one distribution would say."""
    version = tomllib.loads((PROJECTS[package] / "pyproject.toml").read_text())["project"]["version"]
    options = ["--draft", "--version", version, "--dir", str(PROJECTS[package])]
    run(session, bench(session, "lint"), "-m", "towncrier", "build", *options)


@nox.session
def release_check(session: nox.Session) -> None:
    """Does the tag given after ``--`` match the version it would publish?"""
    session.run(sys.executable, "scripts/check_tag.py", *session.posargs, external=True)
