"""The password as it is now: a file may get another one while the process runs."""

from __future__ import annotations

import logging
from functools import partial
from typing import Final

import trio
from attrs import Factory, define, field

from loxone_exporter.config.findings import ConfigurationError
from loxone_exporter.config.model import MiniserverConfig
from loxone_exporter.config.passwords import read_password_file
from loxone_exporter.config.secret import Secret
from loxone_exporter.miniserver.budget import LoginBudget
from loxone_exporter.reading import FileReader


CHECK_INTERVAL: Final = 5.0
"""Seconds between two looks at the file, while the password in it is rejected."""

_logger = logging.getLogger(__name__)


@define
class PasswordSource:
    """Where a Miniserver's password comes from."""

    _config: MiniserverConfig
    _last: Secret = field(
        init=False, repr=False, default=Factory(lambda self: self._config.password, takes_self=True)
    )
    _is_unreadable: bool = field(init=False, default=False)
    _files: FileReader = field(init=False, factory=FileReader)

    async def current(self) -> Secret:
        """The password; where its file cannot be read at present, the last one."""
        file = self._config.password_file
        if file is None:
            return self._last
        try:
            self._last = await self._files.read(file, partial(read_password_file, file))
        except (ConfigurationError, trio.TooSlowError) as error:
            self._complain(str(error))
        else:
            self._is_unreadable = False
        return self._last

    def _complain(self, problem: str) -> None:
        if not self._is_unreadable:
            _logger.warning("the last password stays in use: %s", problem)
        self._is_unreadable = True

    async def wait_for_another(self, tried: Secret, budget: LoginBudget) -> None:
        """Wait until there is another password, which may be tried; for ever where none can come.

        Args:
            tried: The password that was of no use.
            budget: Says whether another one may be tried.
        """
        if self._config.password_file is None:
            await trio.sleep_forever()
        while True:
            password = await self.current()
            if password != tried and budget.wait(password, trio.current_time()) <= 0:
                return
            await trio.sleep(CHECK_INTERVAL)
