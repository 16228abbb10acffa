"""Select the environment variables that a measurement may depend on.

An editor's server, a terminal and a commit hook must find the same entry, so the variables that
they set for themselves are left out. docs/cache.md lists them for users.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dagster_snapsize.measuring.environment import interpreter_environ
from dagster_snapsize.project.interpreters import is_hook_environment

LEFT_OUT = frozenset(
    (
        # Set or removed by measuring/environment.py.
        *("VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "PATH"),
        # The shell's own, and its prompt's.
        *("SHLVL", "_", "PWD", "OLDPWD", "PS1", "PS2", "PS4", "PROMPT", "PROMPT_COMMAND"),
        *("COLUMNS", "LINES", "HISTFILE", "HISTSIZE", "HISTCONTROL", "CONDA_PROMPT_MODIFIER"),
        *("CONDA_SHLVL", "PYTHONSTARTUP", "PYTHON_BASIC_REPL"),
        # How text is shown and edited.
        *("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM", "COLORFGBG"),
        *("LS_COLORS", "LSCOLORS", "PAGER", "LESS", "LESSOPEN", "LESSCLOSE", "EDITOR", "VISUAL"),
        # The desktop, the window and the session that something was started from.
        *("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "WINDOWID", "DESKTOP_STARTUP_ID"),
        *("DESKTOP_SESSION", "SESSION_MANAGER", "CHROME_DESKTOP", "ORIGINAL_XDG_CURRENT_DESKTOP"),
        *("GIO_LAUNCHED_DESKTOP_FILE", "GIO_LAUNCHED_DESKTOP_FILE_PID", "NO_AT_BRIDGE"),
        *("INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID", "MANAGERPID", "STY", "TMUX"),
        *(
            "TMUX_PANE",
            "SECURITYSESSIONID",
            "XPC_FLAGS",
            "XPC_SERVICE_NAME",
            "__CFBundleIdentifier",
        ),
        *("VIM", "VIMRUNTIME", "MYVIMRC", "NVIM", "INSIDE_EMACS", "ZED_TERM"),
        *("MAKELEVEL", "MAKEFLAGS", "MFLAGS", "MAKE_TERMOUT", "MAKE_TERMERR"),
        "PIP_DISABLE_PIP_VERSION_CHECK",  # by pre-commit, and of no interest but to pip
        *("APPLICATION_INSIGHTS_NO_DIAGNOSTIC_CHANNEL", "BUNDLED_DEBUGPY_PATH"),
    )
)
LEFT_OUT_PREFIXES = (
    *("GIT_", "PRE_COMMIT", "PREK_", "SNAPSIZE_"),
    *("VSCODE_", "ELECTRON_", "NVIM_", "JETBRAINS_", "PYDEVD_", "DEBUGPY_"),
    *("TERM", "KITTY_", "KONSOLE_", "VTE_", "GNOME_", "ITERM_", "WEZTERM_", "ALACRITTY_", "WT_"),
    *("SSH_", "XDG_SESSION", "XDG_SEAT", "XDG_VTNR", "XDG_ACTIVATION", "DBUS_", "GPG_"),
    *("STARSHIP_", "P9K_", "DIRENV_", "LC_TERMINAL"),
)
_EDITORS_FOLDERS = (".vscode", ".cursor", ".windsurf")  # beginnings of names
_EDITORS_PROGRAMS = ("remote-cli", "noConfigScripts", "debugCommand", "copilotCli")


def relevant_environment(python: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that count, for a measurement with this interpreter."""
    given = interpreter_environ(python, environ)
    kept = {name: value for name, value in given.items() if not _is_left_out(name)}
    kept["PATH"] = relevant_path(given.get("PATH", ""), environ)
    return kept


def is_left_out(name: str) -> bool:
    """Whether a variable that the code asks for by name is among those that do not count.

    PATH and what names the environment are set for the code, whatever the user's are.
    """
    return _is_left_out(name) and name not in ("PATH", "VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT")


def _is_left_out(name: str) -> bool:
    return name in LEFT_OUT or name.startswith(LEFT_OUT_PREFIXES)


def relevant_path(path: str, environ: Mapping[str, str]) -> str:
    """PATH without what git, pre-commit and editors put into it, and without repetitions."""
    folders = dict.fromkeys(filter(None, path.split(os.pathsep)))
    return os.pathsep.join(f for f in folders if not _is_added(f, environ))


def _is_added(folder: str, environ: Mapping[str, str]) -> bool:
    parts = Path(folder).parts
    if not parts:
        return False
    return (
        parts[-1] == "git-core"  # `git --exec-path`, first on PATH in every hook
        or parts[-1] in _EDITORS_PROGRAMS
        or any(part.startswith(_EDITORS_FOLDERS) or part == "globalStorage" for part in parts)
        or is_hook_environment(folder, environ)
    )
