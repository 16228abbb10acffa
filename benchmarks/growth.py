"""How time and memory grow with a project: from 100 to 10,000 assets, two jobs each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from attrs import frozen

import generate
from cases import kept, must_agree
from projects import Project, environments, written
from ways import WAYS

JOBS = 2
SIZES = (100, 300, 1_000, 3_000, 10_000)
SMALL_SIZES = (20, 40, 60)


@frozen
class Fit:
    """A straight line through points: ``slope * x + intercept``; ``r_squared`` says how well."""

    slope: float
    intercept: float
    r_squared: float


def fit(xs: Sequence[float], ys: Sequence[float]) -> Fit:
    """The line with the least squares of distances. ValueError where all ``xs`` are the same."""
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - mean_x) ** 2 for x in xs)
    if not spread:
        raise ValueError("a line needs points apart")
    slope = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread
    intercept = mean_y - slope * mean_x
    total = sum((y - mean_y) ** 2 for y in ys)
    missed = sum((y - slope * x - intercept) ** 2 for x, y in zip(xs, ys, strict=True))
    return Fit(slope, intercept, 1 - missed / total if total else 1.0)


def measure(quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """One run of the snippet and one of ours for every size."""
    points = []
    for assets in SMALL_SIZES if quick else SIZES:
        project = Project(
            f"{assets:,} assets, {JOBS} jobs",
            lambda folder, quick, assets=assets: generate.write(assets, JOBS, folder),
            environments.dagster_python,
        )
        with written(project, quick) as folder:
            runs = {}
            for way in ("cold", "official"):
                with WAYS[way](folder, project.python()) as measured:
                    runs[way] = measured()
        must_agree(project.title, runs)
        say(f"growth, {project.title}: {runs['cold'].seconds:.2f} s")
        points.append(
            {
                "assets": assets,
                "bytes": sum(runs["cold"].sizes),
                "ours": kept(runs["cold"]),
                "official": kept(runs["official"]),
            }
        )
    return {"when": time.strftime("%Y-%m-%d %H:%M"), "jobs": JOBS, "points": points}
