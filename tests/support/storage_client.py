"""Work with the instance of DAGSTER_HOME and print JSON; runs in an environment with a Dagster.

``fill FOLDER BYTES``  write ``filler.txt`` there so that ``__ASSET_JOB`` of ``definitions.py`` has
                       that compressed size
``store FOLDER``       store every job there, as runs do
``run STATEMENT``      run that SQL
``rows``               the length of every stored snapshot by its id
"""

import json
import random
import runpy
import string
import sys
import zlib
from pathlib import Path

import sqlalchemy
from dagster import DagsterInstance
from dagster._core.snap import JobSnap
from dagster._serdes import serialize_value


def jobs(folder):
    definitions = runpy.run_path(str(Path(folder) / "definitions.py"))["defs"]
    found = definitions.get_repository_def().get_all_jobs()
    return {job.name: JobSnap.from_job_def(job) for job in found}


def fill(folder, wanted):
    """Random letters compress badly, so that each adds a byte or none."""
    letters = "".join(random.Random(18).choices(string.ascii_letters + string.digits, k=200_000))
    size, count = 0, wanted
    while size != wanted:
        Path(folder, "filler.txt").write_text(letters[:count])
        size = len(zlib.compress(serialize_value(jobs(folder)["__ASSET_JOB"]).encode()))
        count += wanted - size
    return {"characters": count}


def store(folder):
    storage = DagsterInstance.get().run_storage
    return [storage.add_job_snapshot(job) for job in jobs(folder).values()]


def rows():
    with DagsterInstance.get().run_storage.connect() as connection:
        found = connection.execute(
            sqlalchemy.text("SELECT snapshot_id, LENGTH(snapshot_body) FROM snapshots")
        )
        return dict(tuple(row) for row in found)


def run(statement):
    with DagsterInstance.get().run_storage.connect() as connection:
        connection.execute(sqlalchemy.text(statement))


command, *arguments = sys.argv[1:]
if command == "fill":
    print(json.dumps(fill(arguments[0], int(arguments[1]))))
else:
    print(json.dumps({"store": store, "run": run, "rows": rows}[command](*arguments)))
