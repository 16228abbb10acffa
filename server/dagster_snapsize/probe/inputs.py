"""What a measurement had for input: files and folders, and what is installed.

An audit hook (PEP 578) notes what Python code opens, lists and asks of the system. What a library
in C opens by itself (DuckDB, Polars, libpq) raises no event and is not seen.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Mapping, Optional, Set, Tuple
from urllib.parse import unquote

from . import HERE
from .lazy_module import is_deferred

if TYPE_CHECKING:
    from .user_files import UserFiles

Handler = Callable[[Tuple[Any, ...]], None]

_SYSTEM = ("/proc/", "/sys/", "/dev/") if os.name == "posix" else ()  # files without content
_ASKED = ("/proc/", "/sys/", "/dev/random", "/dev/urandom") if os.name == "posix" else ()
_PACKED = f"python{sys.version_info[0]}{sys.version_info[1]}.zip"  # on sys.path, rarely on disk
_CODE = (".py", ".pyc", ".so", ".pyd")


class Seen:
    """What the audit hook has seen; paths as they were given, made absolute at once.

    ``opened`` are files that were opened for reading by a path in words, and ``listed`` folders
    that others than the import system listed, likewise: the editor watches by them.
    """

    def __init__(self) -> None:
        self.opened: Set[str] = set()
        self.listed: Set[str] = set()
        self._opened_otherwise: Set[str] = set()
        self._listed_otherwise: Set[str] = set()
        self._relative: Set[str] = set()
        self._path = list(sys.path)
        self._handlers: Dict[str, Handler] = {
            "open": self._on_open,
            "os.listdir": self._on_listing,
            "os.scandir": self._on_listing,
            "sqlite3.connect": self._on_database,
            "ctypes.dlopen": self._on_library,
        }
        self._installed = False
        self._marked = False
        self._system_file: Callable[[str], None] = lambda path: None

    def start(self) -> None:
        """From now on note what happens in this process; there is no way to stop (PEP 578)."""
        if self._installed:
            return
        self._installed = True
        find = self._handlers.get

        def on_event(event: str, args: Tuple[Any, ...]) -> None:
            handler = find(event)
            if handler is not None:
                try:
                    handler(args)
                except Exception:  # an error would become one of the user's call
                    return

        sys.addaudithook(on_event)

    def mark(self) -> None:
        """The editor watches by what is opened and listed from now on; only the first call counts.

        A process that measurements are forked from calls it before it imports their modules.
        """
        if self._marked:
            return
        self._marked = True
        self._opened_otherwise |= self.opened
        self._listed_otherwise |= self.listed
        self.opened.clear()
        self.listed.clear()

    def on(self, events: Iterable[str], handler: Handler) -> None:
        """Have ``handler`` called with the arguments of these events, two frames from their own."""
        for event in events:
            self._handlers[event] = handler

    def on_system_file(self, handler: Callable[[str], None]) -> None:
        """Have ``handler`` called with the path of a file that tells the system's state."""
        self._system_file = handler

    def _on_open(self, args: Tuple[Any, ...]) -> None:
        path, mode, flags = args
        if mode is None:  # os.open
            if flags & os.O_WRONLY:
                return
        elif "r" not in mode and "+" not in mode:
            return
        if type(path) is str:
            if path[-4:] == ".pyc" and "__pycache__" in path:
                return  # most of what is opened, and nobody's input
            absolute = os.path.isabs(path)
            self.opened.add(path if absolute else os.path.abspath(path))
        elif isinstance(path, int):
            return
        else:
            path = os.fsdecode(path)
            absolute = os.path.isabs(path)
            self._opened_otherwise.add(os.path.abspath(path))
        if mode is None and not absolute:
            self._relative.add(path)  # dir_fd is not among the arguments
        if path.startswith(_ASKED):
            self._system_file(path)

    def _on_listing(self, args: Tuple[Any, ...]) -> None:
        path = args[0]
        if type(path) is str:
            # The import system lists every folder that it looks into; sys.path tells which.
            caller = sys._getframe(2).f_code.co_filename
            if not caller.startswith("<frozen importlib"):
                self.listed.add(os.path.abspath(path))
        elif path is None:
            self._listed_otherwise.add(os.getcwd())
        elif not isinstance(path, int):  # a descriptor was opened by a name
            self._listed_otherwise.add(os.path.abspath(os.fsdecode(path)))

    def _on_database(self, args: Tuple[Any, ...]) -> None:
        name = os.fsdecode(args[0])
        if name.startswith("file:"):  # sqlite.org/uri.html
            name = unquote(name[5:].split("#")[0].split("?")[0])
            if name.startswith("//"):
                name = "/" + name[2:].partition("/")[2]
        if name and name != ":memory:":
            path = os.path.abspath(name)
            # What was committed last may stand in the log alone.
            self._opened_otherwise.update((path, path + "-wal"))

    def _on_library(self, args: Tuple[Any, ...]) -> None:
        name = os.fsdecode(args[0])
        if os.path.basename(name) != name:
            self._opened_otherwise.add(os.path.abspath(name))

    def files(self) -> Set[str]:
        """Absolute paths of all that was opened for reading, whether it is there or not."""
        found = {os.path.abspath(p) for p in self.opened} | self._opened_otherwise
        # A name that was opened relative to a folder's descriptor may be one in any open folder.
        names: Dict[str, List[str]] = {}
        for name in self._relative:
            names.setdefault(os.path.normpath(name).split(os.sep)[0], []).append(name)
        folders = list(filter(os.path.isdir, found)) if names else []
        while folders:
            folder = folders.pop()
            for entry in (os.pardir, *_entries(folder)):
                for name in names.get(entry, ()):
                    path = os.path.normpath(os.path.join(folder, name))
                    if path not in found:
                        found.add(path)
                        if os.path.isdir(path):
                            folders.append(path)
        return found

    def folders(self) -> Set[str]:
        """Absolute paths of the folders that were listed, or that modules were looked for in."""
        looked_into = _absolute_all([*self._path, *sys.path, *sys.path_importer_cache])
        return {*self.listed, *self._listed_otherwise, *looked_into}


