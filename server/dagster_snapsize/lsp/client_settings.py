"""The client's settings: those of its window, and of each folder where they differ."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from dagster_snapsize.lsp.documents.positions import to_uri
from dagster_snapsize.lsp.settings import SECTION, Settings, read_settings

_log = logging.getLogger(__name__)


class ClientSettings:
    """What the client said last; what it says wrong is told to its user once."""

    def __init__(self, server: LanguageServer):
        self._server = server
        self._window = Settings()
        self._folders: dict[str, Settings] = {}
        self._said: frozenset[str] = frozenset()

    def of(self, folder: str) -> Settings:
        """Those of a project's folder."""
        return self._folders.get(folder, self._window)

    async def fetch(self, folders: Sequence[str]) -> None:
        """Ask the client for its settings, and for those of each of these folders."""
        scopes = [None, *map(to_uri, folders)]
        items = [types.ConfigurationItem(scope_uri=uri, section=SECTION) for uri in scopes]
        try:
            answers = await self._server.workspace_configuration_async(
                types.ConfigurationParams(items)
            )
        except Exception as error:  # a client that cannot after all
            _log.warning("the client gave no settings: %s", error)
            return
        given = dict(zip([None, *folders], answers or [], strict=False))
        self._heed({folder: data for folder, data in given.items() if data is not None})

    def take(self, data: object) -> None:
        """Heed settings that are the same for every folder."""
        self._folders.clear()
        self._heed({None: data})

    def _heed(self, given: dict[str | None, object]) -> None:
        messages: dict[str, None] = {}
        for folder, data in given.items():
            settings, wrong = read_settings(data)
            messages.update(dict.fromkeys(wrong))
            if folder is None:
                self._window = settings
            else:
                self._folders[folder] = settings
        for message in messages:
            if message not in self._said:
                self._server.window_show_message(
                    types.ShowMessageParams(
                        types.MessageType.Warning, f"dagster-snapsize: {message}"
                    )
                )
        self._said = frozenset(messages)
        logging.getLogger("dagster_snapsize").setLevel(self._window.log_level.upper())
