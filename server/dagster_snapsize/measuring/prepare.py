"""Run the ``prepare`` commands of the configuration: they make what the definitions read."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.model import Failure, SourceLocation
from dagster_snapsize.core.sizes import format_seconds
from dagster_snapsize.measuring.environment import interpreter_environ
from dagster_snapsize.measuring.process import ProbeProcess
from dagster_snapsize.project.config import line_of_setting
from dagster_snapsize.project.dotenv import read_dotenv
from dagster_snapsize.project.interpreters import Interpreter
from dagster_snapsize.project.locations import CodeLocation


def prepare(
    location: CodeLocation,
    interpreter: Interpreter,
    environ: Mapping[str, str],
    on_step: Callable[[str], None],
    on_start: Callable[[ProbeProcess], None],
) -> Failure | None:
    """Run the commands in the project's folder, with the variables that the definitions get.

    ``on_step`` is given the command that runs, ``on_start`` its process. Stops at the first command
    that fails or takes longer than ``timeout``, and returns that failure. Raises UserError where
    there is no such command.
    """
    variables = interpreter_environ(interpreter.path, environ)
    variables |= read_dotenv(location.dotenv, environ) if location.dotenv else {}
    variables |= location.config.env
    for command in location.config.prepare:
        shown = shlex.join(command)
        _must_exist(command, location, variables)
        on_step(f"running {shown}")
        timeout = location.config.timeout
        with ProbeProcess(command, cwd=location.root, env=variables, timeout=timeout) as process:
            on_start(process)
            status, output = process.run_to_end()
        if process.timed_out:
            return _failure(location, f"`{shown}` took more than {format_seconds(timeout)}", output)
        if status:
            return _failure(location, f"`{shown}` ended with exit status {status}", output)
    return None


def _must_exist(command: Sequence[str], location: CodeLocation, env: Mapping[str, str]) -> None:
    program = command[0]
    has_folder = Path(program).name != program
    beside = str(location.root / program) if has_folder else program
    if shutil.which(beside, path=env.get("PATH")) is None:
        raise UserError(
            f"`prepare`: there is no command `{program}` on PATH or in the project's environment",
            'For example: prepare = [["dbt", "parse"]]',
            path=location.config.path,
            line=line_of_setting(location.config, "prepare"),
        )


def _failure(location: CodeLocation, why: str, output: str) -> Failure:
    path = Path(location.config.path or "").as_posix()
    place = SourceLocation(path, line_of_setting(location.config, "prepare"))
    return Failure(f"the command {why}, which `prepare` runs first", place, "", output)
