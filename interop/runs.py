"""Which client logs in how, to what device."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from attrs import frozen


@frozen
class Run:
    """One client, logging in in one way.

    Attributes:
        client: Its name, as in `CLIENTS`.
        login: The command that logs in: `getjwt` or `gettoken` with the hash of the password,
            `authwithtoken` with a token of a former connection, `authenticate` and
            `authenticateEnc` as before firmware 9.3.
        profile: The simulated device, as `loxone-exporter simulate --list-profiles` names it.
        tls: Whether it connects by TLS, verifying the certificate.
    """

    client: str
    login: str
    profile: str
    tls: bool = False

    @property
    def title(self) -> str:
        """How messages name it."""
        return f"{self.client} with {self.login} on {self.profile}{' by TLS' * self.tls}"

    @property
    def folder(self) -> str:
        """What the folder for its logs is called."""
        return f"{self.client}-{self.login}-{self.profile}{'-tls' * self.tls}"


CLIENTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "lxcommunicator": ("node", "interop/lxcommunicator.js"),
        "node-lox-ws-api": ("node", "interop/node-lox-ws-api.js"),
        "loxwebsocket": ("python", "-m", "interop.loxwebsocket"),
    }
)
"""The commands of the drivers."""

RUNS: Final = (
    Run("lxcommunicator", "getjwt", "gen1-10.2"),
    Run("lxcommunicator", "getjwt", "gen1-16"),
    Run("lxcommunicator", "authwithtoken", "gen2-12"),
    Run("lxcommunicator", "getjwt", "gen2-16", tls=True),
    Run("lxcommunicator", "authwithtoken", "compact-16", tls=True),
    Run("node-lox-ws-api", "authenticate", "gen1-8"),
    Run("node-lox-ws-api", "authenticateEnc", "gen1-8"),
    Run("node-lox-ws-api", "gettoken", "gen1-10.2"),
    Run("loxwebsocket", "gettoken", "gen1-12"),
    Run("loxwebsocket", "getjwt", "gen1-16"),
    Run("loxwebsocket", "authwithtoken", "gen1-16"),
    Run("loxwebsocket", "getjwt", "gen2-16", tls=True),
)
