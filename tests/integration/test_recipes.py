"""Advice is followed word for word: the location still runs, and is smaller by what was said."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.command import snapsize
from support.environments import NEWEST, OLDEST

PROJECT = """
import dagster as dg
from pydantic import Field

LONG = "What stands on every page of the handbook. " * 60
KEYS = dg.StaticPartitionsDefinition([f"region-{number:03}" for number in range(200)])
OPTIONS = {f"option_{n:03}": dg.Field(str, is_required=False, description=LONG) for n in range(12)}
SCHEMA = dg.TableSchema([dg.TableColumn(f"column_{n:03}", "varchar(255)") for n in range(40)])


class Engine(dg.ConfigurableResource):
    url: str = Field(description=LONG * 8)
    user: str = Field(description=LONG * 8)


class Lake(dg.ConfigurableIOManager):
    bucket: str = Field(description=LONG * 16)

    def handle_output(self, context, obj): ...
    def load_input(self, context): ...


@dg.resource(config_schema=OPTIONS)
def client(_):
    return "client"


class OpTags:
    pod = {"dagster-k8s/config": {"container_config": {"env": [{"name": "A", "value": LONG}]}}}


def table(number):
    @dg.asset(
        name=f"table_{number}",
        required_resource_keys={"engine", "client"},
        description=f"Table {number}. The text that follows is the same. {LONG}",
        metadata={"notes": "the same as on all others " * 45, "partition_expr": "day"},
        owners=[f"team:member-{letter}-of-the-team" for letter in "abcdefghijklmnopqrstuvw"],
    )
    def made(context):
        assert context.resources.engine.user == "me" and context.resources.client == "client"

    return made


def other(number):
    @dg.asset(
        name=f"other_{number}",
        description=LONG,
        metadata={"dagster/column_schema": SCHEMA},
        tags={f"tag_{letter}": "the-same-on-all-assets-in-the-group" for letter in "abcdefghijk"},
        op_tags=OpTags.pod,
        automation_condition=dg.AutomationCondition.eager() & ~dg.AutomationCondition.in_progress(),
        group_name="others",
    )
    def made(): ...

    return made


def part(number):
    @dg.asset(name=f"part_{number}", partitions_def=KEYS)
    def made(): ...

    return made


def pair(number):
    @dg.multi_asset(
        name=f"pair_{number}",
        specs=[dg.AssetSpec(f"{key}_{number}", description=key) for key in "ab"],
        description="What every step of it does, at length. " * 40,
    )
    def made(): ...

    return made


