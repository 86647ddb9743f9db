"""The simulated Miniservers, and what somebody who stands before one of them can do."""

from __future__ import annotations

import enum
import json
import math
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Final

import trio
from attrs import Factory, define, field, frozen

from benchmarks.scraper import HOST
from loxone_exporter.simulator.accounts import Token
from loxone_exporter.simulator.faults import Faults
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profiles import PROFILES
from loxone_exporter.simulator.session import Session
from loxone_exporter.simulator.structure_changes import rename_a_control
from loxone_exporter.simulator.tls import ServerCertificate, make_certificate
from soak.houses import WatchedHouse, demo_house, small_house


USERNAME: Final = "exporter"
FIRST_WITH_TOKENS: Final = (9,)

ANOTHER_SERIAL: Final = "504F94FFFFFF"

_PORTS: Final = range(20_000, 32_000)
"""Below those that the operating system gives to whoever connects somewhere: a port whose listener
was closed for a while must be free when it is opened again."""

_RETRY: Final = 0.2


@frozen(kw_only=True)
class Place:
    """A Miniserver as the exporter is told of it.

    Attributes:
        profile: The device, as `loxone-exporter simulate --list-profiles` names it.
        house: Builds its house, from a number.
        tls: As in the configuration.
    """

    profile: str
    house: Callable[[int], WatchedHouse]
    tls: str

    @property
    def has_tls(self) -> bool:
        """Whether the device listens for TLS."""
        return PROFILES[self.profile].https_status is not None


PLACES: Final = {
    "demo": Place(profile="gen1-16", house=demo_house, tls="off"),
    "second": Place(profile="gen1-12", house=demo_house, tls="auto"),
    "secure": Place(profile="gen2-16", house=demo_house, tls="auto"),
    "strict": Place(profile="compact-16", house=small_house, tls="required"),
    "small": Place(profile="gen1-10.2", house=small_house, tls="off"),
    "old": Place(profile="gen1-8", house=small_house, tls="auto"),
}
"""By name."""


class StandIn(enum.Enum):
    """A device that answers in another one's place."""

    ANOTHER_DEVICE = enum.auto()
    """It has another serial number."""
    EXPIRED = enum.auto()
    """Its certificate has expired, and that is all that tells it from the right one."""


def _certificates(serial: str) -> dict[StandIn | None, ServerCertificate]:
    return {
        None: make_certificate(serial),
        StandIn.ANOTHER_DEVICE: make_certificate(ANOTHER_SERIAL),
        StandIn.EXPIRED: make_certificate(serial, expired=True),
    }


