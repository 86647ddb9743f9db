"""The configuration as the program sees it: complete, checked, immutable.

The TOML document has the same tables and keys, and `password_env` besides. Where an annotation has
a check, the value is read by that check (see converter.py).
"""

# Annotations are read at run time, so this module does not postpone them.

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from attrs import field, frozen

from loxone_exporter.config.addresses import ListenAddress
from loxone_exporter.config.checks import duration, host, line_or_none, one_line, whole_number
from loxone_exporter.config.logins import password_hash, user_name
from loxone_exporter.config.quantities import quantity, unit
from loxone_exporter.config.secret import Secret
from loxone_exporter.config.server_tls import ClientAuthType, client_auth_type
from loxone_exporter.config.tls import fingerprint, serial_number, server_name


LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]
LogFormat: TypeAlias = Literal["json", "text"]
TlsMode: TypeAlias = Literal["auto", "off", "required"]
TlsVersion: TypeAlias = Literal["TLS12", "TLS13"]
MetricType: TypeAlias = Literal["gauge", "counter"]
PrivacyClass: TypeAlias = Literal["presence", "alarm", "secured"]

Host: TypeAlias = Annotated[str, host]
OneLine: TypeAlias = Annotated[str, one_line]
LineOrNone: TypeAlias = Annotated[str, line_or_none]
Port: TypeAlias = Annotated[int, whole_number(1, 65535)]
SeriesLimit: TypeAlias = Annotated[int, whole_number(1, 10_000_000)]
ConnectionCount: TypeAlias = Annotated[int, whole_number(1, 10_000)]
TextLength: TypeAlias = Annotated[int, whole_number(1, 1024)]
ShardCount: TypeAlias = Annotated[int, whole_number(1, 1000)]
ShardIndex: TypeAlias = Annotated[int, whole_number(0, 999)]
DurationOrNever: TypeAlias = Annotated[float, duration(never=True)]
Patterns: TypeAlias = tuple[str, ...]
SerialNumber: TypeAlias = Annotated[str, serial_number]
ServerName: TypeAlias = Annotated[str, server_name]
Fingerprint: TypeAlias = Annotated[str, fingerprint]
Quantity: TypeAlias = Annotated[str, quantity]
UnitSpelling: TypeAlias = Annotated[str, unit]
UserName: TypeAlias = Annotated[str, user_name]
PasswordHash: TypeAlias = Annotated[Secret, password_hash]
CheckedClientAuthType: TypeAlias = Annotated[ClientAuthType, client_auth_type]

PASSWORD_KEYS = ("password", "password_file", "password_env")
"""The keys of which a Miniserver's table has exactly one."""

DEFAULT_LISTEN = (ListenAddress(host=None, port=9504),)


@frozen(kw_only=True)
class TlsServerConfig:
    """`[web.tls_server_config]`: TLS of that server.

    Attributes:
        cert_file: Its certificate in PEM format, and behind it those of its authorities.
        key_file: The key of that certificate.
        client_ca_file: The authorities of the clients' certificates.
        client_auth_type: Whether clients have to show one that is of these authorities. What is
            shown voluntarily has to be, too, but with `NoClientCert`, which does not ask for it.
        min_version: The oldest protocol that is spoken.
    """

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None = None
    client_auth_type: CheckedClientAuthType = "NoClientCert"
    min_version: TlsVersion = "TLS12"


@frozen(kw_only=True)
class WebConfig:
    """`[web]`: the HTTP server that Prometheus asks.

    Attributes:
        listen: Where it listens; never empty.
        max_connections: How many clients may be connected at a time; further ones are refused.
        lifecycle: Whether `POST /-/reload` is obeyed.
        health_without_login: Whether probes and `/healthz` are answered without a login.
        tls_server_config: TLS; None is plain HTTP.
        basic_auth_users: Who may log in, by name, each with the bcrypt hash of the password; empty
            where nobody has to.
    """

    listen: tuple[ListenAddress, ...] = DEFAULT_LISTEN
    max_connections: ConnectionCount = 128
    lifecycle: bool = False
    health_without_login: bool = False
    tls_server_config: TlsServerConfig | None = None
    basic_auth_users: Mapping[UserName, PasswordHash] = field(factory=dict)


@frozen(kw_only=True)
class LogConfig:
    """`[log]`: what is logged, and how.

    Attributes:
        level: The least important level that is logged.
        format: JSON, one object a line, or text for people; None is text on a terminal, and JSON
            elsewhere.
    """

    level: LogLevel = "info"
    format: LogFormat | None = None


@frozen(kw_only=True)
class ShardConfig:
    """`[shard]`: how many exporters share this configuration, and which of them this one is.

    Attributes:
        count: How many there are, each of which looks after a part of the Miniservers.
        index: Which one this is, from 0 on; None where there are no others. One that is not below
            the count looks after nothing.
    """

    count: ShardCount = 1
    index: ShardIndex | None = None


@frozen(kw_only=True)
class MetricsConfig:
    """`[metrics]`: which families there are and what their samples carry.

    Attributes:
        control_value: Whether `loxone_control_value` is served.
        activations: Whether it is counted how often digital states came on and how long they were
            on, and served, as `loxone_control_activations_total` and
            `loxone_control_on_seconds_total`.
        quantities: Whether families by quantity and unit, and those of named states, are served.
        optional_quantities: Whether those are too that few need.
        weather_forecast: Whether the weather service's forecast is served, and not only the weather
            now.
        text_values: Whether text states are served, as `loxone_control_text_info`.
        text_max_length: Characters of a text state; the rest is cut off.
        stale_after: Seconds after the last byte from a Miniserver that is gone for which its values
            are still shown; 0 withdraws them as soon as the connection is, infinity keeps them.
        uuid_label: Whether each control series carries the control's UUID.
        max_series: How many series the controls of all Miniservers may have together.
    """

    control_value: bool = True
    activations: bool = True
    quantities: bool = True
    optional_quantities: bool = False
    weather_forecast: bool = False
    text_values: bool = False
    text_max_length: TextLength = 128
    stale_after: DurationOrNever = 300.0
    uuid_label: bool = False
    max_series: SeriesLimit = 200_000


