"""Budgets and servers that are arguments and attributes, in no file."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.model import Budgets
from dagster_snapsize.core.sizes import Allowance
from dagster_snapsize.project.config import budgets_from, server_from, webserver_from
from dagster_snapsize.project.servers import ServerSettings, WebserverSettings


def test_budgets_have_the_keys_of_the_file_with_underscores_too() -> None:
    assert budgets_from({}) == Budgets()
    values = {"repository": "80 MB", "warn_at": 0.5, "asset-max": 5, "growth": "5 %"}
    assert budgets_from({**values, "jobs": {"night_ly": "1 MB"}}) == Budgets(
        repository=80_000_000,
        warn_at=0.5,
        asset_max=5,
        growth=Allowance(millionths=50_000),
        jobs={"night_ly": 1_000_000},
    )


def test_a_server_is_an_address_or_a_table() -> None:
    assert server_from("sales:4000") == ServerSettings("sales:4000")
    table = {"address": "sales:4000", "ssl": True, "headers": {"Authorization": "env:TOKEN"}}
    assert server_from(table) == ServerSettings(
        "sales:4000", ssl=True, headers={"authorization": "TOKEN"}
    )
    webserver = {"url": "http://web", "locations": ["a", "b"], "headers": {"x-key": "env:KEY"}}
    assert webserver_from(webserver) == WebserverSettings(
        "http://web", ("a", "b"), {"x-key": "KEY"}
    )


@pytest.mark.parametrize(
    ("read", "value", "message"),
    [
        (budgets_from, {"repository": "80 XB"}, '`budget.repository`: "80 XB" has no unit'),
        (budgets_from, {"repositry": 1}, "`repositry`"),
        (budgets_from, {"jobs": {"nightly": True}}, "`budget.jobs.nightly`: true is not a size"),
        (budgets_from, {"jobs": 5}, "`budget.jobs` is 5, and not a table"),
        (budgets_from, "80 MB", '`budget` is "80 MB", and not a table'),
        (server_from, "http://sales", "is a URL"),
        (server_from, {"ssl": True}, "has no `address`"),
        (server_from, {"address": "a:1", "headers": {"x": "secret"}}, "must come from a variable"),
        (webserver_from, {"url": "http://web"}, "has no `locations`"),
        (webserver_from, {"url": "http://web", "locations": []}, "is not a list of names"),
    ],
)
def test_a_mistake_is_named(read: Any, value: Any, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)) as raised:
        read(value)
    assert "secret" not in str(raised.value)
