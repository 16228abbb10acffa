"""Whose the config types and the Dagster types of a job are: theirs that alone reach them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from attrs import define

from dagster_snapsize.core.json_spans import Spans, items_of
from dagster_snapsize.core.ledger.asset_index import strings
from dagster_snapsize.core.ledger.builder import Book, Claim


@define
class Holder:
    """Who reaches a type, and the field under which it is entered; fixed ones stay."""

    claim: Claim
    field: str
    fixed: bool = False


class ConfigField(NamedTuple):
    """A field of a config type, and the type of its values."""

    name: str
    type_key: str | None


class ConfigTypes:
    """The config types of one job, by key."""

    def __init__(self, book: Book, types: Mapping[str, Spans]) -> None:
        self._book = book
        self._shared = book.row("shared config types")
        self._types = types
        self._fields: dict[str, list[ConfigField]] = {}
        self.holders: dict[str, Holder] = {}

    def fields(self, key: str | None) -> list[ConfigField]:
        """The fields of a shape or a selector; none for other types."""
        if key is None or key not in self._types:
            return []
        fields = self._fields.get(key)
        if fields is None:
            found = self._types[key].get("fields")
            fields = self._fields[key] = [
                ConfigField(item.value["name"], type_key_of(item.value))
                for item in items_of(found)
                if isinstance(item.value, dict) and isinstance(item.value.get("name"), str)
            ]
        return fields

    def scalars(self) -> list[str]:
        """The keys of the scalar types, which every job carries."""
        return [
            key
            for key, spans in self._types.items()
            if _enum_of(spans.get("kind")) in ("ConfigTypeKind.SCALAR", "ConfigTypeKind.ANY")
        ]

    def fix(self, keys: Iterable[str | None], claim: Claim, field: str) -> None:
        """Everything that these types reach is one owner's, whoever else reaches it."""
        self._reach(keys, Holder(claim, field, fixed=True))

    def fix_one(self, key: str | None, claim: Claim, field: str) -> list[ConfigField]:
        """Only that type is one owner's, none that it reaches; its fields."""
        if key is not None and key in self._types:
            self._take(key, Holder(claim, field, fixed=True))
        return self.fields(key)

    def reach(self, keys: Iterable[str | None], claim: Claim) -> None:
        """Everything that these types reach is the claim's, or shared with who came before."""
        self._reach(keys, Holder(claim, "config"))

    def hold(self, key: str | None, claim: Claim) -> list[ConfigField]:
        """Only that type, none that it reaches; its fields."""
        if key is not None and key in self._types:
            self._take(key, Holder(claim, "config"))
        return self.fields(key)

    def _reach(self, keys: Iterable[str | None], holder: Holder) -> None:
        todo = [key for key in keys if key is not None]
        while todo:
            key = todo.pop()
            spans = self._types.get(key)
            if spans is None or not self._take(key, holder):
                continue
            todo.extend(strings(spans.get("type_param_keys")))
            todo.extend(f.type_key for f in self.fields(key) if f.type_key is not None)

    def _take(self, key: str, holder: Holder) -> bool:
        """Enter a holder; False where that changed nothing."""
        before = self.holders.get(key)
        if before is None or (holder.fixed and not before.fixed):
            self.holders[key] = holder
            return True
        if before.fixed or before.claim is holder.claim or before.claim is self._shared:
            return False
        asset = before.claim.asset
        if asset is not None and asset == holder.claim.asset:
            # An asset and its checks: it goes with the asset.
            claim = self._book.asset(asset)
            if before.claim is claim:
                return False
        else:
            claim = self._shared
        self.holders[key] = Holder(claim, holder.field)
        return True


def type_key_of(value: object) -> str | None:
    """The type that a serialized config field names."""
    key = value.get("type_key") if isinstance(value, dict) else None
    return key if isinstance(key, str) else None


def _enum_of(value: object) -> object:
    return value.get("__enum__") if isinstance(value, dict) else None


class DagsterTypes:
    """Who reaches the Dagster types of one job: the inputs and outputs that are of them."""

    def __init__(self, book: Book, types: Mapping[str, Mapping[str, object]]) -> None:
        self._book = book
        self._types = types
        self._built_in = {k for k, v in types.items() if v.get("is_builtin") is True}
        self._users: dict[str, dict[int, Claim]] = {}

    def use(self, key: object, claim: Claim) -> None:
        """Note that something of that claim is of the type."""
        todo = [key]
        while todo:
            name = todo.pop()
            if not isinstance(name, str) or name not in self._types:
                continue
            users = self._users.setdefault(name, {})
            if id(claim) not in users:
                users[id(claim)] = claim
                todo.extend(strings(self._types[name].get("type_param_keys")))

    @property
    def keys(self) -> list[str]:
        """The keys of all types."""
        return list(self._types)

    def is_built_in(self, key: str) -> bool:
        """Whether every job carries the type."""
        return key in self._built_in

    def loader(self, key: str) -> str | None:
        """The config type from which values of the type are loaded."""
        loader = self._types.get(key, {}).get("loader_schema_key")
        return loader if isinstance(loader, str) else None

    def holder(self, key: str) -> Claim | None:
        """The one who uses the type alone; a bracketed row where several do, None where nobody."""
        users = list(self._users.get(key, {}).values())
        if len(users) < 2:
            return users[0] if users else None
        assets = {claim.asset for claim in users}
        asset = assets.pop()
        if assets or asset is None:
            return self._book.row("shared Dagster types")
        return self._book.asset(asset)
