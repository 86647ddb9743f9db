"""What reads bytes from outside without a network: each alone, with what may come of it."""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

from attrs import frozen

from fuzz.cases import Finding
from fuzz.documents import mutate_document, write_document
from fuzz.house import whole_house
from fuzz.mutations import mutate
from fuzz.requests import FIELDS
from fuzz.structures import BETWEEN, draw_structures, read_structures
from loxone_exporter.config.findings import ConfigurationError
from loxone_exporter.config.load import load_config
from loxone_exporter.errors import ProtocolError, SessionError
from loxone_exporter.loxone.codes import read_lock, read_names
from loxone_exporter.loxone.crypto import (
    PrivateKey,
    PublicKey,
    SessionKey,
    decode_base64,
    encode_base64,
    end_of_validity,
    hash_credentials,
)
from loxone_exporter.loxone.header import Header, Identifier, encode_header
from loxone_exporter.loxone.messages import Message, MessageAssembler
from loxone_exporter.loxone.replies import (
    parse_device,
    parse_error_page,
    parse_hash_parameters,
    parse_reply,
    parse_token,
    parse_validity,
)
from loxone_exporter.loxone.tables import (
    decode_daytimers,
    decode_texts,
    decode_values,
    decode_weather,
    encode_daytimers,
    encode_texts,
    encode_values,
    encode_weather,
)
from loxone_exporter.metrics.exposition import accepts_gzip, choose_format
from loxone_exporter.miniserver.answers import read_reply, read_structure
from loxone_exporter.simulator.tls import make_certificate


ROOT: Final = Path(__file__).parents[1]

_KEY_BITS: Final = 1024


@frozen
class Target:
    """Something that reads bytes.

    Attributes:
        name: What reproducers call it.
        draw: Makes up bytes.
        read: Reads them; what it finds to be wrong, it says. An exception is wrong, too.
    """

    name: str
    draw: Callable[[Random], bytes]
    read: Callable[[bytes], Sequence[Finding]]


def _mutated(samples: Callable[[], Sequence[bytes]]) -> Callable[[Random], bytes]:
    def draw(chance: Random) -> bytes:
        all_samples = samples()
        return mutate(chance.choice(all_samples), chance, all_samples)

    return draw


def _refusing(*readers: Callable[[Any], object]) -> Callable[[bytes], Sequence[Finding]]:
    """Have each reader read, who may refuse."""

    def read(data: bytes) -> Sequence[Finding]:
        for reader in readers:
            try:
                reader(data)
            except (ProtocolError, SessionError) as error:
                str(error).encode()
        return ()

    return read


# Frames and tables.


@functools.cache
def _tables() -> Sequence[bytes]:
    wing = whole_house()
    return (
        encode_values(list(wing.values.items())[:20]),
        encode_texts(list(wing.texts.items())[:6]),
        encode_daytimers(wing.daytimers[:3]),
        encode_weather(wing.weather),
        b"",
    )


def _draw_frames(chance: Random) -> bytes:
    frames = []
    for _ in range(chance.randint(1, 4)):
        table = mutate(chance.choice(_tables()), chance, _tables())
        header = Header(chance.choice((*Identifier, 9)), len(table), chance.random() < 1 / 6)
        head = encode_header(header)
        frames += [mutate(head, chance) if chance.random() < 1 / 4 else head, table]
    return BETWEEN.join(frames)


def _read_frames(data: bytes) -> Sequence[Finding]:
    assembler = MessageAssembler()
    for number, frame in enumerate(data.split(BETWEEN)):
        is_text = number % 3 == 1  # as good as any rule
        try:
            message = assembler.feed(frame.decode(errors="replace") if is_text else frame)
        except ProtocolError:
            continue
        if message is not None:
            bool(message.is_as_announced)
            _refusing(_read_message)(message)  # type: ignore[arg-type]  # whatever a reader takes
    return ()


def _read_message(message: Message) -> None:
    read_structure(message)
    read_reply(message, "jdev/sps/LoxAPPversion3", is_secret=False)


_TABLES: Final = _refusing(
    lambda data: list(decode_values(data)),
    lambda data: list(decode_texts(data)),
    lambda data: [entry.non_finite() for entry in decode_daytimers(data)],
    lambda data: [hour.non_finite() for entry in decode_weather(data) for hour in entry.entries],
)


# Answers.

_DEVICE: Final = (
    "{'snr': '50:4F:94:D0:E0:DE', 'version':'16.0.6.10', 'key':'3234', 'hasEventSlots':true, "
    "'httpsStatus':1, 'certTLD':'com'}"
)
_SALT: Final = {"key": "3A" * 40, "salt": "33326361", "hashAlg": "SHA256"}
_TOKEN: Final = {"token": "ey.J9.x", "key": "41", "validUntil": 548000000, "tokenRights": 1666}

