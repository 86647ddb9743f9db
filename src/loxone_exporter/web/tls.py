"""TLS of the HTTP server: its certificate, which is replaced while it runs, and the handshake.

Who renews a certificate writes other files, one after the other, or has Kubernetes swap a link to
their folder. Both are noticed within seconds, and count for connections that begin after that.
"""

from __future__ import annotations

import contextlib
import logging
import re
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Final, NoReturn

import trio
from attrs import define, field, frozen

from loxone_exporter.config.files import Print, print_of, read_bytes
from loxone_exporter.config.findings import Problem
from loxone_exporter.config.model import TlsServerConfig
from loxone_exporter.config.server_tls import PATH, load_pair
from loxone_exporter.errors import ListenError, ProtocolError
from loxone_exporter.loxone.crypto import end_of_validity
from loxone_exporter.reading import FileReader, Result
from loxone_exporter.vitals import Vitals


ALERT_DEADLINE: Final = 1.0
"""Seconds that a client has to take in why there is none."""

CHECK_INTERVAL: Final = 2.0
"""Seconds between two looks at the files, which have to be the same at both: whoever writes them
may not be done."""

_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Those of TLS 1.2 that keep what was said secret, even if the key is stolen later."""

_VERSIONS: Final = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_CLIENTS: Final = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_CERTIFICATE: Final = re.compile(
    r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL
)

_logger = logging.getLogger(__name__)


@frozen
class Identity:
    """What the server shows to clients, and wants to see of them.

    Attributes:
        context: For their connections; each takes half a megabyte, the first one two.
        not_after: Until when the certificate is valid, in Unix time; None if that is not readable.
    """

    context: ssl.SSLContext
    not_after: float | None

    @classmethod
    def load(cls, config: TlsServerConfig) -> Identity:
        """Read the files.

        Raises:
            ValueError: They cannot be used; the message says which, and why.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = _VERSIONS[config.min_version]
        context.set_ciphers(_CIPHERS)
        context.set_alpn_protocols(["http/1.1"])
        context.options |= ssl.OP_NO_RENEGOTIATION
        # A scraper keeps its connection: to take up an old session gains nothing, and would go by
        # a client's certificate of that time. Python has no switch for the sessions of TLS 1.2 that
        # OpenSSL knows by their numbers, for two hours at most, and no longer than this context.
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
        load_pair(context, config.cert_file, config.key_file)
        context.verify_mode = _CLIENTS[config.client_auth_type]
        if config.client_ca_file is not None:
            try:
                context.load_verify_locations(config.client_ca_file)
            except OSError as error:  # ssl.SSLError is one
                text = error.strerror or str(error)
                raise ValueError(f"{config.client_ca_file}: cannot be used: {text}") from None
        return cls(context, _end_of(config))