@frozen(kw_only=True)
class FilterConfig:
    """`[filter]`: glob patterns that choose controls and states.

    Patterns of one key are alternatives; an empty `include_` key includes everything. The empty
    pattern matches what has no room or no category.

    Attributes:
        exclude_classes: What tells about the people in a house, by classes.
    """

    include_rooms: Patterns = ()
    exclude_rooms: Patterns = ()
    include_categories: Patterns = ()
    exclude_categories: Patterns = ()
    include_types: Patterns = ()
    exclude_types: Patterns = ()
    include_names: Patterns = ()
    exclude_names: Patterns = ()
    include_uuids: Patterns = ()
    exclude_uuids: Patterns = ()
    include_states: Patterns = ()
    exclude_states: Patterns = ()
    exclude_classes: tuple[PrivacyClass, ...] = ()


@frozen(kw_only=True)
class OverrideConfig:
    """One `[[override]]` table: what the owner knows better than the structure file.

    The patterns are those of a filter: of each key that is given, one must match. They are compared
    with what the structure file says, before any override. Of several tables that match, the last
    one that says something wins.

    Attributes:
        quantity: What the states are, as `humidity_target`: the middle of the metric's name. Empty
            leaves them the plain value only.
        unit: What the Miniserver sends, as Loxone Config would write it; empty for a mere number.
        metric_type: Whether they are gauges or counters.
        name: The label `name` of the controls.
        room: The label `room` of the controls.
        drop: Leaves the states out altogether; without patterns for states, whole controls with
            their parts. False takes back what an earlier table says.
    """

    rooms: Patterns = ()
    categories: Patterns = ()
    types: Patterns = ()
    names: Patterns = ()
    uuids: Patterns = ()
    states: Patterns = ()
    quantity: Quantity | None = None
    unit: UnitSpelling | None = None
    metric_type: MetricType | None = None
    name: OneLine | None = None
    room: LineOrNone | None = None
    drop: bool | None = None

    @property
    def names_controls(self) -> bool:
        """Whether it gives controls another name or room."""
        return self.name is not None or self.room is not None


OVERRIDE_MATCHES = ("rooms", "categories", "types", "names", "uuids", "states")
"""Keys of which an override has at least one."""

OVERRIDE_EFFECTS = ("quantity", "unit", "metric_type", "name", "room", "drop")
"""Likewise, what it does."""


@frozen(kw_only=True)
class MiniserverConfig:
    """One `[[miniservers]]` table: a Miniserver, how it is reached, and who logs in to it.

    Unless something else is said here, a certificate must chain to a public root and be for this
    very Miniserver, which means for the name `<ip-with-dashes>.<serial>.dyndns.loxonecloud.com`;
    the connection goes to `host` all the same (protocol reference, section 4).

    Attributes:
        name: The `miniserver` label of its series; unique.
        host: A name, an IPv4 address, or an IPv6 address without brackets.
        port: The port of plain HTTP.
        tls_port: The port of HTTPS.
        tls: `auto` asks on `port`, without credentials, whether the Miniserver offers TLS. If it
            does, or answers on `tls_port` only, everything else goes over TLS to that port, and
            nothing is plain again as long as this process lives. `required` opens `tls_port` only.
            `off` never uses TLS.
        serial: The device that is expected behind `host`, as twelve upper-case hex digits. Another
            one is refused before any credential is sent. None takes the first one seen.
        tls_server_name: The name in an own certificate, in lower case; None expects the cloud's.
        tls_ca_file: The PEM file of an own certification authority; None is the public ones.
        tls_fingerprint: The SHA-256 of the one certificate that is accepted, whoever issued it and
            for whichever name, as 64 lower-case hex digits. The cloud's certificates are renewed
            every few weeks, so this is not for those.
        tls_verify: False accepts any certificate: the connection is encrypted, but might be to
            anybody.
        username: The Loxone user.
        password: That user's password, wherever it came from.
        password_file: The file it was read from, if it was one, so that it can be read anew.
        client_id: What tells this client from others on the same Miniserver.
        allow_legacy_login: Whether to log in with the unencrypted one-time hash where that is the
            only login, which is so for firmware before 9.3 without encryption: somebody who listens
            can guess the password offline.
    """

    name: OneLine
    host: Host
    port: Port = 80
    tls_port: Port = 443
    tls: TlsMode = "auto"
    serial: SerialNumber | None = None
    tls_server_name: ServerName | None = None
    tls_ca_file: Path | None = None
    tls_fingerprint: Fingerprint | None = None
    tls_verify: bool = True
    username: OneLine
    password: Secret
    password_file: Path | None = None
    client_id: OneLine = "loxone-exporter"
    allow_legacy_login: bool = False


@frozen(kw_only=True)
class Config:
    """The whole configuration.

    Attributes:
        miniservers: Those that this exporter looks after; their names differ. The document has at
            least one, but all of them may be another shard's.
    """

    web: WebConfig = field(factory=WebConfig)
    log: LogConfig = field(factory=LogConfig)
    shard: ShardConfig = field(factory=ShardConfig)
    metrics: MetricsConfig = field(factory=MetricsConfig)
    filter: FilterConfig = field(factory=FilterConfig)
    override: tuple[OverrideConfig, ...] = ()
    miniservers: tuple[MiniserverConfig, ...]
