"""The way to a Miniserver: an address, plain or with TLS."""

from __future__ import annotations

from collections.abc import Callable

import trio
from attrs import field, frozen

from loxone_exporter.miniserver.network import Address, Connect
from loxone_exporter.miniserver.tls import Certificate, TlsTerms, secure


def _ignore(_: Certificate) -> None:
    pass


@frozen
class Link:
    """Opens connections to one port of a Miniserver.

    Attributes:
        address: Where it listens.
        terms: What its certificate has to be like; None for plain connections.
    """

    address: Address
    _connect: Connect = field(repr=False)
    terms: TlsTerms | None = None
    _on_certificate: Callable[[Certificate], None] = field(default=_ignore, repr=False)

    async def open(self) -> trio.abc.Stream:
        """Open a connection; where that fails, none is left behind.

        Raises:
            UnreachableError: There is nobody.
            TlsError: There is no TLS, or the certificate is not accepted.
            IdentityError: The certificate is another Miniserver's.
            ConnectionLostError: The connection broke.
        """
        stream = await self._connect(self.address)
        if self.terms is None:
            return stream
        try:
            encrypted, certificate = await secure(stream, self.terms, self.address)
            self._on_certificate(certificate)
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
        return encrypted
