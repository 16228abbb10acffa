"""Assets that repeat what can be repeated; run as a program, it writes its snapshots' texts.

    python savings_project.py FOLDER

writes into FOLDER a folder ``whole``, and one for each kind of ``KINDS``, in which that was done
which the advice says: the value left away, letters written in Latin, the job removed.
"""

import sys
import warnings
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._serdes import serialize_value

sys.path.insert(0, str(Path(__file__).parents[1]))  # as a program

from support.savings_kinds import KINDS

warnings.filterwarnings("ignore")

TEXT = "Rebuilt from its sources every night; the row counts are checked against the source. " * 3
KEYS = [f"region-{number:03}" for number in range(40)]
POD = {"container_config": {"resources": {"limits": {"cpu": "500m", "memory": "2Gi"}}}}
LETTERS = "Обновляется каждую ночь 🚀 "
SCHEMA = dg.TableSchema(
    columns=[
        dg.TableColumn(f"column_{number}", "varchar(255)", description=f"What {number} holds")
        for number in range(6)
    ]
)


class Options(dg.Config):
    """What an asset may be told."""

    full_refresh: bool = False
    warehouse: str = "the one that all of the assets of this project are in"
    limit: int = 0


def definitions(done: str) -> dg.Definitions:
    """The project, with that kind of saving made."""

    def unless(*kinds: str, **given: Any) -> dict[str, Any]:
        return {} if done in kinds else given

    assets: list[Any] = []
    for number in range(12):
        first = number < 6
        metadata = unless("field metadata: notes", notes=f"{number} is checked by hand " * 9)
        if done != "metadata: dagster/column_schema":
            metadata["dagster/column_schema"] = SCHEMA
        if done != "code-references":
            here = dg.LocalFileCodeReference(
                file_path=f"/home/someone/project/assets_{number}.py", line_number=12
            )
            metadata["dagster/code_references"] = dg.CodeReferencesMetadataValue(
                code_references=[here]
            )

        @dg.asset(
            name=f"table_{number}",
            key_prefix="wh",
            metadata={"number": number, **metadata},
            **unless("description", description=TEXT),
            **unless(
                "tags",
                tags={
                    "domain": "sales",
                    "tier": "2",
                    "kept_until": "forever_or_until_somebody_asks_for_it_to_go",
                },
            ),
            **(
                unless("op tags", "field op tags", op_tags={"dagster-k8s/config": POD})
                if first
                else unless("field op tags", op_tags={"runs/note": f"alone {number} " * 9})
            ),
            **unless(
                "owners",
                owners=[f"team:the-team-{letter}-that-owns-the-tables-of-this" for letter in "abc"],
            ),
            **unless("automation", automation_condition=CONDITION),
            **(
                unless("partitions", partitions_def=dg.StaticPartitionsDefinition(KEYS))
                if number % 2
                else {}
            ),
        )
        def table():
            pass

        assets.append(table)
    for number in range(5):

        @dg.asset(
            name=f"other_{number}",
            description=f"{number} "
            + ("x" * len(LETTERS) if done == "non-latin" else LETTERS) * number,
            **unless("metadata: only entry", metadata={"only entry": "the same words " * 10}),
            deps=[assets[number]],
        )
        def other():
            pass

        assets.append(other)
    for number in range(4):
        keys = [f"multi_{number}_{part}" for part in range(3)]

        @dg.multi_asset(
            name=f"multi_{number}",
            specs=[
                dg.AssetSpec(
                    key,
                    description=key,
                    metadata={"n": 1, **unless("field metadata: notes", notes=f"{key} " * 9)},
                )
                for key in keys
            ],
            can_subset=True,
            **unless("op description", description=TEXT[2:]),
        )
        def several():
            pass

        assets.append(several)

    @dg.op(**unless("field op tags", tags={"runs/note": "of an op of a job " * 9}))
    def say():
        pass

    @dg.job
    def ops():
        say()

    everything = dg.AssetSelection.all()
    jobs = [dg.define_asset_job("everything", everything), dg.define_asset_job("again", everything)]
    jobs += [dg.define_asset_job("some", dg.AssetSelection.assets("other_1", "other_2"))]
    if done != "job":
        jobs.append(dg.define_asset_job("to_go", dg.AssetSelection.groups("default")))
    jobs.append(ops)
    resources = {"io_manager": dg.FilesystemIOManager(base_dir="/tmp/somewhere")}
    return dg.Definitions(assets=assets, jobs=jobs, resources=resources)


CONDITION = dg.AutomationCondition.eager()


def write(folder: Path, found: dg.Definitions) -> None:
    """Write the snapshots of these definitions."""
    folder.mkdir(parents=True)
    repository = found.get_repository_def()
    from dagster._core.remote_representation.external_data import RepositorySnap
    from dagster._core.snap.job_snapshot import JobSnap

    text = serialize_value(RepositorySnap.from_def(repository, defer_snapshots=True))
    (folder / "repository.json").write_text(text, encoding="utf-8")
    for job in repository.get_all_jobs():
        text = serialize_value(JobSnap.from_job_def(job))
        (folder / f"job-{job.name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for kind in ("whole", *KINDS):
        write(Path(sys.argv[1]) / kind.replace("/", "."), definitions(kind))
