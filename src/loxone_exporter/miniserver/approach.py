"""Finding out who is there and how to speak with it, before any credential is sent.

All of this is asked over HTTP: a Miniserver that boots answers 503 here and is spared the rest, and
a WebSocket that is not authenticated within seconds would be closed (protocol reference, sections
2.6 and 4).
"""

from __future__ import annotations

import logging
from typing import Final
from urllib.parse import urlsplit

from attrs import define, evolve, frozen

from loxone_exporter.config.model import MiniserverConfig
from loxone_exporter.errors import (
    BusyError,
    ConnectionLostError,
    MisbehaviourError,
    ProtocolError,
    SilentError,
    TlsError,
    UnreachableError,
)
from loxone_exporter.loxone import commands
from loxone_exporter.loxone.crypto import PublicKey
from loxone_exporter.loxone.replies import (
    OK,
    Device,
    Reply,
    parse_device,
    parse_error_page,
    parse_reply,
)
from loxone_exporter.miniserver.conversation import within
from loxone_exporter.miniserver.failures import (
    LOCATION_SHOWN,
    answer,
    leads_to_tls,
    refusal,
)
from loxone_exporter.miniserver.http import HttpAnswer, HttpClient
from loxone_exporter.miniserver.link import Link
from loxone_exporter.miniserver.memory import SessionMemory
from loxone_exporter.miniserver.network import Address, Connect
from loxone_exporter.miniserver.tls import Certificate, TlsTerms, serial_in
from loxone_exporter.state import LinkState, Security


OPENING_DEADLINE: Final = 10.0
"""Seconds for each HTTP answer, the connection included where it takes one; likewise for the
connection of the WebSocket, and for its handshake."""

_NO_TLS_EITHER = (
    ConnectionLostError,
    MisbehaviourError,
    SilentError,
    TlsError,
    UnreachableError,
)
"""What nobody, or somebody else than a Miniserver, answers to TLS."""

_NOT_FOUND = 404
_CERTIFICATE_EXPIRED = 2

_logger = logging.getLogger(__name__)


@frozen
class Encounter:
    """A Miniserver that was found.

    Attributes:
        link: The way there.
        device: Who it is.
        public_key: For the key exchange; None where firmware knows no encryption.
    """

    link: Link
    device: Device
    public_key: PublicKey | None


