"""The demo: two hierarchical models on real data, in both flavours, by NUTS and by SVI, beside reference posteriors.

    python examples/demo.py [--draws 1000] [--picture out/demo.png]

Prints one table a model, writes a picture, and exits with 1 if a flavour disagrees with the reference.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Mapping
from pathlib import Path

import eight_schools_jax
import eight_schools_torch
import radon_jax
import radon_torch
from demo_parts import fit_jax, fit_torch
from demo_parts.compare import Row, compare_nuts, compare_svi, reference
from demo_parts.picture import draw

MODELS = {
    "eight_schools": (eight_schools_torch, eight_schools_jax),
    "radon_mn": (radon_torch, radon_jax),
}
SHOWN = {
    "eight_schools": [*(f"theta[{school}]" for school in range(1, 9)), "mu", "tau"],
    "radon_mn": ["mu_alpha", "sigma_alpha", "sigma_y", "beta[1]", "beta[2]", "alpha[1]", "alpha[26]", "alpha[70]"],
}
SVI_STEPS = 5000
PICTURE = Path(__file__).resolve().parents[1] / "out" / "demo.png"


def fit(name: str, draws: int) -> dict[str, dict[str, Row]]:
    """All four fits of one model, compared with its reference."""
    table = reference(name)
    results = {}
    for label, parts, example in zip(("torch", "JAX"), (fit_torch, fit_jax), MODELS[name], strict=True):
        for method in ("NUTS", "SVI"):
            print(f"\n{name}: {method} in {label}", flush=True)
            started = time.perf_counter()
            if method == "NUTS":
                rows = compare_nuts(parts.fit_nuts(example.model, example.load(), draws), table)
            else:
                rows = compare_svi(parts.fit_svi(example.model, example.load(), SVI_STEPS, 4 * draws), table)
            print(f"{time.perf_counter() - started:.1f} s")
            results[f"{method} {label}"] = rows
    return results


def print_table(name: str, fits: Mapping[str, Mapping[str, Row]]) -> None:
    """Reference, both flavours of NUTS with R-hat, ESS and difference, both flavours of SVI with difference."""
    table, wide, narrow = reference(name), ("NUTS torch", "NUTS JAX"), ("SVI torch", "SVI JAX")
    print(f"\n{name}: {len(table)} scalars, of which {len(SHOWN[name])} are shown; differences in reference sd")
    print(
        f"{'':<12}{'reference':^18}" + "".join(f"{fit:^40}" for fit in wide) + "".join(f"{fit:^27}" for fit in narrow)
    )
    full = f"{'mean':>9}{'sd':>8}{'R-hat':>7}{'ESS':>7}{'diff':>8} "
    print(f"{'':<12}{'mean':>9}{'sd':>8} " + full * 2 + f"{'mean':>9}{'sd':>8}{'diff':>8}  " * 2)
    for scalar in SHOWN[name]:
        line = f"{scalar:<12}{table[scalar]['mean']:>9.3f}{table[scalar]['sd']:>8.3f} "
        for fit in wide:
            row = fits[fit][scalar]
            line += f"{row.mean:>9.3f}{row.sd:>8.3f}{row.rhat:>7.3f}{row.ess:>7.0f}{row.difference:>+8.2f} "
        for fit in narrow:
            row = fits[fit][scalar]
            line += f"{row.mean:>9.3f}{row.sd:>8.3f}{row.difference:>+8.2f}  "
        print(line)


def verdict(name: str, fits: Mapping[str, Mapping[str, Row]]) -> bool:
    """Print which fits agree with the reference in every scalar, shown or not; whether all do."""
    agrees = True
    for fit, rows in fits.items():
        problems = {scalar: row.problem for scalar, row in rows.items() if row.problem}
        worst = max(rows.values(), key=lambda row: abs(row.difference))
        print(f"{name}, {fit}: largest difference {abs(worst.difference):.2f} sd", end="; ")
        print("agrees with the reference" if not problems else "DISAGREES with the reference")
        for scalar, problem in problems.items():
            print(f"    {scalar}: {problem}")
        agrees = agrees and not problems
    return agrees


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000, help="draws of each chain, and iterations of warm-up")
    parser.add_argument("--picture", type=Path, default=PICTURE)
    settings = parser.parse_args()
    warnings.simplefilter("default")
    started = time.perf_counter()
    results = {name: fit(name, settings.draws) for name in MODELS}
    for name, fits in results.items():
        print_table(name, fits)
    print()
    agrees = [verdict(name, fits) for name, fits in results.items()]
    draw(results, SHOWN, settings.picture)
    print(f"\npicture: {settings.picture}; {time.perf_counter() - started:.0f} s in all")
    return 0 if all(agrees) else 1


if __name__ == "__main__":
    sys.exit(main())
