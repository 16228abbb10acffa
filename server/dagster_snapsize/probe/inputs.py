"""The inputs of a measurement: files and folders that were read, and what is installed."""

from __future__ import annotations

import os
import sys
from typing import Any, Dict, List, Mapping, Optional, Set, Tuple

from . import HERE
from .audit import AuditLog, absolute_all, entries_of
from .lazy_module import is_deferred
from .user_files import UserFiles

_SYSTEM = ("/proc/", "/sys/", "/dev/") if os.name == "posix" else ()  # files without content
_PACKED = f"python{sys.version_info[0]}{sys.version_info[1]}.zip"  # on sys.path, rarely on disk
_CODE = (".py", ".pyc", ".so", ".pyd")
# What git and installers leave in a project, which nobody edits.
BY_PRODUCTS = ("__pycache__", ".git")
EGG_INFO = ".egg-info"


def describe_inputs(
    files: UserFiles, log: AuditLog, uncacheable: List[Dict[str, Any]], variables: List[str]
) -> Dict[str, Any]:
    """The header of the frame ``inputs``, as protocol.py describes it."""
    opened, folders = log.files(), log.folders()
    installed: List[Tuple[str, int, int]] = []
    users_modules: Set[str] = set()
    others: List[str] = []
    for name, values in loaded_modules():
        path = _text(values.get("__file__"))
        users = path is not None and files.is_users(path)
        package = values.get("__path__")
        # Most packages are installed ones in one folder, the one that their code is in.
        if package and (users or package != [(path or "")[: -len("/__init__.py")]]):
            folders.update(absolute_all(package))
        if path is None or path.startswith(HERE):
            continue
        if users:
            opened.add(os.path.abspath(path))
            users_modules.add(name)
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
    listed = {p for p in folders | directories if _holds_users_files(files, p)}
    archives = {p for p in listed if os.path.isfile(p)}
    return {
        "read": sorted((read - directories) | archives),
        "listed": sorted(listed - archives),
        "variables": variables,
        "installed": sorted(installed),
        "distributions": sorted(filter(_has_distributions, set(absolute_all(sys.path)))),
        "modules": sorted(_without_descendants(others, users_modules)),
        "uncacheable": uncacheable,
    }


def definition_files(files: UserFiles, log: AuditLog) -> List[str]:
    """The user's files that the definitions were read from: modules and what they opened."""
    found = _module_files(files)
    for path in map(os.path.abspath, log.opened):
        if (
            files.is_in_tree(path)
            and not path.endswith((".pyc", ".so", ".pyd"))
            and os.path.isfile(path)
            and not _is_by_product(path)
        ):
            found.add(path)
    return sorted(found)


def listed_folders(files: UserFiles, log: AuditLog) -> List[str]:
    """The user's folders that the definitions listed."""
    return sorted(p for p in log.listed if files.is_in_tree(p) and not _is_by_product(p))


def _module_files(files: UserFiles) -> Set[str]:
    return {
        os.path.abspath(path)
        for _, values in loaded_modules()
        for path in [values.get("__file__")]
        if isinstance(path, str) and path.endswith(".py") and files.is_users(path)
    }


def loaded_modules() -> List[Tuple[str, Mapping[str, Any]]]:
    """Modules by name; those that load lazily are not executed by it."""
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


def _text(value: Any) -> Optional[str]:
    return value if isinstance(value, str) and value else None


def _holds_users_files(files: UserFiles, folder: str) -> bool:
    """Whether files in this folder are the user's own."""
    return files.is_users(os.path.join(folder, "_")) and not _is_skipped(os.path.join(folder, ""))


def _is_skipped(path: str) -> bool:
    if path.startswith(_SYSTEM) and not path.startswith("/dev/shm/"):
        return True
    parts = path.split(os.sep)
    # setuptools puts this on sys.path for an editable package; it is not a folder.
    return "__pycache__" in parts or _PACKED in parts or parts[-1].endswith("__path_hook__")


def _is_by_product(path: str) -> bool:
    return any(p in BY_PRODUCTS or p.endswith(EGG_INFO) for p in path.split(os.sep))


def _has_distributions(folder: str) -> bool:
    return any(e.endswith((".dist-info", ".egg-info", ".pth")) for e in entries_of(folder))
