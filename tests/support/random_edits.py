"""Random sequences of what people and their tools do to a project while an editor has it open.

Pure: a sequence is made from a number alone, before anything runs, by keeping the files, the
buffers and git's stash in mind. The same number always gives the same steps.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from typing import Literal

from attrs import define, field, frozen

Kind = Literal[
    "open",  # a buffer with what is on disk
    "close",  # a buffer; what was not saved is lost
    "type",  # `text` replaces the text of a buffer
    "save",  # a buffer
    "write",  # `text` into a file, by somebody else
    "replace",  # the same through another file that takes its name, as git does
    "delete",  # a file or folder
    "rename",  # a file or folder, to `to`
    "touch",  # a file: its time changes, nothing else
    "checkout",  # a file as it was committed
    "stash",  # everything since the commit goes away,
    "pop",  # and comes back
    "settle",  # nothing: wait until the server has no more to do
]

COMMIT: Mapping[str, str] = {
    ".gitignore": ".venv\n__pycache__/\n",
    "pyproject.toml": """\
[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "shop"

[tool.dagster-snapsize.budget]
asset = "3.5 kB"  # of each
""",
    "shop/__init__.py": "",
    "shop/definitions.py": """\
from pathlib import Path

import dagster as dg

from shop import extra

defs = dg.Definitions.merge(
    dg.load_from_defs_folder(path_within_project=Path(__file__).parent),
    dg.Definitions(assets=[extra.returns]),
)
""",
    "shop/extra.py": """\
import dagster as dg


@dg.asset(description="d" * 3000)
def returns() -> None: ...
""",
    "shop/lib/__init__.py": "",
    "shop/lib/tables.py": """\
import dagster as dg


class Table(dg.Model):
    name: str
    width: int


class Tables(dg.Component, dg.Model, dg.Resolvable):
    tables: list[Table]

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        specs = [dg.AssetSpec(t.name, description="d" * t.width) for t in self.tables]
        return dg.Definitions(assets=specs)
""",
    "shop/defs/orders.py": """\
import dagster as dg


@dg.asset(description="d" * 4000)
def orders() -> None: ...


@dg.asset(description="d" * 400)
def lines() -> None: ...
""",
    "shop/defs/people/customers.py": """\
import dagster as dg


@dg.asset(description="d" * 3500, deps=["orders"])
def customers() -> None: ...
""",
    "shop/defs/tables/defs.yaml": """\
type: shop.lib.tables.Tables

attributes:
  tables:
    - name: shops
      width: 4000
    - name: cities
      width: 300
""",
}
"""The project that a sequence begins with, as it was committed."""

COMMIT_OF_TWO: Mapping[str, str] = {
    **COMMIT,
    "workspace.yaml": """load_from:
  - python_module: shop.definitions
  - python_module: shop.more
""",
    "shop/more.py": """import dagster as dg

from shop import extra


@dg.asset(description="d" * 3600)
def shelves() -> None: ...


defs = dg.Definitions(assets=[shelves, extra.returns])
""",
}
"""The same with another code location beside the first; they share a file."""

_WIDTHS = (200, 900, 2500, 3200, 3600, 5000, 9000)
_BUDGETS = ("1 kB", "3.5 kB", "4200", "6 kB", "1 MB")
_IGNORE = "  # snapsize: ignore[asset-over-budget]"
_WIDTH = re.compile(r'(?<="d" \* )\d+|(?<=width: )\d+')
_ASSET = re.compile(r"^(?:@dg\.asset\(.*|    - name: .*)$", re.MULTILINE)
_BUDGET = re.compile(r'(?<=asset = ")[^"]*(?=")')


@frozen
class Step:
    """One thing that happens; ``paths`` are the files whose content on disk is another after it."""

    kind: Kind
    path: str = ""
    text: str = ""
    to: str = ""
    what: str = ""
    paths: tuple[str, ...] = ()

    def __str__(self) -> str:
        words = [self.kind, self.path, f"to {self.to}" if self.to else "", self.what]
        return " ".join(filter(None, words))


@frozen
class Sequence:
    """The steps, the files as they are committed, and as they are after the last of the steps."""

    number: int
    commit: Mapping[str, str]
    steps: tuple[Step, ...]
    files: Mapping[str, str]

    def __str__(self) -> str:
        listed = "\n".join(f"{at:3} {step}" for at, step in enumerate(self.steps, 1))
        return f"sequence {self.number}:\n{listed}"


def random_sequence(number: int, length: int = 40) -> Sequence:
    """The sequence of this number: so many steps, and those that end it.

    In the end the stash is empty, no buffer is open, and in four of five what was broken is mended.
    """
    return _Maker(number).make(length)


@define
class _Maker:
    number: int
    random: random.Random = field(init=False)
    commit: Mapping[str, str] = field(init=False)
    disk: dict[str, str] = field(init=False)
    buffers: dict[str, list[str]] = field(init=False, factory=dict)  # all texts, the newest last
    whole: dict[str, str] = field(init=False, factory=dict)  # of broken files: when they were not
    removed: dict[str, str] = field(init=False, factory=dict)
    stashed: dict[str, str] | None = field(init=False, default=None)
    made: int = field(init=False, default=0)
    steps: list[Step] = field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        self.random = random.Random(self.number)
        self.commit = COMMIT_OF_TWO if self.number % 3 == 2 else COMMIT
        self.disk = dict(self.commit)

    def make(self, length: int) -> Sequence:
        choices: list[tuple[int, Callable[[], None]]] = [
            (7, self._edit),
            (3, self._break),
            (4, self._mend),
            (2, self._undo),
            (5, self._save),
            (2, self._close),
            (2, self._delete),
            (2, self._restore),
            (2, self._rename),
            (2, self._add_module),
            (1, self._touch),
            (1, self._checkout),
            (2, self._stash),
            (6, self._settle),
        ]
        weights = [weight for weight, _ in choices]
        while len(self.steps) < length:
            self.random.choices([choice for _, choice in choices], weights)[0]()
            if self.stashed is not None and self.random.random() < 0.4:
                self._take(Step("pop"))
        self._end()
        return Sequence(self.number, self.commit, tuple(self.steps), dict(self.disk))

    # -- the steps ---------------------------------------------------------------------------

    def _edit(self) -> None:
        """Change a text, in the editor or outside."""
        path = self._pick(self._sources())
        self._change(path, *self._edited(self._text(path)))

    def _break(self) -> None:
        path = self._pick(p for p in self._sources() if p not in self.whole)
        text = self._text(path)
        if path == "workspace.yaml":
            broken = self.random.choice(
                [("load_from:", "load_from: [", "no YAML"), ("shop.more", "shop.gone", "no module")]
            )
        elif path.endswith(".toml"):
            broken = self.random.choice(
                [("asset = ", "asset == ", "no TOML"), ("asset = ", "aset = ", "an unknown key")]
            )
        elif path.endswith(".yaml"):
            broken = self.random.choice(
                [("  tables:", "  tables: [", "no YAML"), ("Tables", "Chairs", "no component")]
            )
        else:
            head = "import dagster as dg\n"
            broken = self.random.choice(
                [
                    (head, f"{head}def broken(:\n", "a syntax error"),
                    (head, f"{head}import no_such_module\n", "an import error"),
                    (head, f'{head}raise ValueError("halt")\n', "an exception"),
                ]
            )
        before, after, what = broken
        if before in text:
            self._change(path, text.replace(before, after, 1), f"({what})")
            if self._text(path) != text:
                self.whole.setdefault(path, text)

    def _mend(self) -> None:
        if self.whole:
            path = self._pick(self.whole)
            text = self.whole.pop(path)
            if path in self.disk or path in self.buffers:
                self._change(path, text, "(mended)")

    def _undo(self) -> None:
        path = self._pick(p for p, texts in self.buffers.items() if len(texts) > 1)
        if path:
            texts = self.buffers[path]
            texts.pop()
            self._take(Step("type", path, texts[-1], what="(undone)"))

    def _save(self) -> None:
        path = self._pick(self._unsaved())
        if path and self.stashed is None:
            self._take(Step("save", path, self.buffers[path][-1]))

    def _close(self) -> None:
        path = self._pick(self.buffers)
        if path:
            what = "(unsaved)" if path in self._unsaved() else ""
            self._take(Step("close", path, what=what))

    def _delete(self) -> None:
        if self.stashed is None:
            path = self._pick([*self._modules(), "shop/defs/people", "shop/defs/tables"])
            gone = self._below(path)
            if gone and len(self._modules()) > 2:
                self.removed.update({p: self.disk[p] for p in gone})
                self._take(Step("delete", path))

    def _restore(self) -> None:
        path = self._pick(self.removed)
        if path and self.stashed is None:
            text = self.removed.pop(path)
            if path not in self.disk:
                self._take(Step("write", path, text, what="(restored)"))

    def _rename(self) -> None:
        if self.stashed is not None:
            return
        folders = ("shop/defs/people", "shop/defs/tables")
        path = self._pick([*self._modules(), *filter(self._below, folders)])
        self.made += 1
        place, dot, suffix = path.rpartition(".") if "." in path else (path, "", "")
        to = f"{re.sub(r'_[0-9]+$', '', place)}_{self.made}{dot}{suffix}"
        if path == "shop/extra.py" or path in folders:
            self._take(Step("rename", path, to=to))
            self._maybe_settle()
            if self.random.random() < 0.8:
                self._take(Step("rename", to, to=path))
        else:
            self._take(Step("rename", path, to=to))

    def _add_module(self) -> None:
        if self.stashed is None:
            self.made += 1
            width = self.random.choice(_WIDTHS)
            text = (
                "import dagster as dg\n\n\n"
                f'@dg.asset(description="d" * {width})\ndef new_{self.made}() -> None: ...\n'
            )
            folder = self.random.choice(
                ["shop/defs", "shop/defs/people", f"shop/defs/x{self.made}"]
            )
            path = f"{folder}/new_{self.made}.py"
            self._take(Step("write", path, text, what=f"(new, {width})"))

    def _touch(self) -> None:
        self._take(Step("touch", self._pick(self._sources(on_disk=True))))

    def _checkout(self) -> None:
        path = self._pick(p for p in self.commit if self.disk.get(p) != self.commit[p])
        if path and self.stashed is None:
            self._take(Step("checkout", path, self.commit[path]))

    def _stash(self) -> None:
        if self.stashed is not None:
            self._take(Step("pop"))
        elif self.disk != self.commit:
            self._take(Step("stash"))
            if self.random.random() < 0.6:
                self._maybe_settle()
                self._take(Step("pop"))

    def _settle(self) -> None:
        if self.steps and self.steps[-1].kind != "settle":
            self._take(Step("settle"))

    def _maybe_settle(self) -> None:
        if self.random.random() < 0.5:
            self._settle()

    def _end(self) -> None:
        if self.stashed is not None:
            self._take(Step("pop"))
        if self.random.random() < 0.8:
            for path in list(self.whole):
                self._outside(path, self.whole.pop(path), "(mended)")
            for path in ("shop/extra.py", "shop/lib/tables.py", "shop/definitions.py"):
                if self.disk.get(path) is None:
                    self._outside(path, self.commit[path], "(restored)")
        for path in list(self.buffers):
            if self.random.random() < 0.5 and path not in self.whole:
                self._take(Step("save", path, self.buffers[path][-1]))
            self._take(Step("close", path))

    # -- what they are made of ---------------------------------------------------------------

    def _edited(self, text: str) -> tuple[str, str]:
        """The text with one change, and words for it."""
        budget = _BUDGET.search(text)
        if budget:
            new = self.random.choice(_BUDGETS)
            return text[: budget.start()] + new + text[budget.end() :], f"(budget {new})"
        assets = list(_ASSET.finditer(text))
        kind = self.random.choice(["width", "width", "lines", "ignore", "comment"])
        width = self.random.choice(list(_WIDTH.finditer(text)) or [None])
        if kind == "width" and width:
            new = str(self.random.choice(_WIDTHS))
            return text[: width.start()] + new + text[width.end() :], f"(width {new})"
        if not assets:
            return f"{text}# more\n", "(a comment)"
        at = self.random.choice(assets)
        before, after = text[: at.start()], text[at.end() :]
        if kind == "lines":
            count = self.random.randint(1, 10)
            indent = "    " if at[0].startswith(" ") else ""
            more = f"{indent}# 😀 more\n" * count
            return before + more + at[0] + after, f"({count} lines more)"
        if kind == "ignore":
            if at[0].endswith(_IGNORE):
                return before + at[0].removesuffix(_IGNORE) + after, "(ignored no more)"
            return before + at[0] + _IGNORE + after, "(ignored)"
        return f"{text}# more\n", "(a comment)"

    def _change(self, path: str, text: str, what: str) -> None:
        """In a buffer, which may be saved then, or outside."""
        way = self.random.choice(["type", "type and save", "outside", "outside"])
        if self.stashed is not None or (way != "outside" and path in self.disk):
            if path not in self.buffers:
                if path not in self.disk:
                    return
                self._take(Step("open", path))
            self._take(Step("type", path, text, what=what))
            if way == "type and save" and self.stashed is None:
                self._take(Step("save", path, text))
        else:
            self._outside(path, text, what)

    def _outside(self, path: str, text: str, what: str) -> None:
        kind: Kind = self.random.choice(["write", "replace"])
        self._take(Step(kind, path, text, what=what))

    def _take(self, step: Step) -> None:
        """Add a step, after doing to the files and buffers in mind what it does."""
        before = dict(self.disk)
        clean = [p for p in self.buffers if p not in self._unsaved()]
        path = step.path
        if step.kind == "open":
            self.buffers[path] = [self.disk[path]]
        elif step.kind == "close":
            del self.buffers[path]
        elif step.kind == "type" and step.what != "(undone)":
            self.buffers[path].append(step.text)
        elif step.kind in ("save", "write", "replace", "checkout"):
            self.disk[path] = step.text
        elif step.kind == "delete":
            for name in self._below(path):
                del self.disk[name]
                self.whole.pop(name, None)
        elif step.kind == "rename":
            for name in self._below(path):
                new = step.to + name[len(path) :]
                self.disk[new] = self.disk.pop(name)
                if name in self.whole:
                    self.whole[new] = self.whole.pop(name)
        elif step.kind == "stash":
            self.stashed, self.disk = self.disk, dict(self.commit)
        elif step.kind == "pop":
            assert self.stashed is not None
            self.disk, self.stashed = self.stashed, None
        paths = tuple(p for p in sorted({*before, *self.disk}) if before.get(p) != self.disk.get(p))
        self.steps.append(
            Step(step.kind, path, step.text, step.to, step.what, paths=paths or (path,))
        )
        if step.kind == "save":
            return
        for name in clean:
            # Most editors take up what others wrote, where nothing was typed.
            now = self.disk.get(name)
            if now is not None and now != before.get(name) and self.random.random() < 0.7:
                self._take(Step("type", name, now, what="(read again)"))

    # -- the state ---------------------------------------------------------------------------

    def _text(self, path: str) -> str:
        return self.buffers[path][-1] if path in self.buffers else self.disk[path]

    def _below(self, path: str) -> list[str]:
        return [p for p in self.disk if p == path or p.startswith(f"{path}/")]

    def _unsaved(self) -> list[str]:
        return [p for p, texts in self.buffers.items() if texts[-1] != self.disk.get(p)]

    def _modules(self) -> list[str]:
        return [p for p in self.disk if p.startswith("shop/defs/") or p == "shop/extra.py"]

    def _sources(self, on_disk: bool = False) -> list[str]:
        """The files that are edited; the modules more often than others."""
        rare = {".gitignore", "shop/__init__.py", "shop/lib/__init__.py"}
        often = [p for p in self._modules() for _ in range(3)]
        found = [p for p in [*self.disk, *often] if p not in rare]
        return found if on_disk else [*found, *self._unsaved()]

    def _pick(self, choices: object) -> str:
        listed = list(choices)  # type: ignore[call-overload]
        return self.random.choice(listed) if listed else ""
