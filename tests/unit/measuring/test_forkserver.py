"""When two measurements are equal, and when results that were not measured anew are trusted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dagster_snapsize.core.model import (
    AssetCost,
    Environment,
    Failure,
    Ledger,
    Measurement,
    Owner,
    Seconds,
    Share,
    Snapshot,
    SourceLocation,
)
from dagster_snapsize.measuring.compare import AuditResult, audit, difference
from dagster_snapsize.measuring.forkserver import own_package, preloadable

ORDERS, ITEMS = Owner("asset", "orders"), Owner("asset", "items")


def measured(
    orders: int = 1000, items: int = 1000, line: int = 1, failure: str | None = None
) -> Measurement:
    """A location of two assets in one job."""
    whole = orders + items
    ledger = Ledger(whole, {ORDERS: {"tags": Share(orders)}, ITEMS: {"tags": Share(items)}}, {}, {})
    place = SourceLocation("definitions.py", line)
    asset = AssetCost(
        "orders", "r", orders, orders, 0, 0, 0, {"x/r/job/j": orders}, {"tags": orders}, place
    )
    snapshot = Snapshot("x/r/job/j", "job", "j", "r", whole, whole + 4, ledger)
    return Measurement(
        *("x", {}, "python", "3.11", "1.13", Seconds(), 0),
        snapshots=() if failure else (snapshot,),
        assets=() if failure else (asset,),
        definition_files=(),
        environment=Environment((), (), ()),
        failure=Failure(failure) if failure else None,
    )


def test_the_same_sizes_owners_and_places() -> None:
    assert difference(measured(), measured()) is None


def test_commas_that_change_hands_are_no_difference() -> None:
    assert difference(measured(1002, 998), measured(1000, 1000)) is None


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (measured(1001), "bytes of x/r/job/j"),
        (measured(1200, 800), "bytes of asset orders"),
        (measured(line=2), "place of orders"),
        (measured(failure="no vault"), "no failure / no vault"),
    ],
)
def test_anything_else_is_one(other: Measurement, said: str) -> None:
    assert said in str(difference(measured(), other))


def test_failures_are_compared_by_their_words() -> None:
    assert difference(measured(failure="a"), measured(failure="a")) is None
    assert difference(measured(failure="a"), measured(failure="b")) == "a / b"


def in_turn(*sizes: int) -> Callable[[], Measurement | None]:
    """Measurements of these sizes; 0 for none."""
    left = iter(sizes)
    return lambda: measured(size) if (size := next(left)) else None


def test_one_of_each_is_enough_where_they_agree() -> None:
    assert audit(in_turn(1), in_turn(1)) == AuditResult(True, None)


def test_what_is_steady_and_wrong_is_not_trusted() -> None:
    found = audit(in_turn(1, 1), in_turn(2, 2))
    assert found and not found.trusted and found.difference


@pytest.mark.parametrize(("forked", "new"), [((1, 1), (2, 3)), ((1, 2), (2, 2))])
def test_what_changes_every_time_tells_nothing(
    forked: tuple[int, ...], new: tuple[int, ...]
) -> None:
    found = audit(in_turn(*forked), in_turn(*new))
    assert found and found.trusted and found.difference


@pytest.mark.parametrize(("forked", "new"), [((0,), (1,)), ((1,), (0,)), ((1, 0), (2, 2))])
def test_what_is_not_available_proves_nothing(
    forked: tuple[int, ...], new: tuple[int, ...]
) -> None:
    assert audit(in_turn(*forked), in_turn(*new)) is None


def test_the_users_own_package_is_that_of_the_target() -> None:
    assert own_package({"module_name": "shop.definitions"}) == "shop"
    assert own_package({"package_name": "shop"}) == "shop"
    assert own_package({"autoload_defs_module_name": "shop.defs"}) == "shop"
    assert own_package({"python_file": "/shop/definitions.py"}) is None


def test_our_own_modules_are_not_imported_ahead_of_time() -> None:
    names = ["__main__", "_dagster_snapsize_probe.session", "pandas", "dagster", "pandas"]
    assert preloadable(names) == ["pandas", "dagster"]
