"""Puts what the extension carries into ``bundled/``, and writes the notices of third parties.

``bundled/server`` is the tool itself, ``bundled/libs`` its libraries from ``requirements.lock``:
pure Python for every platform, and for every Python from 3.10 on. The npm packages in the notices
are those that the build has put into the bundles (``build/npm-packages.json``).
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
PACKAGE = HERE.parent / "server" / "dagster_snapsize"
BUNDLED = HERE / "bundled"
NOTICES = HERE / "THIRD-PARTY-NOTICES.txt"
LICENSES = re.compile(r"(licen[cs]e|copying|notice|authors)", re.IGNORECASE)
COMPILED = {".so", ".pyd", ".dylib", ".dll", ".exe", ".pyc"}
RULE = "=" * 80

# Watchdog's wheel for Linux holds the Python files of every platform and nothing compiled; the one
# for macOS has a compiled module, without which it watches in another way.
PLATFORMS = ("any", "manylinux2014_x86_64")


def main() -> None:
    libraries = bundle(BUNDLED)
    NOTICES.write_text(
        "\n".join(
            [
                "Dagster Snapsize carries the packages below, each under its own license.",
                "",
                *libraries,
                *read_npm_notices(),
            ]
        ),
        encoding="utf-8",
    )


def bundle(into: Path) -> list[str]:
    """Put the tool and its libraries beside the launcher; the notices of the libraries."""
    libs, server = into / "libs", into / "server"
    for folder in (libs, server):
        shutil.rmtree(folder, ignore_errors=True)
    install_libraries(libs)
    notices = sorted(read_python_notices(libs), key=str.casefold)
    tidy(libs)
    copy_server(server)
    return notices


def install_libraries(libs: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    pure = ["--only-binary=:all:", "--implementation", "py", "--abi", "none"]
    platforms = [word for name in PLATFORMS for word in ("--platform", name)]
    # The lock is whole: nothing is looked up beside it, nor judged for the Python that runs this.
    exact = ["--no-deps", "--require-hashes", "--python-version", "3.10", "-r", "requirements.lock"]
    target = ["--target", str(libs), "--no-compile", "--root-user-action=ignore"]
    subprocess.run([*pip, *pure, *platforms, *target, *exact], cwd=HERE, check=True)


def tidy(libs: Path) -> None:
    """Leave what is imported: no scripts, no records of an installation."""
    shutil.rmtree(libs / "bin", ignore_errors=True)
    for folder in libs.glob("*.dist-info"):
        shutil.rmtree(folder)
    compiled = [path for path in libs.rglob("*") if path.suffix in COMPILED]
    if compiled:
        sys.exit(f"not pure Python: {', '.join(map(str, compiled))}")


def copy_server(server: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, server / PACKAGE.name, ignore=ignored)


def read_python_notices(libs: Path) -> Iterator[str]:
    for folder in libs.glob("*.dist-info"):
        metadata = HeaderParser().parsestr((folder / "METADATA").read_text(encoding="utf-8"))
        stated = metadata["License-Expression"] or metadata["License"] or "see below"
        files = sorted(path for path in folder.rglob("*") if LICENSES.search(path.name))
        yield notice(f"{metadata['Name']} {metadata['Version']}", stated.splitlines()[0], files)


def read_npm_notices() -> Iterator[str]:
    for name in json.loads((HERE / "build" / "npm-packages.json").read_text(encoding="utf-8")):
        folder = HERE / name
        package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
        files = sorted(path for path in folder.glob("*") if LICENSES.match(path.name))
        yield notice(f"{package['name']} {package['version']}", package.get("license", ""), files)


def notice(title: str, stated: str, files: list[Path]) -> str:
    texts = [path.read_text(encoding="utf-8").strip() for path in files if path.is_file()]
    if not texts and not stated:
        sys.exit(f"{title} comes without a license")
    return "\n\n".join([f"{RULE}\n{title}\nLicense: {stated}", *texts]) + "\n"


if __name__ == "__main__":
    main()