assets = [made(number) for made in (table, other, part) for number in range(6)]
pairs = [pair(number) for number in range(2)]
letters = [dg.AssetSpec(f"letters_{n}", description="Обновляется ночью " * 60) for n in "ab"]
everything = dg.AssetSelection.groups("others")
nightly = dg.define_asset_job("nightly", everything)
again = dg.define_asset_job("again", everything)
some = dg.define_asset_job("some", dg.AssetSelection.assets("other_1", "other_2"))
schedules = [
    dg.ScheduleDefinition(job=nightly, cron_schedule="0 1 * * *", name="at_one"),
    dg.ScheduleDefinition(job=again, cron_schedule="0 2 * * *", name="at_two"),
]
of_some = dg.ScheduleDefinition(job=some, cron_schedule="0 3 * * *", name="at_three")
assets = dg.with_source_code_references([*assets, *pairs])
defs = dg.Definitions(
    assets=[*assets, *letters],
    jobs=[nightly, again, some],
    schedules=[*schedules, of_some],
    metadata={"reports": "a report " * 15_000},
    resources={
        "engine": Engine(url="u", user="me"), "client": client, "io_manager": Lake(bucket="b")
    },
)
"""

RECIPES: dict[str, tuple[tuple[str, str], ...]] = {
    "resource engine": (
        ('"engine": Engine(url="u", user="me"),', '"engine": engine,'),
        (
            "def table(",
            '@dg.resource\ndef engine(_):\n    with Engine(url="u", user="me")'
            ".process_config_and_initialize_cm() as made: yield made\n\n\ndef table(",
        ),
    ),
    "resource io_manager": (
        ('"io_manager": Lake(bucket="b")', '"io_manager": lake'),
        (
            "def table(",
            '@dg.io_manager\ndef lake(_):\n    with Lake(bucket="b")'
            ".process_config_and_initialize_cm() as made: yield made\n\n\ndef table(",
        ),
    ),
    "definitions-metadata": (
        ('metadata={"reports": "a report " * 15_000}', 'metadata={"reports": "a report " * 15}'),
    ),
    "resource client": (("@dg.resource(config_schema=OPTIONS)", "@dg.resource"),),
    "description": (
        ("        description=LONG,\n", "        description='What it holds.',\n"),
        (
            '"dagster/column_schema": SCHEMA',
            '"dagster/column_schema": SCHEMA, "page": dg.MetadataValue.url("https://w.org/x")',
        ),
    ),
    "op description": (
        ('description="What every step of it does, at length. " * 40,', "# What every step does"),
    ),
    "metadata: notes": (
        ('"notes": "the same as on all others " * 45, ', ""),
        (
            'context.resources.client == "client"\n',
            'context.resources.client == "client"\n        return dg.MaterializeResult('
            'metadata={"notes": "the same as on all others " * 45})\n',
        ),
    ),
    "metadata: dagster/column_schema": (
        ('        metadata={"dagster/column_schema": SCHEMA},\n', ""),
        (
            '        group_name="others",\n    )\n    def made(): ...\n',
            '        group_name="others",\n    )\n    def made():\n        return'
            ' dg.MaterializeResult(metadata={"dagster/column_schema": SCHEMA})\n',
        ),
    ),
    "tags": (
        (
            '{f"tag_{letter}": "the-same-on-all-assets-in-the-group" for letter in "abcdefghijk"}',
            '{"tag_a": ""}',
        ),
    ),
    "op tags": (
        ("        op_tags=OpTags.pod,\n", ""),
        ('"nightly", everything)', '"nightly", everything, tags={"team": "sales"})'),
    ),
    "owners": (
        (
            '[f"team:member-{letter}-of-the-team" for letter in "abcdefghijklmnopqrstuvw"]',
            '["team:warehouse"]',
        ),
    ),
    "partitions": (
        (
            'dg.StaticPartitionsDefinition([f"region-{number:03}" for number in range(200)])',
            'dg.DynamicPartitionsDefinition(name="regions")',
        ),
    ),
    "automation": (
        (
            "dg.AutomationCondition.eager() & ~dg.AutomationCondition.in_progress()",
            'dg.AutomationCondition.on_cron("@daily") if number > 9 else None',
        ),
    ),
    "code-references": (
        (
            "assets = dg.with_source_code_references([*assets, *pairs])",
            "import os\nassets = [*assets, *pairs]\nif os.environ.get('IN_DEVELOPMENT'):\n"
            "    assets = dg.with_source_code_references(assets)",
        ),
    ),
    "non-latin": (
        (
            '"Обновляется ночью " * 60',
            '"Renewed at night. " * 60, metadata={"p": dg.MetadataValue.url("u")}',
        ),
    ),
    "same-job": (
        ("jobs=[nightly, again, some]", "jobs=[again, some]"),
        ("dg.ScheduleDefinition(job=nightly,", "dg.ScheduleDefinition(job=again,"),
    ),
    "part-of-job": (
        ("jobs=[nightly, again, some]", "jobs=[nightly, again]"),
        (
            'of_some = dg.ScheduleDefinition(job=some, cron_schedule="0 3 * * *", name="at_three")',
            '@dg.schedule(job=nightly, cron_schedule="0 3 * * *", name="at_three")\n'
            "def of_some(_):\n    return dg.RunRequest(asset_selection=["
            'dg.AssetKey("other_1"), dg.AssetKey("other_2")])\n',
        ),
    ),
}
# Of dagster-dbt, which test_advise.py follows, and of components, which the oldest has not.
_ELSEWHERE = re.compile("[Dd]bt|enable_code_references|get_description|STORAGE|SYSTEM|defs_state")
# Runs every file in a folder and prints what its snapshots take, by kind and name.
RUN = """
import importlib, json, sys, warnings
from pathlib import Path
warnings.filterwarnings("ignore")
import dagster as dg
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster._core.snap.job_snapshot import JobSnap
from dagster._serdes import serialize_value