@define(eq=False)
class Site:
    """A Miniserver, its house, and what its owner knows.

    Attributes:
        name: What it is called.
        label: The label `miniserver`: its name, unless another one is tried.
        place: What the exporter is told of it.
        house: What stands behind it.
        miniserver: The simulated device.
        port: Where it listens.
        tls_port: Likewise by TLS; free where it does not.
        certificates: Its own, and those of devices that stand in for it, all of authorities that
            the exporter is to trust; empty without TLS.
        folder: Where the password and the authorities lie.
        client_id: As in the configuration.
        strangers: What devices that stood in for it were asked that they should not have been.
        orphans: Tokens that nobody can kill any more, for it was the Miniserver's doing.
        secrets: Passwords and tokens that it ever had.
        ordeal: What it is put to; empty where that is nothing.
        ordeals: How often it was put to something.
        settled_since: Since when its series are those of its house, on trio's clock; infinite while
            they may be others.
        present_since: Since when it is in the configuration; infinite while it is not.
    """

    name: str
    place: Place
    house: WatchedHouse
    miniserver: SimulatedMiniserver
    port: int
    tls_port: int
    certificates: Mapping[StandIn | None, ServerCertificate]
    folder: Path
    password: str = field(repr=False)
    label: str = field(default=Factory(lambda self: self.name, takes_self=True))
    client_id: str = "soak"
    strangers: list[str] = field(factory=list)
    orphans: list[Token] = field(factory=list)
    secrets: set[str] = field(factory=set, repr=False)
    ordeal: str = ""
    ordeals: int = 0
    settled_since: float = math.inf
    present_since: float = math.inf
    _present: SimulatedMiniserver = field(
        default=Factory(lambda self: self.miniserver, takes_self=True)
    )
    _shown: StandIn | None = None
    _presence: trio.CancelScope = field(factory=trio.CancelScope)

    @classmethod
    def build(cls, name: str, number: int, ports: Iterator[int], folder: Path) -> Site:
        """Build one of those in `PLACES`.

        Args:
            name: Its name.
            number: Tells its house from others.
            ports: Those that are free.
            folder: Where the password and the authorities are put.
        """
        place = PLACES[name]
        profile = PROFILES[place.profile]
        house, password = place.house(number), secrets.token_hex(8)
        site = cls(
            name=name,
            place=place,
            house=house,
            miniserver=SimulatedMiniserver(
                house, username=USERNAME, password=password, profile=profile
            ),
            port=next(ports),
            tls_port=next(ports),
            certificates=_certificates(profile.serial) if place.has_tls else {},
            folder=folder,
            password=password,
        )
        site.secrets.add(password)
        site.write_password()
        site.authorities.write_bytes(
            b"".join(certificate.authority_pem for certificate in site.certificates.values())
        )
        return site

    # How the exporter is told of it.

    @property
    def password_file(self) -> Path:
        """The file that holds the password."""
        return self.folder / f"{self.name}.password"

    @property
    def authorities(self) -> Path:
        """The file that holds the authorities."""
        return self.folder / f"{self.name}.pem"

    def write_password(self) -> None:
        """Put the password into its file, as a whole."""
        new = self.folder / f".{self.name}.new"
        new.touch(mode=0o600)
        new.write_text(self.password, encoding="utf-8")
        new.replace(self.password_file)

    @property
    def toml(self) -> str:
        """Its table in the configuration."""
        values: dict[str, str | int] = {
            "name": self.label,
            "host": HOST,
            "tls": self.place.tls,
            "username": USERNAME,
            "password_file": str(self.password_file),
            "client_id": self.client_id,
        }
        if self.place.tls != "required":
            values["port"] = self.port
        if self.place.tls != "off":
            values["tls_port"] = self.tls_port
        if self.place.has_tls:
            values["tls_ca_file"] = str(self.authorities)
        lines = (f"{key} = {json.dumps(value)}" for key, value in values.items())
        return "\n".join(("[[miniservers]]", *lines, ""))

    # What is to be known of it.

    @property
    def faults(self) -> Faults:
        """What it does wrong."""
        return self.miniserver.faults

    @property
    def has_tokens(self) -> bool:
        """Whether logins result in tokens; otherwise each takes the password."""
        return self.miniserver.profile.knows(FIRST_WITH_TOKENS)

    @property
    def session(self) -> Session | None:
        """The exporter's session that has events, if there is one."""
        return next((session for session in self.miniserver.sessions if session.subscribed), None)

    def loose_tokens(self) -> list[Token]:
        """The tokens that no session uses, but for those that are known to be lost."""
        used = self.session.client.token if self.session is not None else None
        return [
            token
            for token in self.miniserver.tokens.values()
            if token is not used and token not in self.orphans
        ]

    # What can be done to it.

    async def drop(self) -> None:
        """Break its WebSockets off."""
        await self.miniserver.drop_sessions()

    async def upload(self) -> None:
        """Upload its program anew, with a later date and a renamed control."""
        rename_a_control(self.house)
        self.miniserver.replace_house(self.house, upload=True)
        await trio.lowlevel.checkpoint()

    async def send_everything(self) -> None:
        """Send every state, as if all had changed."""
        await self.miniserver.publish(dict(self.house.values), dict(self.house.texts))

    async def change_user(self) -> None:
        """Change something about the user: its tokens are gone, the password stays."""
        await self.miniserver.change_user()

    async def change_password(self) -> None:
        """Change the password, in the device and in the exporter's file."""
        self.invent_password()
        self.write_password()
        await self.apply_password()

    def invent_password(self) -> None:
        """Make another password; nobody knows it yet."""
        self.password = secrets.token_hex(8)
        self.secrets.add(self.password)

    async def apply_password(self) -> None:
        """Tell the device its user's password."""
        await self.miniserver.change_user(password=self.password)

    async def testify(self) -> None:
        """Have the witness say something new."""
        await self.miniserver.publish(self.house.next_evidence().values)

    async def be_replaced(self, seconds: float, by: StandIn) -> None:
        """Let another device stand in for it, to which the exporter must not log in.

        Args:
            seconds: For how long.
            by: The other device.
        """
        stand_in = SimulatedMiniserver(
            self.house, username=USERNAME, password=self.password, profile=self.miniserver.profile
        )
        if by is StandIn.ANOTHER_DEVICE:
            stand_in.faults.serial = ANOTHER_SERIAL
        else:
            stand_in.faults.certificate_expired = True
        self._change_places(stand_in, by)
        try:
            await trio.sleep(seconds)
        finally:
            self._change_places(self.miniserver, None)
            self.strangers += stand_in.strangers
            self.strangers += [
                f"to another device: {command.text.partition('/')[0]}"
                for command in stand_in.received
                if command.encrypted
            ]

    def _change_places(self, miniserver: SimulatedMiniserver, stand_in: StandIn | None) -> None:
        self._present, self._shown = miniserver, stand_in
        self._presence.cancel()

    # Being there.

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Be there, or have the other device there, until cancelled."""
        while True:
            with trio.CancelScope() as self._presence:
                listeners = [await _listen(self.port)]
                tls_listeners = [await _listen(self.tls_port)] if self.certificates else []
                task_status.started()
                task_status = trio.TASK_STATUS_IGNORED
                await self._present.serve(
                    listeners,
                    tls_listeners=tls_listeners,
                    certificate=self.certificates.get(self._shown),
                )


async def _listen(port: int) -> trio.SocketListener:
    """Listen at a port, as soon as it is free."""
    while True:
        try:
            (listener,) = await trio.open_tcp_listeners(port, host=HOST)
        except OSError:
            await trio.sleep(_RETRY)
        else:
            return listener


def free_ports(chance: Random) -> Iterator[int]:
    """Ports that nobody listens on, for now; no two are the same."""
    for port in chance.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        yield port
