"""Drives loxwebsocket, a client that began as PyLoxone's.

Logins: `getjwt` and `gettoken` (with the password), and `authwithtoken`: a first connection gets a
token with the password and is closed, a second one logs in with that token.

To be run as `python -m interop.loxwebsocket`, from the folder above: as a script it would import
itself in the client's place.
"""

from __future__ import annotations

import argparse
import asyncio  # noqa: TID251  # the client is made for it
import base64
import json
import re
import socket
import ssl
import sys
import urllib.request
from importlib.metadata import version
from typing import Any

from attrs import define, field
from loxwebsocket import LoxWs


KINDS = {2: "values", 3: "texts"}
"""What the client decodes, by identifier; tables of daytimers and weather it passes over."""

FIRST_WITH_JWT = 10.2
"""The version from which on the client prefers `getjwt`; it takes our word for the version."""

_STATE_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{16}")


@define
class Tally:
    """Everything that the client has handed over."""

    live: int = 0
    seen: dict[str, set[str]] = field(factory=lambda: {kind: set() for kind in KINDS.values()})

    async def receive(self, events: dict[bytes, Any], identifier: int) -> None:
        """Note events. What was received before has changed: that is a live event."""
        seen = self.seen[KINDS[identifier]]
        for uuid_bytes in events:
            uuid = uuid_bytes.decode()
            self.live += uuid in seen
            seen.add(uuid)


async def drive(options: argparse.Namespace) -> dict[str, Any]:
    """Log in, fetch the structure file, listen, and tell about it."""
    tally = Tally()
    client = LoxWs(version=9.0 if options.login == "gettoken" else 16.0)
    client.add_message_callback(tally.receive, message_types=list(KINDS))
    scheme, host = ("https", options.name) if options.name else ("http", options.host)
    url = f"{scheme}://{host}:{options.port}"

    subscribe = options.login != "authwithtoken"
    await client.connect(options.username, options.password, url, receive_updates=subscribe)
    token = _token(client)
    login = "getjwt" if "." in token else "gettoken"
    if not subscribe:
        await _disconnect(client)
        await client.connect(options.username, options.password, url)
        login = "authwithtoken" if _token(client) == token else f"{login}, twice"

    text = await asyncio.to_thread(_fetch_structure, url, options)
    structure = json.loads(text)
    answer = json.loads(await client.send_command("jdev/sps/LoxAPPversion3"))
    if answer["LL"]["value"] != structure["lastModified"]:
        sys.exit(f"LoxAPPversion3 is {answer}")
    await asyncio.sleep(options.seconds)
    if client.state != "CONNECTED":
        sys.exit("the connection did not last")
    await _disconnect(client)

    known = set(_STATE_UUID.findall(text))
    return {
        "client": f"loxwebsocket {version('loxwebsocket')}",
        "login": login,
        "controls": len(structure["controls"]),
        "lastModified": structure["lastModified"],
        "states": {kind: len(uuids) for kind, uuids in tally.seen.items()},
        "strangers": sum(len(uuids - known) for uuids in tally.seen.values()),
        "live": tally.live,
    }


def _token(client: Any) -> str:  # noqa: ANN401  # a class without types
    text: str = client._token.token  # noqa: SLF001  # the client has no public way to it
    return text


async def _disconnect(client: Any) -> None:  # noqa: ANN401  # a class without types
    """Close the connection; the client's own tasks would take that for a loss, and reconnect."""
    for task in list(client.background_tasks):
        task.cancel()
    await client.stop()


def _fetch_structure(url: str, options: argparse.Namespace) -> str:
    """Fetch the file over HTTP: the client has no command for it, and could not receive it.

    It waits for answers with the identifier of texts, while the structure file is a file. Users of
    the client fetch it beside it, with the credentials that it sends itself with its first request.
    """
    credentials = base64.b64encode(f"{options.username}:{options.password}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310  # http or https, written above
        f"{url}/data/LoxAPP3.json", headers={"Authorization": f"Basic {credentials}"}
    )
    with urllib.request.urlopen(request, context=ssl.create_default_context()) as response:  # noqa: S310  # see above
        content: bytes = response.read()
    return content.decode()


def _resolve(name: str, address: str) -> None:
    """Let a name stand for an address, in this process.

    A Miniserver's certificate is for a name that the vendor's DNS resolves. Nobody resolves the
    name of a simulated one.
    """
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *rest: Any, **more: Any) -> Any:  # noqa: ANN401  # whatever they are
        return resolve(address if host == name else host, *rest, **more)

    socket.getaddrinfo = getaddrinfo


def main() -> None:
    """Drive the client, and print the report."""
    parser = argparse.ArgumentParser()
    for name in ("host", "port", "username", "password", "login", "name"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--seconds", type=float)
    options = parser.parse_args()
    if options.name:
        _resolve(options.name, options.host)
    sys.stdout.write(json.dumps(asyncio.run(drive(options))) + "\n")


if __name__ == "__main__":
    main()
