"""Draws the plots of docs/performance.md.

    python benchmarks/plots.py FOLDER < NUMBERS

NUMBERS are what page.drawn gives, as JSON. It needs matplotlib, and nothing of the tool:
benchmarks/run.py starts it in an environment of its own. The background is white, so that texts can
be read on dark pages too.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt

OURS, SNIPPET, GOAL = "#1f6f8b", "#9a9a9a", "#c0392b"
STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",  # letters as text: small files, and they can be searched
    "svg.hashsalt": "benchmarks",  # the same drawing gives the same file
    "savefig.facecolor": "white",
}


def main(found: dict[str, Any], folder: Path) -> None:
    """Draw what there are numbers for."""
    plt.rcParams.update(STYLE)
    if found["ratios"]:
        draw_ratios(found["ratios"], folder / "performance-ratios.svg")
    if found["growth"] is None:
        return
    for by, label, scale in (
        ("assets", "assets", 1.0),
        ("bytes", "bytes of all snapshots, in MB", 1e6),
    ):
        draw_growth(found["growth"], by, label, scale, folder / f"performance-{by}.svg")


def draw_ratios(ratios: list[dict[str, Any]], file: Path) -> None:
    """A bar for every case, with its goal."""
    figure, axes = plt.subplots(figsize=(7.5, 0.6 + 0.32 * max(1, len(ratios))))
    for place, one in enumerate(ratios):
        axes.barh(place, one["median"], color=OURS, height=0.6)
        axes.plot([one["least"], one["most"]], [place, place], color="black", linewidth=1)
        axes.plot([one["goal"]] * 2, [place - 0.4, place + 0.4], color=GOAL, linewidth=2)
    axes.axvline(1, color=SNIPPET, linewidth=1)
    axes.set_yticks(range(len(ratios)), [one["title"] for one in ratios])
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel("time, relative to the snippet (line: range; red: goal)")
    save(figure, file)


def draw_growth(found: dict[str, Any], by: str, label: str, scale: float, file: Path) -> None:
    """Time and memory, side by side, with the lines through our points."""
    figure, both = plt.subplots(1, 2, figsize=(7.5, 3.1))
    points = found["points"]
    xs = [point[by] / scale for point in points]
    for axes, of, unit, title in (
        (both[0], "seconds", 1.0, "time, in seconds"),
        (both[1], "pss_bytes", 1e6, "memory, in MB"),
    ):
        axes.plot(
            xs,
            [p["official"][of] / unit for p in points],
            *("o-",),
            color=SNIPPET,
            markersize=4,
            linewidth=1,
            label="documented snippet",
        )
        line = found["fits"][f"{of} by {by}"]
        ends = [0, max(xs)]
        axes.plot(
            ends,
            [(line["slope"] * x * scale + line["intercept"]) / unit for x in ends],
            color=OURS,
            linewidth=1,
            label=f"line, R² = {line['r_squared']:.4f}",
        )
        axes.plot(
            xs,
            [p["ours"][of] / unit for p in points],
            "o",
            color=OURS,
            markersize=4,
            label="dagster-snapsize",
        )
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.set_xlabel(label)
        axes.set_title(title, fontsize=9)
        axes.legend(frameon=False, fontsize=8)
    save(figure, file)


def save(figure: Any, file: Path) -> None:
    """Write the file, the same for the same drawing."""
    figure.tight_layout()
    figure.savefig(file, format="svg", metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main(json.load(sys.stdin), Path(sys.argv[1]))