def describe_inputs(
    files: UserFiles, seen: Seen, uncacheable: List[Dict[str, Any]]
) -> Dict[str, Any]:
    """The header of the frame ``inputs``, as protocol.py describes it."""
    opened, folders = seen.files(), seen.folders()
    installed: List[Tuple[str, int, int]] = []
    theirs: Set[str] = set()  # names of the user's modules
    others: List[str] = []
    for name, values in loaded_modules():
        path = _text(values.get("__file__"))
        users = path is not None and files.is_users(path)
        package = values.get("__path__")
        # Most packages are installed ones in one folder, the one that their code is in.
        if package and (users or package != [(path or "")[: -len("/__init__.py")]]):
            folders.update(_absolute_all(package))
        if path is None or path.startswith(HERE):
            continue
        if users:
            opened.add(os.path.abspath(path))
            theirs.add(name)
        elif path.endswith(_CODE):
            try:
                status = os.stat(path)
            except OSError:
                continue  # in an archive
            installed.append((path, status.st_size, status.st_mtime_ns))
            its_name = getattr(values.get("__spec__"), "name", None) == name and name[:2] != "__"
            if its_name and not is_deferred(name):
                others.append(name)
    read = {p for p in opened if files.is_users(p) and not _is_skipped(p)}
    directories = {p for p in read if os.path.isdir(p)}
    listed = {p for p in folders | directories if _holds_the_users(files, p)}
    archives = {p for p in listed if os.path.isfile(p)}
    return {
        "read": sorted((read - directories) | archives),
        "listed": sorted(listed - archives),
        "missing": [],
        "installed": sorted(installed),
        "distributions": sorted(filter(_has_distributions, set(_absolute_all(sys.path)))),
        "modules": sorted(_without_descendants(others, theirs)),
        "uncacheable": uncacheable,
    }


def loaded_modules() -> List[Tuple[str, Mapping[str, Any]]]:
    """Modules by name, without waking those that load themselves when they are first asked."""
    found: List[Tuple[str, Mapping[str, Any]]] = []
    for name, module in list(sys.modules.items()):
        try:
            values = object.__getattribute__(module, "__dict__")
        except Exception:
            continue
        if isinstance(name, str) and isinstance(values, dict):
            found.append((name, values))
    return found


def _without_descendants(names: List[str], of: Set[str]) -> List[str]:
    """Importing a module imports those that it is inside of."""
    tops = {name.partition(".")[0] for name in of}
    return [
        name
        for name in names
        if name.partition(".")[0] not in tops
        or not any(name.startswith(parent + ".") for parent in of)
    ]


def _absolute_all(paths: Iterable[Any]) -> List[str]:
    try:
        return [os.path.abspath(path or os.curdir) for path in paths if isinstance(path, str)]
    except Exception:  # a namespace package whose parent is gone
        return []


def _text(value: Any) -> Optional[str]:
    return value if isinstance(value, str) and value else None


def _holds_the_users(files: UserFiles, folder: str) -> bool:
    """Whether what stands in a folder is the user's own."""
    return files.is_users(os.path.join(folder, "_")) and not _is_skipped(os.path.join(folder, ""))


def _is_skipped(path: str) -> bool:
    if path.startswith(_SYSTEM) and not path.startswith("/dev/shm/"):
        return True
    parts = path.split(os.sep)
    # An editable package has a folder on sys.path that is none (setuptools).
    return "__pycache__" in parts or _PACKED in parts or parts[-1].endswith("__path_hook__")


def _entries(folder: str) -> List[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _has_distributions(folder: str) -> bool:
    return any(e.endswith((".dist-info", ".egg-info", ".pth")) for e in _entries(folder))
