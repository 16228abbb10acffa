"""What the worker compares with a new measurement, and whether it was what it is taken for."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest

from dagster_snapsize.measuring.forkserver import ForkedProcess
from dagster_snapsize.measuring.worker import __main__ as worker
from support import report_values


def test_a_measurement_that_started_no_process_was_not_forked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forked = 0

    def run_probe(*_: Any, on_start: Any, forkserver: Any, **__: Any) -> Any:
        nonlocal forked
        if forkserver is None:
            return report_values.measurement(2, 1)
        forked += 1
        if forked == 1:
            on_start(Mock(spec=ForkedProcess))
        return report_values.measurement(3, 1)

    monkeypatch.setattr(worker, "run_probe", run_probe)
    cancel = worker._Cancellation()
    worker._audit(Mock(), Mock(), "forkserver", Mock(), None, cancel)
    assert forked == 2
    assert "audited" not in capsys.readouterr().out
