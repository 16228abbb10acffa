"""Which distribution a file belongs to, by what is installed beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_snapsize.measuring.distributions import InstalledDistributions


@pytest.fixture
def site(tmp_path: Path) -> Path:
    site = tmp_path / "lib" / "site-packages"
    for name, version, files in (
        ("PyGithub", "2.5", ["github/__init__.py", "github/MainClass.py"]),
        ("google-cloud-storage", "3.0", ["google/cloud/storage/__init__.py"]),
        ("protobuf", "6.1", ["google/protobuf/__init__.py"]),
        ("six", "1.17", ["six.py"]),
    ):
        metadata = site / f"{name.replace('-', '_')}-{version}.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
        (metadata / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    old = site / "legacy.egg-info"
    old.mkdir()
    (old / "PKG-INFO").write_text("Name: Legacy\nVersion: 0.1\n")
    (old / "top_level.txt").write_text("legacy\n")
    return site


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("github/MainClass.py", ("PyGithub", "2.5")),
        ("google/cloud/storage/__init__.py", ("google-cloud-storage", "3.0")),
        ("google/protobuf/__init__.py", ("protobuf", "6.1")),
        ("six.py", ("six", "1.17")),
        ("legacy/old.py", ("Legacy", "0.1")),
        ("copied_in/__init__.py", ("copied_in", None)),
    ],
)
def test_a_file_belongs_to_the_distribution_that_lists_it(
    site: Path, path: str, found: tuple[str, str | None]
) -> None:
    installed = InstalledDistributions([str(site.parent), str(site)])
    assert installed.of(str(site / path)) == found


def test_what_a_distribution_requires_is_named_as_it_is_installed(site: Path) -> None:
    metadata = site / "google_cloud_storage-3.0.dist-info" / "METADATA"
    required = ("Protobuf>=5", "six; extra == 'old'", "PyGithub<3; extra == 'test-components'")
    required += ("Legacy; extra == 'docker'",)
    lines = "".join(f"Requires-Dist: {text}\n" for text in required)
    metadata.write_text(metadata.read_text() + lines)
    installed = InstalledDistributions([str(site)])
    storage = "google/cloud/storage/__init__.py"
    for path in (
        storage,
        "google/protobuf/__init__.py",
        "six.py",
        "github/MainClass.py",
        "legacy/old.py",
    ):
        installed.of(str(site / path))
    assert installed.requires("google-cloud-storage") == ["Legacy", "protobuf", "six"]


def test_a_file_of_the_standard_library_belongs_to_none(site: Path) -> None:
    installed = InstalledDistributions([str(site.parent), str(site)])
    assert installed.of(str(site.parent / "json" / "decoder.py")) is None
    assert installed.of("/elsewhere/x.py") is None
