"""Ask a running code server for a snapshot with Dagster's own client, and print what came of it.

Runs in the project's interpreter: ``wire_client.py SOCKET [JOB]``. Prints one JSON object:
``{"passed": bool, "code": gRPC status or null, "details": gRPC's own message}``.
"""

import json
import sys

import grpc
from dagster._grpc.client import DagsterGrpcClient

try:
    from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteRepositoryOrigin
except ImportError:  # where they stood before Dagster 1.10
    from dagster._core.remote_representation.origin import (
        GrpcServerCodeLocationOrigin,
        RemoteRepositoryOrigin,
    )

socket, *jobs = sys.argv[1:]
with grpc.insecure_channel(f"unix:{socket}") as channel:
    grpc.channel_ready_future(channel).result(timeout=60)

client = DagsterGrpcClient(socket=socket)
location = GrpcServerCodeLocationOrigin(host="localhost", socket=socket, location_name="wire")
repository = RemoteRepositoryOrigin(location, "__repository__")
answer = {"passed": True, "code": None, "details": ""}
try:
    if jobs:
        reply = client.external_job(repository, jobs[0])
        assert reply.serialized_job_data, reply.serialized_error
    else:
        assert client.external_repository(repository, defer_snapshots=True)
except Exception as error:
    cause = error
    while cause is not None and not isinstance(cause, grpc.RpcError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        raise
    answer = {"passed": False, "code": cause.code().name, "details": cause.details()}
print(json.dumps(answer))
