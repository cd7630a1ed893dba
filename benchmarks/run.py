"""How fast twofold is, beside Pyro and NumPyro in the same run.

    python benchmarks/run.py [--quick] [--only NAME ...] [--output out/benchmarks.json]

Prints a table of medians and ratios (below 1: we are faster) and writes all figures as JSON.  CPU time, except where
the unit says wall; ours and theirs take turns.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench_parts import report
from bench_parts.measure import QUICK, Result, Settings

for _variable, _value in (("OMP_NUM_THREADS", "1"), ("MKL_NUM_THREADS", "1"), ("JAX_PLATFORMS", "cpu")):
    os.environ.setdefault(_variable, _value)  # in time: the groups import the array libraries

GROUPS = {
    "imports": "seconds of CPU that an import adds to the import of its framework",
    "torch-sites": "microseconds per site of a 100-site model",
    "jax-tracing": "microseconds per site of tracing a 100-site log density to a jaxpr",
    "torch-fits": "a first look: NUTS and SVI in torch",
    "jax-fits": "a first look: NUTS and SVI in JAX",
}


def results_of(group: str, settings: Settings) -> Iterator[Result]:
    """Run one group; its frameworks and peers are imported only now."""
    module = importlib.import_module(f"bench_parts.{group.replace('-', '_')}")
    yield from module.run(settings)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter turns: about a minute")
    parser.add_argument(
        "--only", nargs="+", choices=list(GROUPS), help="groups to run; default all, with --quick all but jax-fits"
    )
    parser.add_argument("--output", type=Path, default=Path("out/benchmarks.json"))
    chosen = parser.parse_args(arguments)
    settings = QUICK if chosen.quick else Settings()
    warnings.simplefilter("ignore")
    started, results = time.perf_counter(), list[Result]()
    print(report.HEADING)
    for group in chosen.only or [name for name in GROUPS if not (chosen.quick and name == "jax-fits")]:
        print(f"\n{group}: {GROUPS[group]}", flush=True)
        for result in results_of(group, settings):
            results.append(result)
            print(report.line(result), flush=True)
    seconds = time.perf_counter() - started
    report.write(chosen.output, results, seconds, chosen.quick)
    demanded = [result for result in results if result.demanded is not None]
    met = sum(bool(result.holds) for result in demanded)
    print(f"\n{met} of {len(demanded)} demands met; {chosen.output}; {seconds:.0f} s in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