@define(eq=False)
class ServerTls:
    """The identity of a server, and what it goes by.

    Attributes:
        identity: For connections that begin now.
    """

    identity: Identity
    _config: TlsServerConfig
    _vitals: Vitals
    _print: tuple[Print, ...]
    _files: FileReader = field(factory=FileReader)

    @classmethod
    def start(cls, config: TlsServerConfig, vitals: Vitals) -> ServerTls:
        """Begin with what the files hold now.

        Args:
            config: Where they are.
            vitals: Where the certificate's end is shown.

        Raises:
            ListenError: They cannot be used.
        """
        seen = _print_all(config)
        try:
            identity = Identity.load(config)
        except ValueError as error:
            raise ListenError(f"no TLS: {error}") from None
        vitals.web_certificate_not_after = identity.not_after
        return cls(identity, config, vitals, seen)

    async def prepare(self, config: TlsServerConfig) -> Callable[[], None]:
        """Read the files of another configuration, which was checked just now.

        Returns:
            What goes by it from then on.

        Raises:
            trio.TooSlowError: They are not read in time.
        """

        def keep() -> None:
            pass

        if config == self._config:
            return keep
        seen = await self._read(partial(_print_all, config))
        outcome = await self._read(partial(_try_to_load, config))

        def take_over() -> None:
            self._config, self._print = config, seen
            if isinstance(outcome, Identity):
                self._take_over(outcome)
            else:  # since then
                _tell_unusable(outcome)

        return take_over

    async def encrypt(self, stream: trio.abc.Stream) -> trio.SSLStream[trio.abc.Stream] | None:
        """Speak TLS on a connection; how long that may take is up to the caller.

        Returns:
            The encrypted connection; None where there is none, and the other one is to be closed:
            the client does not speak TLS, or shows no certificate that is good.
        """
        context = self.identity.context
        encrypted = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
        try:
            await encrypted.do_handshake()
        except trio.BrokenResourceError as error:
            _logger.debug("no TLS with a client: %s", error.__cause__ or error)
            await _explain(encrypted)
            return None
        return encrypted

    async def watch(self) -> NoReturn:
        """Take over what is in the files whenever they have changed, for ever."""
        before = self._print
        while True:
            await trio.sleep(CHECK_INTERVAL)
            config = self._config
            try:
                present = await self._read(partial(_print_all, config))
                if present == before and present != self._print and config is self._config:
                    await self._renew(config, present)
                before = present
            except trio.TooSlowError as error:
                _logger.warning("%s", error)
            except (OSError, RuntimeError):  # such as no thread to be had
                _logger.exception("cannot watch certificate and key")

    async def _renew(self, config: TlsServerConfig, present: tuple[Print, ...]) -> None:
        outcome = await self._read(partial(_try_to_load, config))
        if config is not self._config:
            return
        self._print = present
        if isinstance(outcome, Identity):
            self._take_over(outcome)
            for text in _doubts(config, outcome.not_after):
                _logger.warning("%s", text)
        else:
            _tell_unusable(outcome)

    def _take_over(self, identity: Identity) -> None:
        self.identity = identity
        self._vitals.web_certificate_not_after = identity.not_after
        _logger.info("new connections get the certificate in %s", self._config.cert_file)

    async def _read(self, work: Callable[[], Result]) -> Result:
        return await self._files.read("certificate and key", work)


async def _explain(encrypted: trio.SSLStream[trio.abc.Stream]) -> None:
    """Tell a client why there is no TLS with it, such as that it has to show a certificate.

    OpenSSL has written that down, but trio does not send it.
    """
    stream = encrypted.transport_stream
    with trio.move_on_after(ALERT_DEADLINE), contextlib.suppress(trio.BrokenResourceError):
        await stream.send_all(encrypted._outgoing.read())  # noqa: SLF001  # see above
        if isinstance(stream, trio.abc.HalfCloseableStream):
            await stream.send_eof()
        # What would be left unread would make the operating system drop the alert, too.
        while await stream.receive_some():
            pass


def find_doubts(config: TlsServerConfig) -> Iterator[Problem]:
    """What should be considered about the certificate."""
    for text in _doubts(config, _end_of(config)):
        yield (*PATH, "cert_file"), text


def _doubts(config: TlsServerConfig, not_after: float | None) -> Iterator[str]:
    if not_after is not None and not_after < time.time():
        moment = datetime.fromtimestamp(not_after, UTC)
        yield f"{config.cert_file}: expired on {moment:%Y-%m-%d}: clients do not accept it any more"


def _end_of(config: TlsServerConfig) -> float | None:
    try:
        found = _CERTIFICATE.search(read_bytes(config.cert_file).decode("ascii", errors="replace"))
        return None if found is None else end_of_validity(ssl.PEM_cert_to_DER_cert(found[0]))
    except (ValueError, ProtocolError):
        return None


def _print_all(config: TlsServerConfig) -> tuple[Print, ...]:
    files = (config.cert_file, config.key_file, config.client_ca_file)
    return tuple(None if file is None else print_of(file) for file in files)


def _try_to_load(config: TlsServerConfig) -> Identity | ValueError:
    try:
        return Identity.load(config)
    except ValueError as error:
        return error


def _tell_unusable(error: ValueError) -> None:
    _logger.error("the certificate is not replaced, the one before stays: %s", error)
