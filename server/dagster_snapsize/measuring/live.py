"""Measure a running code server: ask it for its snapshots, and load nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib.util import find_spec

from attrs import evolve

from dagster_snapsize import PACKAGE
from dagster_snapsize.core.errors import NoInterpreter
from dagster_snapsize.core.model import Failure, Measurement
from dagster_snapsize.core.sizes import format_seconds
from dagster_snapsize.measuring.assemble import LoadFailed, MeasurementBuilder, OnProgress
from dagster_snapsize.measuring.environment import isolated_environ
from dagster_snapsize.measuring.process import ProbeProcess, SupervisedProcess
from dagster_snapsize.probe.protocol import ConnectionLost
from dagster_snapsize.project.interpreters import Interpreter, ToolInterpreter, choose_interpreter
from dagster_snapsize.project.locations import CodeLocation
from dagster_snapsize.project.servers import RunningServer

_HEADER = "SNAPSIZE_HEADER_"  # variables of the probe that have the values of headers
_MARGIN = 10.0  # seconds that the probe has to start, and to say that the server took too long
_GRPC = "Install grpcio beside dagster-snapsize: pip install 'dagster-snapsize[live]'"


def choose_client(
    location: CodeLocation, flag: str | None, environ: Mapping[str, str]
) -> Interpreter:
    """The Python that asks the server: ours where it has grpcio, else that of the project.

    Sizes do not depend on it. Raises NoInterpreter where there is none.
    """
    if flag is None and find_spec("grpc") is not None:
        tool = ToolInterpreter.current()
        return Interpreter(tool.executable, "the interpreter of dagster-snapsize")
    try:
        return choose_interpreter(location, flag, environ)
    except NoInterpreter as error:
        if flag is not None:
            raise
        raise NoInterpreter(f"no Python with grpcio found to ask {location.name}", _GRPC) from error


def measure_server(
    location: CodeLocation,
    client: Interpreter,
    *,
    environ: Mapping[str, str],
    on_progress: OnProgress = lambda progress: None,
    on_start: Callable[[SupervisedProcess], None] = lambda process: None,
) -> Measurement:
    """Measure the running server of a location.

    ``on_start`` is given the process that asks it, so that another thread can cancel it. A server
    that cannot be measured gives a Measurement with a ``failure``.

    Raises:
        UserError: the interpreter cannot ask servers.
    """
    server, timeout = location.server, location.config.timeout
    assert server
    builder = MeasurementBuilder(location, client, location.root, on_progress, limits_only=False)
    if server.problem:
        return builder.failed(Failure(server.problem))
    variables = {f"{_HEADER}{n}": value for n, value in enumerate(server.headers.values())}
    with ProbeProcess(
        [client.path, str(PACKAGE / "probe"), "--live", _request(server, variables, timeout)],
        cwd=location.folder,
        env={**isolated_environ(client.path, environ), **variables},
        timeout=timeout + server.wait + _MARGIN,
    ) as process:
        on_start(process)
        try:
            if any(builder.handle(header, payload) for header, payload in process.frames()):
                return builder.result()
        except LoadFailed as broken:
            return builder.failed(broken.failure)
        except ConnectionLost:
            pass
        status = process.wait(_MARGIN)
    if process.timed_out:
        what = f"{server.address} was not measured in {format_seconds(timeout)}: raise `timeout`"
    elif process.cancelled:
        what = "the measurement was cancelled"
    else:
        what = f"{client.path}, which asks the server, ended with status {status}"
    return builder.failed(evolve(Failure(what), output=process.output()))


def _request(server: RunningServer, variables: Mapping[str, str], timeout: float) -> str:
    return json.dumps(
        {
            "address": server.address,
            "ssl": server.ssl,
            "headers": dict(zip(server.headers, variables, strict=True)),
            "timeout": timeout,
            "wait": server.wait,
            "inline_jobs": server.inline_jobs,
        }
    )
