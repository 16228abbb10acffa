"""docs/editors.md says of every setting what the server does without it."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from dagster_snapsize.lsp import settings
from dagster_snapsize.lsp.server import create_server
from dagster_snapsize.lsp.settings import Settings, read_settings
from support import ROOT

PAGE = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")


def table() -> dict[str, Any]:
    """The defaults that the page gives, as an editor would send them."""
    (section,) = re.findall(r"^## Settings$(.*?)^## ", PAGE, re.S | re.M)
    found: dict[str, Any] = {}
    for key, default in re.findall(r"^\| `([\w.]+)` \| `(.+?)` \|", section, re.M):
        outer, _, inner = key.partition(".")
        if inner:
            found.setdefault(outer, {})[inner] = json.loads(default)
        else:
            found[outer] = json.loads(default)
    return found


def test_every_setting_is_in_the_table() -> None:
    hints = {"enable", "minimum"}
    assert set(table()) == set(settings._KEYS)
    assert set(table()["loadTime"]) == set(settings._LOAD_TIME_KEYS)
    assert set(table()["codeLens"]) == set(table()["inlayHints"]) == hints


def test_the_defaults_of_the_table_are_those_of_the_server() -> None:
    assert read_settings(table()) == (Settings(), ())


def test_what_is_pasted_for_helix_is_toml_with_good_settings() -> None:
    (text,) = re.findall(r"^```text\n(\[language-server.*?)^```$", PAGE, re.S | re.M)
    server = tomllib.loads(text)["language-server"]["dagster-snapsize"]
    assert [server["command"], *server["args"]] == ["dagster-snapsize", "lsp"]
    assert read_settings(server["config"])[1] == ()


def test_every_command_of_the_server_is_on_the_page() -> None:
    (section,) = re.findall(r"^## Commands$(.*?)^## ", PAGE, re.S | re.M)
    server = create_server()
    assert set(re.findall(r"^\| `(dagsterSnapsize\.\w+)` \|", section, re.M)) == set(
        server.protocol.fm.commands
    )
