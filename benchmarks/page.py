"""Write docs/performance.md from the results of the benchmarks."""

from __future__ import annotations

import statistics
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import asdict

import cases
import growth
import phases
from dagster_snapsize.lsp.settings import Settings

TRIED = Path(__file__).with_name("tried.md")
NOT_YET = "not measured yet"

Results = Mapping[str, Any]


def write(results: Results) -> str:
    """The whole page."""
    parts = [
        INTRODUCTION,
        _machine(results.get("machine", {})),
        "## Time\n\n" + GOALS,
        _table(
            (
                *("case", "goal", "time, relative", "snippet", "dagster-snapsize", ""),
                "CPU time, relative",
            ),
            [_time_row(results, case) for case in cases.CASES],
        ),
        RATIOS if drawn(results)["ratios"] else "",
        EDITOR,
        _table(("in the editor", "goal", "measured", ""), _editor_rows(results)),
        "## Memory\n\n" + MEMORY,
        _table(
            (
                *("case", "PSS, relative", "snippet, PSS", "dagster-snapsize, PSS", ""),
                *("snippet, RSS", "dagster-snapsize, RSS"),
            ),
            [row for case in cases.CASES if (row := _memory_row(results, case))],
        ),
        _watching(results),
        "## Growth\n\n" + _growth(results),
        "## Where the time goes\n\n" + _phases(results),
        "## What was tried\n\n" + TRIED.read_text(encoding="utf-8").strip(),
        "## What was measured\n\n" + _projects(results),
        RUNNING,
    ]
    paragraphs = "\n\n".join(part.strip() for part in parts if part).split("\n\n")
    return "\n\n".join(map(_wrapped, paragraphs)) + "\n"


def drawn(results: Results) -> dict[str, Any]:
    """The data of the plots: ``ratios``, from the top, and ``growth`` with its lines, or None."""
    ratios = []
    for case in cases.CASES:
        if "ours" in (found := results.get(case.name, {})):
            values = _ratios(found, "seconds")
            ratios.append(
                {
                    "title": case.title,
                    "goal": case.goal,
                    "median": statistics.median(values),
                    "least": min(values),
                    "most": max(values),
                }
            )
    grown = results.get(cases.GROWTH)
    if grown is not None:
        lines = fits(grown["points"])
        grown = {**grown, "fits": {f"{of} by {by}": asdict(x) for (of, by), x in lines.items()}}
    return {"ratios": ratios, "growth": grown}


INTRODUCTION = """
# Performance

<!-- Written by `make benchmark`; the section "What was tried" is in benchmarks/tried.md. -->

How long a measurement takes and how much memory it needs, compared with the snippet in Dagster's
documentation, which only prints the sizes of snapshots. Both are measured as whole processes, from
start to exit, on the same definitions, with the same Python and Dagster.
"""

GOALS = """
*Cold* is `dagster-snapsize measure --format json`, including ledgers and report, with nothing kept
from an earlier run. *Warm* is a repeated measurement in the language server after an edit, from the
request to the result. *Nothing changed* is `dagster-snapsize check` with the result of an earlier
run in the cache. A relative time is the median over all pairs of runs, with the smallest and the
largest in brackets; seconds are medians. CPU time is the sum over all cores.
"""

RATIOS = "![Time relative to the documented snippet](images/performance-ratios.svg)"

EDITOR = f"""
From a save until its diagnostics have reached the editor, with default settings. This includes the
{Settings().debounce_milliseconds / 1000} s that the server waits after a save in case another one
follows.
"""

MEMORY = f"""
Memory is the peak sum over all processes of a command. The goal is <= {cases.MEMORY_GOAL} for each
case, for the sum of the proportional set sizes (PSS), which divides each shared page among the
processes that map it: pages that the processes of the command share count once, pages shared with
other programs for less. The sum of the resident sets (RSS) is given too: it counts a shared page
once for each process, and a process that is just being started briefly counts as much as its
parent. The memory of a warm measurement includes everything that is kept ready for it, and is from
another run than the time.
"""

RUNNING = """
## Measure it yourself

```sh
make benchmark
```

This takes about twenty minutes and writes this page. The first run also creates the environments
and the dbt manifest, which takes a few more. `python benchmarks/run.py --help` explains how to
measure only some cases, or to try all of them on small projects.

For each project, the snippet and the tool take turns, in reverse order every second turn, so that
other load on the machine affects both. Small projects are measured once before the runs that
count, and all modules are compiled in advance. In every turn the sizes must equal those of the
snippet to the byte.
"""


