"""Serialized snapshots, byte for byte Dagster's own, without its detour through wrapped objects.

``dagster_shared.serdes.serdes.serialize_value`` wraps every object in a dictionary that
``json.dumps`` opens again, and writes at each step the path that an error message might need. Here
each class gets a function that gives its text at once. Only what is known to come out the same is
done so: a value of any other kind, or of a class whose serializer replaces a method of Dagster's,
is given to Dagster's own function and put in as it comes. Where anything at all goes wrong, Dagster
serializes the whole, so that its error is its own.

known.py says for which Dagsters this holds; ``--verify`` compares every text.
"""

from __future__ import annotations

from json.encoder import encode_basestring_ascii as quoted
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple, Type

_Pack = Callable[[Any], str]
_NUMBERS = {float("inf"): "Infinity", float("-inf"): "-Infinity"}
_METHODS = ("pack_items", "before_pack", "get_storage_name")
_NO_PATH = "Root"  # where a value stands; Dagster names it in errors only


class Serdes(NamedTuple):
    """What packing needs of Dagster.

    ``module`` is its module for serialization. ``skips_packed``: whether a field is left out is
    asked of what its own serializer made of it (Dagster 1.11 and later), not of its value.
    """

    module: Any
    metadata_serializer: type
    skips_packed: bool