@define
class Approach:
    """One attempt to find out who is there."""

    _config: MiniserverConfig
    _memory: SessionMemory
    _state: LinkState
    _connect: Connect

    async def meet(self) -> Encounter:
        """Ask who is there, over TLS wherever that is possible.

        Raises:
            TlsError: There is no TLS where there should be, or the certificate is not accepted.
            IdentityError: Another device answers than before.
            BusyError: It has no room for us.
            SessionError: It does not answer, or not as a Miniserver does.
        """
        if self._config.serial is not None:
            self._memory.serial = self._config.serial
        if self._state.security is None and not self._config.tls_verify:
            self._state.security = Security.UNVERIFIED  # to be seen before there is a connection
        if self._config.tls == "required" or self._memory.offers_tls:
            return await self._meet_over_tls()
        try:
            encounter = await self._meet_in_plain()
        except UnreachableError as error:
            if self._config.tls == "off":
                raise
            return await self._meet_over_tls_alone(error)
        return encounter or await self._meet_over_tls()

    async def _meet_in_plain(self) -> Encounter | None:
        """Ask without TLS, which tells nobody a secret; None where TLS is offered, and wanted."""
        link = Link(Address(self._config.host, self._config.port), self._connect)
        wants_tls = self._config.tls == "auto"
        async with HttpClient(link) as http:
            first = await _get(http, commands.DEVICE)
            if wants_tls and self._is_sent_to_tls(first):
                self._accept_redirection(first.location)
                return None
            device = await self._ask_who(http, first)
            if wants_tls and device.https_status:
                self._accept_offer(device.https_status)
                return None
            public_key = await _ask_key(http)
        self._state.security = Security.PLAIN
        self._state.certificate = self._state.certificate_not_after = None
        return Encounter(link, device, public_key)

    async def _meet_over_tls(self) -> Encounter:
        try:
            async with HttpClient(self._tls_link()) as http:
                device = await self._ask_who(http, await _get(http, commands.DEVICE))
                public_key = await _ask_key(http)
        except (UnreachableError, TlsError) as error:
            if not self._memory.offers_tls:
                raise
            text = f"{error}; TLS is used because the Miniserver has offered it before"
            raise type(error)(text) from error
        # By now it is known whose name has to be in the certificate, if it was not before.
        return Encounter(self._tls_link(), device, public_key)

    async def _meet_over_tls_alone(self, plain: UnreachableError) -> Encounter:
        """Ask a Miniserver that listens for nothing else, perhaps, because its owner forces HTTPS.

        Args:
            plain: Why it could not be asked in plain.
        """
        try:
            encounter = await self._meet_over_tls()
        except _NO_TLS_EITHER as error:
            # Most likely it is just not there, and what answers to TLS is somebody else.
            raise UnreachableError(
                f"{plain}; no Miniserver answers to TLS either: {error}"
            ) from error
        _logger.warning("%s: TLS is used from now on", plain)
        self._memory.offers_tls = True
        return encounter

    def _tls_link(self) -> Link:
        address = Address(self._config.host, self._config.tls_port)
        return Link(address, self._connect, self._terms(), self._accept_certificate)

    def _terms(self) -> TlsTerms:
        return TlsTerms(
            serial=self._memory.serial,
            domain=self._memory.cloud_domain,
            server_name=self._config.tls_server_name,
            ca_file=self._config.tls_ca_file,
            fingerprint=self._config.tls_fingerprint,
            verify=self._config.tls_verify,
        )

    def _accept_certificate(self, certificate: Certificate) -> None:
        if certificate.serial is not None:
            self._recognize(certificate.serial)
        self._state.security = self._terms().security
        self._state.certificate = certificate.der
        self._state.certificate_not_after = certificate.not_after

    def _accept_offer(self, https_status: int) -> None:
        self._memory.offers_tls = True
        if https_status == _CERTIFICATE_EXPIRED and self._terms().security is Security.VERIFIED:
            raise TlsError(
                "the Miniserver says that its certificate has expired; it renews it by itself "
                "while it can reach the internet"
            )

    def _is_sent_to_tls(self, response: HttpAnswer) -> bool:
        """Whether an answer leads to this very Miniserver by TLS, and not to who knows whom."""
        if not leads_to_tls(response.status, response.location):
            return False
        host = _host_in(response.location)
        serial = serial_in(host)
        if serial is None:
            return host.lower() == self._config.host.lower()
        return self._memory.serial in {None, serial}

    def _accept_redirection(self, target: str) -> None:
        """Take it for an offer of TLS; the host that it names is not asked."""
        _logger.warning(
            "plain requests are sent on to %r: TLS is used from now on", target[:LOCATION_SHOWN]
        )
        self._memory.offers_tls = True
        serial = serial_in(_host_in(target))
        if serial is not None:
            self._recognize(serial)

    def _recognize(self, serial: str) -> None:
        if self._memory.recognize(serial):
            _logger.info(
                'this is the Miniserver with the serial number %s: `serial = "%s"` makes sure that '
                "it is never another one",
                serial,
                serial,
            )

    async def _ask_who(self, http: HttpClient, first: HttpAnswer) -> Device:
        """Ask in both ways, each of which tells something that the other one does not.

        Args:
            http: Where to ask.
            first: The answer to the first way.
        """
        by_api = self._read_device(first, commands.DEVICE)
        if by_api is not None and by_api.has_event_slots is False:
            raise BusyError("no further client can receive events (hasEventSlots)")
        by_key = self._read_device(await _get(http, commands.API_KEY), commands.API_KEY)
        device = by_api or by_key
        if device is None:
            raise MisbehaviourError("this is no Miniserver: it does not say who it is")
        if by_key is not None:
            device = evolve(device, https_status=by_key.https_status)
        self._memory.cloud_domain = device.cloud_domain
        self._state.device = device
        return device

    def _read_device(self, response: HttpAnswer, path: str) -> Device | None:
        """Read who answers, and compare with who is expected; None where nobody said it."""
        reply = _read(response, path)
        if reply is None:
            return None
        try:
            device = parse_device(reply.value)
        except ProtocolError as error:
            raise MisbehaviourError(f"this is no Miniserver: {error}") from error
        self._recognize(device.serial)
        return device


async def _ask_key(http: HttpClient) -> PublicKey | None:
    """Ask for the public key; where it is not to be had, for the certificate that it is in."""
    reply = _read(await _get(http, commands.PUBLIC_KEY), commands.PUBLIC_KEY)
    if reply is not None:
        try:
            return PublicKey.parse(str(reply.value))
        except ProtocolError as error:
            _logger.info("asking for the certificate with the public key: %s", error)
    chain = _read_chain(await _get(http, commands.CERTIFICATE_CHAIN))
    if reply is None and chain is None:
        return None
    try:
        return PublicKey.parse(chain or "")
    except ProtocolError as error:
        raise MisbehaviourError(f"no usable public key: {error}") from error


async def _get(http: HttpClient, path: str) -> HttpAnswer:
    with within(OPENING_DEADLINE, f"answer to /{path}"):
        return await http.get(path)


def _read(response: HttpAnswer, path: str) -> Reply | None:
    """Read an answer; None where the firmware does not know the question."""
    if not _is_there(response, path):
        return None
    try:
        reply = parse_reply(response.body)
    except ProtocolError as error:
        raise MisbehaviourError(f"this is no Miniserver: {error}") from error
    if reply.code == _NOT_FOUND:
        return None
    failure = answer(reply, f"/{path}")
    if failure is not None:
        raise failure
    return reply


def _read_chain(response: HttpAnswer) -> str | None:
    """Likewise for certificates, which mostly come as they are."""
    if response.body.lstrip().startswith(b"{"):
        reply = _read(response, commands.CERTIFICATE_CHAIN)
        return None if reply is None else str(reply.value)
    if not _is_there(response, commands.CERTIFICATE_CHAIN):
        return None
    return response.body.decode("utf-8", errors="replace")


def _is_there(response: HttpAnswer, path: str) -> bool:
    if response.status == _NOT_FOUND:
        return False
    if response.status != OK or parse_error_page(response.body) is not None:
        raise refusal(response.status, response.body, f"/{path}", response.location)
    return True


def _host_in(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