sys.path.insert(0, sys.argv[1])
found = {}
for file in sorted(Path(sys.argv[1]).glob("*.py")):
    defs = importlib.import_module(file.stem).defs
    repository = defs.get_repository_def()
    assert defs.get_implicit_global_asset_job_def() and dg.materialize(
        [a for a in defs.assets if isinstance(a, dg.AssetsDefinition)],
        selection=["table_1", "other_1"], resources=defs.resources).success
    for schedule in defs.schedules:
        if isinstance(schedule, dg.ScheduleDefinition):
            with dg.build_schedule_context() as context:
                assert schedule.evaluate_tick(context).run_requests
    snap = RepositorySnap.from_def(repository, defer_snapshots=True)
    jobs = {job.name: JobSnap.from_job_def(job) for job in repository.get_all_jobs()}
    sizes = {name: len(serialize_value(s)) for name, s in {"repository": snap, **jobs}.items()}
    found[file.stem] = sizes
print(json.dumps(found))
"""


def changed(recipe: str) -> str:
    source = PROJECT
    for old, new in RECIPES[recipe]:
        assert source.count(old) == 1, (recipe, old)
        source = source.replace(old, new)
    return source


def recipe_of(advice: Any) -> str:
    """The key of ``RECIPES`` for one piece of advice."""
    if advice["kind"] == "resource":
        return f"resource {advice['field']}"
    return str(advice["field"] if advice["kind"] in ("repeat", "one-value") else advice["kind"])


@pytest.mark.parametrize("version", [NEWEST, OLDEST])
def test_every_recipe_works_word_for_word_and_saves_what_is_said(
    tmp_path: Path, dagster_python: Callable[[str], Path], version: str
) -> None:
    python = str(dagster_python(version))
    files = {"whole": PROJECT, **{recipe: changed(recipe) for recipe in RECIPES}}
    for number, source in enumerate(files.values()):
        (tmp_path / f"f{number:02}.py").write_text(source, encoding="utf-8")
    flags = ("--python", python, "-f", "f00.py", "--format", "json", "--top", "99")
    (location,) = snapsize("advise", *flags, cwd=tmp_path).json["locations"]
    ran = subprocess.run(
        [python, "-c", RUN, str(tmp_path)], capture_output=True, text=True, timeout=300
    )
    assert ran.returncode == 0, ran.stderr
    sizes = dict(zip(files, json.loads(ran.stdout.splitlines()[-1]).values(), strict=True))

    advised: dict[str, Any] = {}
    for advice in location["advice"]:
        advised.setdefault(recipe_of(advice), advice)  # the heaviest
    assert set(RECIPES) <= set(advised)
    texts: dict[str, str] = {}
    for recipe in RECIPES:
        how = advised[recipe]["how"]
        texts[how] = texts.get(how, PROJECT) + changed(recipe)
        saved = {name: size - sizes[recipe].get(name, 0) for name, size in sizes["whole"].items()}
        for snapshot, said in advised[recipe]["by_snapshot"].items():
            went = saved.pop(snapshot.rsplit("/", 1)[-1])
            # What replaces it takes a little: a link, a shorter text.
            assert 0.9 * said <= went <= 1.01 * said, (recipe, snapshot)
        assert not any(saved.values()), recipe
    for how, source in texts.items():
        for words in re.findall("`([^`]+)`", how):
            pattern = ".*?".join(map(re.escape, words.split("..."))).replace("\\ ", "\\s+")
            assert _ELSEWHERE.search(words) or re.search(pattern, source, re.S), words