def _machine(machine: Mapping[str, Any]) -> str:
    if not machine:
        return f"({NOT_YET})"
    memory = machine["memory_bytes"]
    return (
        f"Measured on {machine['date']}: {machine['processor']}, {machine['cores']} cores"
        f"{f', {memory / 1e9:.0f} GB of memory' if memory else ''}, {machine['system']}."
        f" Python {machine['python']}, Dagster {machine['dagster']}"
        f" ({machine['dbt_dagster']} with dbt, the newest that has a dagster-dbt)."
    )


def _time_row(results: Results, case: cases.Case) -> list[str]:
    goal = f"<= {case.goal}"
    found = results.get(case.name, {})
    if "ours" not in found:
        return [case.title, goal, NOT_YET, "", "", "", ""]
    ratios = _ratios(found, "seconds")
    is_known = all(run["cpu_seconds"] is not None for run in found["ours"])
    return [
        case.title,
        goal,
        _spread(ratios, _ratio),
        _seconds(_median(found["official"], "seconds")),
        _seconds(_median(found["ours"], "seconds")),
        _verdict(statistics.median(ratios), case.goal, _ratio),
        _ratio(statistics.median(_ratios(found, "cpu_seconds"))) if is_known else "",
    ]


def _memory_row(results: Results, case: cases.Case) -> list[str] | None:
    found = results.get(case.name, {})
    if "ours" not in found:
        return [case.title, NOT_YET, "", "", "", "", ""]
    ratios = _ratios(found, "pss_bytes")
    return [
        case.title,
        _spread(ratios, _ratio),
        _megabytes(_median(found["official"], "pss_bytes")),
        _megabytes(_median(found["ours"], "pss_bytes")),
        _verdict(statistics.median(ratios), cases.MEMORY_GOAL, _ratio),
        _megabytes(_median(found["official"], "rss_bytes")),
        _megabytes(_median(found["ours"], "rss_bytes")),
    ]


def _editor_rows(results: Results) -> list[list[str]]:
    rows = []
    saved, warm = results.get(cases.SAVE), results.get("warm-2000x10", {})
    title = "from save to diagnostics, 2,000 assets, 10 jobs"
    goal = f"<= warm + {cases.SAVE_GOAL_SECONDS} s"
    if saved is None:
        rows.append([title, goal, NOT_YET, ""])
    else:
        verdict = ""
        if "ours" in warm:
            most = _median(warm["ours"], "seconds") + cases.SAVE_GOAL_SECONDS
            goal += f" = {_seconds(most)}"
            verdict = _verdict(statistics.median(saved["save_seconds"]), most, _seconds)
        rows.append([title, goal, _spread(saved["save_seconds"], _seconds), verdict])
    server = results.get(cases.SERVER)
    title = "memory of the language server, 10,000 assets, 20 jobs"
    goal = f"<= {_megabytes(cases.SERVER_GOAL_BYTES)}"
    if server is None:
        rows.append([title, goal, NOT_YET, ""])
    else:
        peak, idle = server["peak_bytes"], server["idle_tree_bytes"]
        more = f", {_megabytes(idle)} when idle, with all processes it started" if idle else ""
        verdict = _verdict(peak, cases.SERVER_GOAL_BYTES, _megabytes)
        rows.append([title, goal, f"{_megabytes(peak)} at peak{more}", verdict])
    return rows


def _watching(results: Results) -> str:
    runs = [
        run
        for case in cases.CASES
        for way in ("official", "ours")
        for run in results.get(case.name, {}).get(way, ())
        if run["watching_seconds"]
    ]
    if not runs:
        return ""
    shares = [run["watching_seconds"] / run["seconds"] for run in runs]
    return (
        "RSS is sampled every 20 ms. PSS is read when a process starts or ends, and otherwise as"
        " often as takes 2 % of the time; in between, the shared part is assumed to be unchanged."
        f" Sampling took {100 * statistics.median(shares):.1f} % of one core (median; at most"
        f" {100 * max(shares):.1f} %), for the snippet as for the tool."
    )


