"""Real editors, set up by nothing but what docs/editors.md says, show what was measured."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support import ROOT
from support.patience import patience

PAGE = ROOT / "docs" / "editors.md"
NEOVIM = shutil.which("nvim")
EMACS = shutil.which("emacs")

# Waits for the finding of the heavy asset, then asks for a hover on the line where it stands.
_LOOK = """
local function over_budget()
  for _, found in ipairs(vim.diagnostic.get(0)) do
    local lsp = found.user_data and found.user_data.lsp or {}
    if found.code == "asset-over-budget" or lsp.code == "asset-over-budget" then
      return found
    end
  end
end
local seen = vim.wait(MILLISECONDS, over_budget, 50)
if not seen then
  print("NOTHING " .. vim.inspect(vim.diagnostic.get(0)))
  vim.cmd("cquit")
end
local found = over_budget()
print("DIAGNOSTIC " .. (found.lnum + 1) .. " " .. found.severity .. " " .. found.message)
local params = {
  textDocument = { uri = vim.uri_from_bufnr(0) },
  position = { line = found.lnum, character = found.col + 1 },
}
local answers = vim.lsp.buf_request_sync(0, "textDocument/hover", params, MILLISECONDS)
for _, answer in pairs(answers or {}) do
  print("HOVER " .. answer.result.contents.value)
end
vim.cmd("qall!")
"""

# The same with Eglot, whose diagnostics are Flymake's.
_LOOK_EMACS = """
(require 'eglot)
(setq eglot-sync-connect t)
(find-file "shop_analytics/features.py")
(call-interactively #'eglot)
(defun over-budget ()
  (flymake-start)
  (seq-find (lambda (found) (string-match-p "Asset at" (flymake-diagnostic-text found)))
            (flymake-diagnostics)))
(with-timeout (SECONDS (message "NOTHING %S" (flymake-diagnostics)) (kill-emacs 1))
  (while (not (over-budget)) (accept-process-output nil 0.1)))
(let ((found (over-budget)))
  (goto-char (flymake-diagnostic-beg found))
  (message "DIAGNOSTIC %d %s %s" (line-number-at-pos) (flymake-diagnostic-type found)
           (flymake-diagnostic-text found))
  (forward-char 1)
  (let ((hover (jsonrpc-request (eglot--current-server-or-lose) :textDocument/hover
                                (eglot--TextDocumentPositionParams))))
    (message "HOVER %s" (plist-get (plist-get hover :contents) :value))))
(kill-emacs 0)
"""
_PACKAGES = ("--eval", "(package-initialize)")


def has_eglot() -> bool:
    """Whether there is an Emacs that knows Eglot."""
    if EMACS is None:
        return False
    command = [EMACS, "-q", "--batch", *_PACKAGES, "--eval", "(require 'eglot)"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def neovim_version() -> tuple[int, int]:
    """Major and minor version of the Neovim on PATH."""
    assert NEOVIM is not None
    printed = subprocess.run([NEOVIM, "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"v(\d+)\.(\d+)", printed.stdout)
    assert found, printed.stdout
    return int(found[1]), int(found[2])


def lua_block() -> str:
    """What the page tells users of this version of Neovim to paste."""
    before, after = re.findall(r"^```lua\n(.*?)^```$", PAGE.read_text("utf-8"), re.S | re.M)
    return str(after if neovim_version() >= (0, 11) else before)


@pytest.mark.skipif(NEOVIM is None, reason="there is no nvim on PATH (apt-get install neovim)")
def test_neovim_shows_a_heavy_asset(tmp_path: Path, dagster_python: Callable[..., Path]) -> None:
    assert NEOVIM is not None
    project = copied_shop(tmp_path, dagster_python())
    init = tmp_path / "init.lua"
    init.write_text(f'vim.cmd("filetype on")\n{lua_block()}', encoding="utf-8")
    look = tmp_path / "look.lua"
    seconds = patience(120)
    look.write_text(_LOOK.replace("MILLISECONDS", f"{1000 * seconds:.0f}"), encoding="utf-8")
    done = run(
        tmp_path,
        project,
        seconds,
        *(NEOVIM, "--headless", "-i", "NONE", "-n", "-u", str(init)),
        *("shop_analytics/features.py", "-c", f"luafile {look}"),
    )
    printed = (done.stdout + done.stderr).replace("\r", "")
    assert done.returncode == 0, printed
    check_shown(printed, project)


@pytest.mark.skipif(not has_eglot(), reason="no Emacs with Eglot (apt-get install elpa-eglot)")
def test_emacs_shows_a_heavy_asset(tmp_path: Path, dagster_python: Callable[..., Path]) -> None:
    assert EMACS is not None
    project = copied_shop(tmp_path, dagster_python())
    # What Emacs takes for the project.
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    (block,) = re.findall(r"^```elisp\n(.*?)^```$", PAGE.read_text("utf-8"), re.S | re.M)
    (tmp_path / "init.el").write_text(block, encoding="utf-8")
    seconds = patience(120)
    look = tmp_path / "look.el"
    look.write_text(_LOOK_EMACS.replace("SECONDS", f"{seconds:.0f}"), encoding="utf-8")
    setup = ("-l", str(tmp_path / "init.el"), "-l", str(look))
    done = run(tmp_path, project, seconds, EMACS, "-q", "--batch", *_PACKAGES, *setup)
    assert done.returncode == 0, done.stdout + done.stderr
    check_shown(done.stderr, project)


def run(
    folder: Path, project: Path, seconds: float, *command: str
) -> subprocess.CompletedProcess[str]:
    """Run an editor in the project, whose own files are in ``folder``."""
    return subprocess.run(
        command,
        cwd=project,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=seconds + 60,
        check=False,
    )


def copied_shop(folder: Path, python: Path) -> Path:
    """The example, with an environment of its own."""
    project = folder / "shop"
    shutil.copytree(
        ROOT / "examples" / "shop", project, ignore=shutil.ignore_patterns("__pycache__", ".venv")
    )
    (project / ".venv").symlink_to(python.parent.parent)
    return project


def check_shown(printed: str, project: Path) -> None:
    """The diagnostic of the heavy asset stands at its decorator, and its hover has its fields."""
    source = (project / "shop_analytics" / "features.py").read_text("utf-8").splitlines()
    found = re.search(
        r"^DIAGNOSTIC (\d+) (\S+) .*Asset at .+: customer_features .+$", printed, re.M
    )
    assert found, printed
    assert source[int(found[1]) - 1].startswith("@dg.asset")
    assert found[2] in ("2", "eglot-warning"), "a warning"
    _, _, hover = printed.partition("HOVER ")
    assert "customer_features" in hover, printed
    assert "dagster/column_schema" in hover, printed


def environment(folder: Path) -> dict[str, str]:
    """Neovim's folders and the server's in one of our own; the tool of this checkout on PATH."""
    tool = folder / "bin" / "dagster-snapsize"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m dagster_snapsize "$@"\n')
    tool.chmod(0o755)
    dropped = ("VIRTUAL_ENV", "DAGSTER_", "NVIM", "VIM", "XDG_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        kept[f"XDG_{name}_HOME"] = str(folder / name.lower())
    return {**kept, "PATH": f"{tool.parent}{os.pathsep}{kept.get('PATH', os.defpath)}"}