_REPLIES: Final = (
    *(
        json.dumps({"LL": {"control": control, "Code": "200", "value": value}}).encode()
        for control, value in (
            ("dev/cfg/api", _DEVICE),
            ("jdev/sys/getkey2/exporter", _SALT),
            ("jdev/sys/getjwt", _TOKEN),
            ("dev/sps/LoxAPPversion3", "2026-05-25 18:00:00"),
        )
    ),
    b'{"LL": {"value": "say "hello", you", "Code": "200", "control": "dev/x"}}',
    b"<html><body>Forbidden<errorcode>403</errorcode><remaining>120</remaining></body></html>",
)


def _draw_reply(chance: Random) -> bytes:
    reply = chance.choice(_REPLIES)
    if chance.random() < 1 / 2:
        return mutate(reply, chance, _REPLIES)
    try:
        document = json.loads(reply)
    except ValueError:
        return mutate(reply, chance, _REPLIES)
    return write_document(mutate_document(document, chance), chance)


def _read_reply(data: bytes) -> Sequence[Finding]:
    parse_error_page(data)
    text = data.decode(errors="replace")
    read_names(text)
    read_lock(text)
    for payload in (data, text):
        try:
            value = parse_reply(payload).value
        except ProtocolError as error:
            str(error).encode()
            continue
        parse_validity(value)
        _refusing(parse_device, parse_token, _hash)(value)  # type: ignore[arg-type]  # as above
    return ()


def _hash(value: Any) -> None:  # noqa: ANN401  # any JSON
    hash_credentials("exporter", "invented", parse_hash_parameters(value))


# Keys and certificates.


@functools.cache
def _keys() -> Sequence[bytes]:
    certificate = make_certificate("504F94D0E0DE")
    public = PrivateKey.generate(_KEY_BITS).public_text.encode()
    return (public, public.replace(b"CERTIFICATE", b"PUBLIC KEY"), certificate.authority_pem)


def _draw_key(chance: Random) -> bytes:
    """A key, changed in its text or in what the text stands for."""
    key = chance.choice(_keys())
    if chance.random() < 1 / 3:
        return mutate(key, chance, _keys())
    text = key.decode().strip()
    begin, middle, end = text[: text.index("-", 12) + 5], text.split("-----")[2], "-----END X-----"
    changed = mutate(decode_base64(middle), chance)
    return f"{begin}{encode_base64(changed)}{end}".encode()


def _read_key(data: bytes) -> Sequence[Finding]:
    text = data.decode(errors="replace")
    exchange = SessionKey(bytes(32), bytes(16)).exchange_text
    return _refusing(
        lambda _: PublicKey.parse(text).encrypt(exchange),
        lambda _: end_of_validity(decode_base64("".join(text.split("-----")[2:3]))),
    )(data)


# Configurations.


@functools.cache
def _configurations() -> Sequence[bytes]:
    shipped = (ROOT / "loxone-exporter.toml").read_bytes()
    lines = [line for line in shipped.splitlines() if line and not line.startswith(b"# ")]
    everything = b"\n".join(line.removeprefix(b"#") for line in lines)
    return (everything, shipped[-3000:], _OWN)


_OWN: Final = b"""
[filter]
exclude_rooms = ["Cellar*", ""]
exclude_classes = ["presence"]
[[override]]
names = ["Gas"]
states = ["value"]
unit = "m\xc2\xb3"
metric_type = "counter"
[[override]]
rooms = ["*"]
drop = true
[[miniservers]]
name = "home"
host = "[fe80::1%eth0]"
port = 80
serial = "50:4F:94:A0:BB:CC"
username = "exporter"
password = "invented"
tls_fingerprint = "sha256:8d6f0c351ea742b9905bd47e13c866fa2b97e0415ca3d80f7619be5483ec2af1"
"""


def _read_configuration(data: bytes) -> Sequence[Finding]:
    environ = {"LOXONE_PASSWORD": "x"} if len(data) % 3 else {}
    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        Path(file.name).write_bytes(data)
        try:
            load_config(Path(file.name), environ)
        except ConfigurationError as error:
            str(error).encode()
    return ()


# What scrapers send.


@functools.cache
def _accepts() -> Sequence[bytes]:
    values = (field.partition(": ")[2] for field in FIELDS if field.startswith("Accept"))
    return tuple(value.encode("latin-1") for value in values)


def _read_accept(data: bytes) -> Sequence[Finding]:
    text = data.decode("latin-1")
    choose_format(text).value.encode()
    accepts_gzip(text)
    return ()


TARGETS: Final = {
    target.name: target
    for target in (
        Target("frames", _draw_frames, _read_frames),
        Target("tables", _mutated(_tables), _TABLES),
        Target("reply", _draw_reply, _read_reply),
        Target("key", _draw_key, _read_key),
        Target("structures", draw_structures, read_structures),
        Target("configuration", _mutated(_configurations), _read_configuration),
        Target("accept", _mutated(_accepts), _read_accept),
    )
}
