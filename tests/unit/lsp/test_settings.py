"""The editor's settings: read, defaulted, and told of where they are wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_snapsize.lsp.settings import (
    HintSettings,
    LoadTimeSettings,
    Settings,
    on_battery,
    read_settings,
)


def test_without_settings_there_are_defaults() -> None:
    for nothing in (None, {}, {"dagsterSnapsize": None}, {"dagsterSnapsize": {}}):
        assert read_settings(nothing) == (Settings(), ())
    assert Settings().measure == "onOpen"
    assert Settings().debounce_milliseconds == 100
    assert Settings().code_lens == HintSettings(True, 0)
    assert Settings().inlay_hints == HintSettings(False, 0)


def test_everything_that_can_be_set() -> None:
    data = {
        "enable": False,
        "interpreter": ".venv/bin/python",
        "measure": "manual",
        "debounceMilliseconds": 50,
        "codeLens": {"enable": False, "minimum": "2 kB"},
        "inlayHints": {"enable": True, "minimumBytes": 500},
        "loadTime": {"codeLens": True, "hint": "2 s"},
        "watch": ["config/**/*.json"],
        "timeout": "5 min",
        "lowPriority": False,
        "forkServer": False,
        "pauseWhenUnfocused": True,
        "pauseOnBattery": True,
        "logLevel": "debug",
    }
    expected = Settings(
        enable=False,
        interpreter=".venv/bin/python",
        measure="manual",
        debounce_milliseconds=50,
        code_lens=HintSettings(False, 2000),
        inlay_hints=HintSettings(True, 500),
        load_time=LoadTimeSettings(True, 2.0),
        watch=("config/**/*.json",),
        timeout=300.0,
        low_priority=False,
        fork_server=False,
        pause_when_unfocused=True,
        pause_on_battery=True,
        log_level="debug",
    )
    assert read_settings(data) == (expected, ())
    assert read_settings({"dagsterSnapsize": data}) == (expected, ())


def test_what_editors_send_for_a_cleared_setting_is_none() -> None:
    settings, messages = read_settings({"interpreter": "", "timeout": None, "codeLens": None})
    assert settings == Settings()
    assert messages == ()


def test_a_switch_alone_is_enough_for_hints() -> None:
    assert read_settings({"codeLens": False})[0].code_lens == HintSettings(False, 0)
    assert read_settings({"inlayHints": True})[0].inlay_hints == HintSettings(True, 0)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            {"measure": "onsav"},
            '`dagsterSnapsize.measure`: "onsav" is not one of "onSave", "onOpen", "manual";'
            ' did you mean `onSave`?; "onOpen" is used',
        ),
        ({"enable": "yes"}, '`dagsterSnapsize.enable`: "yes" is not true or false; true is used'),
        (
            {"debounceMilliseconds": -1},
            "`dagsterSnapsize.debounceMilliseconds`: -1 is not a number of milliseconds from 0 to"
            " 60000; 100 is used",
        ),
        (
            {"codeLens": {"minimum": "1 XB"}},
            '`dagsterSnapsize.codeLens.minimum`: "1 XB" has no unit known here (B, kB, MB, GB, KiB,'
            ' MiB, GiB); did you mean "1 B"?; 0 is used',
        ),
        (
            {"timeout": 0},
            "`dagsterSnapsize.timeout`: a time of 0 seconds allows nothing; it is ignored",
        ),
        ({"watch": [3]}, "`dagsterSnapsize.watch`: 3 is not a string; it is ignored"),
        (
            {"watch": 3},
            '`dagsterSnapsize.watch`: 3 is not a list of globs, like ["config/**/*.json"];'
            " it is ignored",
        ),
        (
            {"interpreter": ["python"]},
            '`dagsterSnapsize.interpreter`: ["python"] is not a string; it is ignored',
        ),
        (
            {"loadTime": {"hint": "2 parsecs"}},
            '`dagsterSnapsize.loadTime.hint`: "2 parsecs" has no unit known here (s, min, h);'
            " it is ignored",
        ),
        (
            {"code_lense": {}},
            "unknown key `code_lense` in `dagsterSnapsize`; did you mean `codeLens`?",
        ),
        (
            {"codeLens": {"enabled": True}},
            "unknown key `enabled` in `dagsterSnapsize.codeLens`; did you mean `enable`?",
        ),
        (
            {"minimum": "1 kB"},
            "unknown key `minimum` in `dagsterSnapsize`; it belongs in `codeLens` or in"
            " `inlayHints`",
        ),
        ([], "`dagsterSnapsize`: [] is not an object; the defaults are used"),
    ],
)
def test_a_mistake_is_one_message_and_the_default(data: Any, said: str) -> None:
    settings, messages = read_settings(data)
    assert messages == (said,)
    assert settings == Settings()


def test_a_bad_setting_leaves_the_good_ones() -> None:
    settings, messages = read_settings({"measure": 3, "debounceMilliseconds": 10, "logLevel": "x"})
    assert settings == Settings(debounce_milliseconds=10)
    assert len(messages) == 2


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner),
    max_leaves=12,
)
_KEYS = st.sampled_from(
    [
        *("enable", "interpreter", "measure", "debounceMilliseconds", "codeLens", "inlayHints"),
        "loadTime",
        *("watch", "timeout", "lowPriority", "pauseWhenUnfocused", "pauseOnBattery", "logLevel"),
        *("minimum", "forkServer"),
    ]
)
_HINTS = st.dictionaries(st.sampled_from(["enable", "minimum", "minimumBytes"]) | st.text(), _JSON)
_NUMBERS = st.sampled_from(["1e999", "9" * 400, "1" * 5000, "9" * 400 + " GB", " 5 h", "-1 s"])


@given(_JSON | st.dictionaries(_KEYS, _JSON | _HINTS | _NUMBERS))
def test_no_json_is_too_odd(data: Any) -> None:
    settings, messages = read_settings(data)
    assert settings.code_lens.minimum_bytes >= 0
    assert settings.timeout is None or settings.timeout > 0
    for message in messages:
        assert "`dagsterSnapsize" in message
        assert len(message) < 500
    assert read_settings(data) == (settings, messages)


def _supply(folder: Path, name: str, **facts: str) -> None:
    (folder / name).mkdir()
    for fact, value in facts.items():
        (folder / name / fact).write_text(f"{value}\n")


def test_whether_the_machine_runs_on_its_battery(tmp_path: Path) -> None:
    assert not on_battery(tmp_path / "nowhere")
    assert not on_battery(tmp_path)
    _supply(tmp_path, "hidpp_battery_0", type="Battery", scope="Device", status="Discharging")
    assert not on_battery(tmp_path), "a mouse"
    _supply(tmp_path, "BAT0", type="Battery", status="Charging")
    assert not on_battery(tmp_path)
    (tmp_path / "BAT0" / "status").write_text("Discharging\n")
    assert on_battery(tmp_path)
    _supply(tmp_path, "AC", type="Mains", online="0")
    assert on_battery(tmp_path)
    (tmp_path / "AC" / "online").write_text("1\n")
    assert not on_battery(tmp_path)