def _growth(results: Results) -> str:
    found = results.get(cases.GROWTH)
    if found is None:
        return f"({NOT_YET})"
    points = found["points"]
    lines = fits(points)
    by_assets = lines["seconds", "assets"]
    rows = [
        [
            f"{p['assets']:,}",
            f"{p['bytes']:,}",
            _seconds(p["ours"]["seconds"]),
            _seconds(by_assets.slope * p["assets"] + by_assets.intercept),
            _megabytes(p["ours"]["pss_bytes"]),
            _seconds(p["official"]["seconds"]),
            _megabytes(p["official"]["pss_bytes"]),
        ]
        for p in points
    ]
    units = {
        ("seconds", "assets"): ("time by assets", "ms for each asset", 1e3, "s", 1.0),
        ("seconds", "bytes"): ("time by bytes", "s for each MB", 1e6, "s", 1.0),
        ("pss_bytes", "assets"): ("memory by assets", "kB for each asset", 1e-3, "MB", 1e-6),
        ("pss_bytes", "bytes"): ("memory by bytes", "bytes for each byte", 1.0, "MB", 1e-6),
    }
    fitted = [
        [
            title,
            f"{lines[key].slope * scale:.3g} {unit}",
            f"{lines[key].intercept * scale_0:.3g} {unit_0}",
            f"{lines[key].r_squared:.4f}",
        ]
        for key, (title, unit, scale, unit_0, scale_0) in units.items()
    ]
    return "\n\n".join(
        [
            f"Projects with {found['jobs']} jobs and an increasing number of assets, one cold run"
            " of each. The lines are fitted by least squares, so the largest project has the most"
            " weight; the column `line` has the value of the fitted line.",
            _table(
                (
                    *("assets", "bytes", "time", "line", "memory"),
                    *("snippet, time", "snippet, memory"),
                ),
                rows,
            ),
            _table(("line", "slope", "intercept", "R²"), fitted),
            "![Time and memory by number of assets](images/performance-assets.svg)",
            "![Time and memory by bytes of all snapshots](images/performance-bytes.svg)",
        ]
    )


def fits(points: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], growth.Fit]:
    """The lines through our runs: time and memory (``pss_bytes``), by ``assets`` and ``bytes``."""
    return {
        (of, by): growth.fit([p[by] for p in points], [p["ours"][of] for p in points])
        for of in ("seconds", "pss_bytes")
        for by in ("assets", "bytes")
    }


def _phases(results: Results) -> str:
    found = results.get(cases.PHASES)
    if not found:
        return f"({NOT_YET})"
    columns = list(found.values())
    rows = [
        [description, *(_seconds(column[name]) for column in columns)]
        for name, description in phases.PHASES
    ]
    rows.append(["**total**", *(f"**{_seconds(column['whole'])}**" for column in columns)])
    rows.append([f"in parallel: {phases.LEDGER}", *(_seconds(c["ledger"]) for c in columns)])
    return (
        "One cold run of each project, timed by the messages that the probe sends, without a"
        " profiler. The parts follow one another and add up to the total.\n\n"
        + _table(("part", *(column["title"] for column in columns)), rows)
    )


def _projects(results: Results) -> str:
    rows, seen = [], set[str]()
    for case in cases.CASES:
        found = results.get(case.name, {})
        if "ours" in found and case.project not in seen:
            seen.add(case.project)
            title = cases.PROJECTS[case.project].title
            rows.append(
                [
                    title,
                    str(found["snapshots"]),
                    f"{found['bytes']:,}",
                    str(len(found["ours"])),
                    found["when"],
                ]
            )
    return (
        "`benchmarks/generate.py` and `benchmarks/generate_dbt.py` generate the projects, always"
        " identically: assets with descriptions, column schemas, owners, tags, partitions, checks,"
        " resources and configuration; dbt models with columns, descriptions and tests.\n\n"
        + _table(("project", "snapshots", "stored bytes", "pairs of runs", "measured"), rows)
    )


def _ratios(found: Mapping[str, Any], what: str) -> list[float]:
    pairs = zip(found["ours"], found["official"], strict=True)
    return [ours[what] / official[what] for ours, official in pairs]


def _median(runs: Sequence[Mapping[str, float]], what: str) -> float:
    return statistics.median(run[what] for run in runs)


def _spread(values: Sequence[float], show: Callable[[float], str]) -> str:
    middle = show(statistics.median(values))
    if len(values) == 1:
        return f"{middle} (one run)"
    return f"{middle} ({show(min(values))} to {show(max(values))})"


def _verdict(value: float, most: float, show: Callable[[float], str]) -> str:
    return "met" if value <= most else f"missed by {show(value - most)}"


def _ratio(value: float) -> str:
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def _megabytes(value: float) -> str:
    return f"{value / 1e6:,.0f} MB"


def _wrapped(paragraph: str) -> str:
    """The paragraph in lines of 100 characters, if it is plain text."""
    paragraph = paragraph.strip()
    if paragraph.startswith(("#", "|", "!", "<", "```", "- ", "1. ")):
        return paragraph
    text = " ".join(paragraph.split())
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
