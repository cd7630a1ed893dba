"""The posteriors of every fit side by side, as intervals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt

from demo_parts.compare import Row, reference

COLOURS = {
    "reference": "black",
    "NUTS torch": "tab:orange",
    "NUTS JAX": "tab:blue",
    "SVI torch": "moccasin",
    "SVI JAX": "lightskyblue",
}


def draw(results: Mapping[str, Mapping[str, Mapping[str, Row]]], shown: Mapping[str, list[str]], path: Path) -> None:
    """Mean and 90% interval of the shown scalars, one panel a model, in reference standard deviations."""
    figure, panels = plt.subplots(1, len(results), figsize=(7 * len(results), 7), constrained_layout=True)
    for panel, (name, fits) in zip(panels, results.items(), strict=True):
        table = reference(name)
        for row, scalar in enumerate(shown[name]):
            truth = table[scalar]
            ends = {"reference": (truth["mean"], truth["q05"], truth["q95"])}
            ends |= {fit: (rows[scalar].mean, *rows[scalar].interval) for fit, rows in fits.items()}
            for line, (fit, (mean, low, high)) in enumerate(ends.items()):
                height = row + 0.14 * (line - 2)
                low, mean, high = ((end - truth["mean"]) / truth["sd"] for end in (low, mean, high))
                label = fit if row == 0 else None
                panel.plot([low, high], [height, height], color=COLOURS[fit], linewidth=2.5, label=label)
                panel.plot(mean, height, "o", color=COLOURS[fit], markersize=5)
        panel.set_yticks(range(len(shown[name])), shown[name])
        panel.invert_yaxis()
        panel.set_xlabel("distance from the reference mean, in reference sd")
        panel.set_title(f"{name}: mean and 90% interval")
        panel.axvline(0.0, color="lightgrey", zorder=0)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(COLOURS), frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)