class Packer(Dict[Type[Any], _Pack]):
    """Functions that serialize, by class; a class that was not met before gets its own."""

    def __init__(self, serdes: Serdes):
        super().__init__()
        self._serdes = serdes
        self._own: _Pack = serdes.module.serialize_value
        self.update(
            {
                type(None): lambda value: "null",
                bool: lambda value: "true" if value else "false",
                int: int.__repr__,
                float: _float_text,
                str: quoted,
                list: self._list_text,
                tuple: self._list_text,
                dict: self._dict_text,
                set: lambda value: f'{{"__set__": {self._set_text(value)}}}',
                frozenset: lambda value: f'{{"__frozenset__": {self._set_text(value)}}}',
            }
        )

    def serialize(self, value: Any) -> str:
        """The text that ``serialize_value`` gives. Raises what that raises."""
        try:
            return self[type(value)](value)
        except Exception:
            return self._own(value)

    def own(self, value: Any) -> str:
        """The text that Dagster makes by itself."""
        return self._own(value)

    def __missing__(self, cls: Type[Any]) -> _Pack:
        pack = self[cls] = self._function_for(cls) or self._own
        return pack

    def _function_for(self, cls: Type[Any]) -> Optional[_Pack]:
        module = self._serdes.module
        if issubclass(cls, module.Enum):
            return self._enum_function(cls)
        if issubclass(cls, tuple) and hasattr(cls, "_fields"):
            return self._object_function(cls)
        return None

    def _enum_function(self, cls: Type[Any]) -> Optional[_Pack]:
        module = self._serdes.module
        serializer = module._WHITELIST_MAP.enum_serializers.get(cls.__name__)
        if serializer is None or type(serializer).pack is not module.EnumSerializer.pack:
            return None
        texts: Dict[int, str] = {}  # by id: members live as long as their class

        def text(value: Any) -> str:
            found = texts.get(id(value))
            if found is None:
                found = texts[id(value)] = self._own(value)
            return found

        return text

    def _object_function(self, cls: Type[Any]) -> Optional[_Pack]:
        """The function of a named tuple or a record whose serializer is a stock one."""
        module = self._serdes.module
        serializer = module._WHITELIST_MAP.object_serializers.get(cls.__name__)
        if serializer is None or serializer.klass is not cls:
            return None
        made, stock = type(serializer), module.ObjectSerializer
        if any(getattr(made, name) is not getattr(stock, name) for name in _METHODS):
            return None
        if not vars(serializer).keys().isdisjoint(_METHODS):
            return None
        if made.object_as_mapping is not module.NamedTupleSerializer.object_as_mapping:
            return None
        names = _field_names(module, cls)
        return None if names is None else self._compiled(serializer, names)

    def _compiled(self, serializer: Any, names: List[str]) -> Optional[_Pack]:
        """Format all fields at once, in the order that their names have in the text."""
        space: Dict[str, Any] = {"P": self, "Q": quoted, "items": tuple.__iter__}
        space["EMPTY"] = self._serdes.module.EMPTY_VALUES_TO_SKIP
        parts: List[Tuple[str, str]] = []
        for number, name in enumerate(names):
            a = f"a{number}"
            stored = serializer.storage_field_names.get(name, name)
            before = f", {quoted(stored)}: "
            custom = serializer.field_serializers.get(name)
            empty = name in serializer.skip_when_empty_fields
            none = name in getattr(serializer, "skip_when_none_fields", ())
            if custom is not None:
                space[f"c{number}"] = self._custom_part(custom, before, empty, none)
                parts.append((stored, f"c{number}({a})"))
                continue
            part = f"{before!r} + (Q({a}) if type({a}) is str else P[type({a})]({a}))"
            if empty:
                part = f"('' if {a} in EMPTY else {part})"
            elif none:
                part = f"('' if {a} is None else {part})"
            parts.append((stored, part))
        for name, default in serializer.old_fields.items():
            parts.append((name, repr(f", {quoted(name)}: {self._own(default)}")))
        stored_names = [stored for stored, _ in parts]
        if len({*stored_names}) < len(stored_names) or any(n <= "__class__" for n in stored_names):
            return None  # two fields of one name, or one that comes before "__class__"
        head = '{"__class__": ' + quoted(serializer.get_storage_name())
        whole = " + ".join([repr(head), *(part for _, part in sorted(parts)), "'}'"])
        arguments = "".join(f"a{number}, " for number in range(len(names)))
        lines = ["def pack(value):"]
        if names:
            lines.append(f"    {arguments}= items(value)")
        lines.append(f"    return {whole}")
        exec("\n".join(lines), space)
        pack: _Pack = space["pack"]
        return pack

    def _custom_part(self, custom: Any, before: str, empty: bool, none: bool) -> _Pack:
        """A field that has a serializer of its own."""
        module = self._serdes.module
        skips_packed = self._serdes.skips_packed
        is_metadata = type(custom) is self._serdes.metadata_serializer

        def is_absent(value: Any) -> bool:
            return (empty and value in module.EMPTY_VALUES_TO_SKIP) or (none and value is None)

        def metadata_part(value: Any) -> str:
            if is_absent(list(value.items()) if skips_packed else value):
                return ""
            return before + self._metadata_text(value)

        def part(value: Any) -> str:
            if not skips_packed and is_absent(value):
                return ""
            packed = custom.pack(value, whitelist_map=module._WHITELIST_MAP, descent_path=_NO_PATH)
            if skips_packed and is_absent(packed):
                return ""
            return before + (
                self[type(packed)](packed) if skips_packed else module.seven.json.dumps(packed)
            )

        return metadata_part if is_metadata else part

    def _metadata_text(self, metadata: Any) -> str:
        """As ``MetadataFieldSerializer.pack`` in ``dagster._core.definitions.metadata``."""
        entries = [
            '{"__class__": "EventMetadataEntry", "description": null, "entry_data": '
            f'{self[type(value)](value)}, "label": {self[type(label)](label)}}}'
            for label, value in metadata.items()
        ]
        return f"[{', '.join(entries)}]"

    def _list_text(self, values: Any) -> str:
        return f"[{', '.join([self[type(value)](value) for value in values])}]"

    def _dict_text(self, mapping: Any) -> str:
        for key in mapping:
            if type(key) is not str:
                return self._own(mapping)
        pairs = [
            f"{quoted(key)}: {self[type(value)](value)}"
            for key, value in [(key, mapping[key]) for key in sorted(mapping)]
        ]
        return f"{{{', '.join(pairs)}}}"

    def _set_text(self, values: Any) -> str:
        return self._list_text(sorted(values, key=str))


def _float_text(value: float) -> str:
    """As json does: without ``allow_nan=False`` it writes what JSON does not know."""
    if value != value:
        return "NaN"
    return _NUMBERS.get(value) or float.__repr__(value)


def _field_names(module: Any, cls: Type[Any]) -> Optional[List[str]]:
    """The fields in their order, under the names that Dagster serializes (``as_dict_for_new``)."""
    fields = list(cls._fields)
    if getattr(module, "is_record", None) and module.is_record(cls):
        if cls.__hidden_iter__ is not tuple.__iter__:
            return None
        renamed = cls.__field_remap__
        return [renamed.get(name, name) for name in fields]
    if cls.__iter__ is not tuple.__iter__ or cls._asdict.__code__ is not _ASDICT:
        return None
    return fields


class _Sample(NamedTuple):
    nothing: None


_ASDICT = _Sample._asdict.__code__
