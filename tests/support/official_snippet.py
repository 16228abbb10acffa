"""The sizes of a code location as the snippet in Dagster's own documentation computes them.

Runs in the interpreter of the project, without anything of this tool: the definitions are loaded by
the code server's own ``LoadedRepositories``, and every snapshot is serialized with the documented
calls. Prints one JSON object: ``{repository: {"stored_bytes": n, "jobs": {job: n}}}``.
"""

import argparse
import inspect
import json
import os
import sys

parser = argparse.ArgumentParser()
parser.add_argument("-f", "--python-file")
parser.add_argument("-m", "--module-name")
parser.add_argument("--package-name")
parser.add_argument("-a", "--attribute")
parser.add_argument("-d", "--working-directory", default=os.getcwd())  # noqa: PTH109
parser.add_argument("--autoload-defs-module-name")
parser.add_argument("--location-name", help="as the code server is told it, since Dagster 1.13")
parser.add_argument("--texts", help="a file to write the serialized snapshots to, as a JSON list")
arguments = vars(parser.parse_args())
location_name = arguments.pop("location_name")
texts_file = arguments.pop("texts")
# The interpreter put this file's folder first, where it could shadow the project's own modules.
sys.path.pop(0)

from dagster._core.types.loadable_target_origin import LoadableTargetOrigin  # noqa: E402
from dagster._grpc.server import LoadedRepositories  # noqa: E402
from dagster._serdes import serialize_value  # noqa: E402

try:
    from dagster._core.remote_representation.external_data import RepositorySnap
    from dagster._core.snap.job_snapshot import JobSnap

    def repository_snapshot(repository):
        return RepositorySnap.from_def(repository, defer_snapshots=True)

except ImportError:  # the names before Dagster 1.8
    try:
        from dagster._core.remote_representation.external_data import (
            external_repository_data_from_def,
        )
    except ImportError:
        from dagster._core.host_representation.external_data import (
            external_repository_data_from_def,
        )
    from dagster._core.snap import JobSnapshot as JobSnap

    def repository_snapshot(repository):
        return external_repository_data_from_def(repository, defer_snapshots=True)


def known_to(function, **named):
    """Those of the arguments that this Dagster's function takes."""
    parameters = inspect.signature(function).parameters
    return {name: value for name, value in named.items() if name in parameters}


texts = []


def size(snapshot):
    texts.append(serialize_value(snapshot))
    return len(texts[-1].encode("utf-8"))


# As the code server does on its way up, for user code that opens files of its own folder.
sys.path.insert(0, arguments["working_directory"])
given = {name: value for name, value in arguments.items() if value is not None}
origin = LoadableTargetOrigin(executable_path=sys.executable, **given)
loaded = LoadedRepositories(
    origin,
    entry_point=["dagster"],
    **known_to(
        LoadedRepositories,
        container_image=None,
        container_context=None,
        code_location_name=location_name,
    ),
)
sizes = {
    name: {
        "stored_bytes": size(repository_snapshot(repository)),
        "jobs": {job.name: size(JobSnap.from_job_def(job)) for job in repository.get_all_jobs()},
    }
    for name, repository in loaded.definitions_by_name.items()
}
if texts_file:
    with open(texts_file, "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump(texts, file)
print(json.dumps(sizes))
