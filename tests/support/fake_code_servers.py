"""Servers that are asked by mistake, or that are not what they were a moment ago.

Runs in an interpreter with grpcio: ``fake_code_servers.py CERTIFICATE KEY``. Prints a JSON object
with a port by name, and serves until it is killed.
"""

import json
import sys
import time
from concurrent import futures

import grpc

ERROR = {
    "__class__": "ExternalRepositoryErrorData",
    "error": {
        "__class__": "SerializableErrorInfo",
        "cause": None,
        "cls_name": "Exception",
        "context": None,
        "message": "Exception: Could not find a repository called shop\n",
        "stack": ['  File "server.py", line 1, in _get_repo_for_origin\n'],
    },
}


def text(number, value):
    data = value.encode()
    size = b""
    left = len(data)
    while left > 127:
        size += bytes([left & 127 | 128])
        left >>= 7
    return bytes([number << 3 | 2]) + size + bytes([left]) + data


class Fake(grpc.GenericRpcHandler):
    """Answers as a code server with one repository, but for what its name says."""

    def __init__(self, name):
        self.name = name
        self.asked = 0

    def service(self, call):
        method = call.method.removeprefix("/api.DagsterApi/")
        if self.name == "other" or not hasattr(self, method):
            return None
        kind = grpc.unary_unary_rpc_method_handler
        if method == "StreamingExternalRepository":
            kind = grpc.unary_stream_rpc_method_handler
        return kind(getattr(self, method))

    def GetServerId(self, request, context):
        self.asked += 1
        if self.name == "hangs":
            time.sleep(600)
        if self.name == "header" and ("x-token", "s3cret") not in context.invocation_metadata():
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "no token")
        return text(1, f"id-{self.asked}" if self.name == "replaced" else "id")

    def ListRepositories(self, request, context):
        names = ["shop"] if self.name in ("wrong", "nonsense") else []
        return text(
            1,
            json.dumps(
                {
                    "__class__": "ListRepositoriesResponse",
                    "repository_symbols": [{"repository_name": name} for name in names],
                }
            ),
        )

    def StreamingExternalRepository(self, request, context):
        yield text(2, json.dumps(ERROR)) if self.name == "wrong" else text(2, "what?")


certificate, key = (open(path, "rb").read() for path in sys.argv[1:])  # noqa: PTH123, SIM115
ports, servers = {}, []
for name in ("other", "hangs", "header", "replaced", "wrong", "nonsense", "tls"):
    server = grpc.server(futures.ThreadPoolExecutor(4), [Fake(name)])
    if name == "tls":
        credentials = grpc.ssl_server_credentials([(key, certificate)])
        ports[name] = server.add_secure_port("localhost:0", credentials)
    else:
        ports[name] = server.add_insecure_port("localhost:0")
    server.start()
    servers.append(server)
print(json.dumps(ports), flush=True)
while True:
    time.sleep(600)
