"""The configuration as the program sees it: complete, checked, immutable.

The TOML document has the same tables and keys, and `password_env` besides. Where an annotation has
a check, the value is read by that check (see converter.py).
"""

# Annotations are read at run time, so this module does not postpone them.

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from attrs import field, frozen

from loxone_exporter.config.addresses import ListenAddress
from loxone_exporter.config.checks import duration, host, one_line, whole_number
from loxone_exporter.config.secret import Secret


LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]
LogFormat: TypeAlias = Literal["json", "text"]

Host: TypeAlias = Annotated[str, host]
OneLine: TypeAlias = Annotated[str, one_line]
Port: TypeAlias = Annotated[int, whole_number(1, 65535)]
TextLength: TypeAlias = Annotated[int, whole_number(1, 1024)]
DurationOrNever: TypeAlias = Annotated[float, duration(never=True)]
Patterns: TypeAlias = tuple[str, ...]

PASSWORD_KEYS = ("password", "password_file", "password_env")
"""The keys of which a Miniserver's table has exactly one."""

DEFAULT_LISTEN = (ListenAddress(host=None, port=9504),)


@frozen(kw_only=True)
class WebConfig:
    """`[web]`: the HTTP server that Prometheus asks.

    Attributes:
        listen: Where it listens; never empty.
    """

    listen: tuple[ListenAddress, ...] = DEFAULT_LISTEN


@frozen(kw_only=True)
class LogConfig:
    """`[log]`: what is logged, and how.

    Attributes:
        level: The least important level that is logged.
        format: JSON, one object a line, or text for people.
    """

    level: LogLevel = "info"
    format: LogFormat = "json"


@frozen(kw_only=True)
class MetricsConfig:
    """`[metrics]`: which families there are and what their samples carry.

    Attributes:
        control_value: Whether `loxone_control_value` is served.
        text_values: Whether text states are served, as `loxone_control_text_info`.
        text_max_length: Characters of a text state; the rest is cut off.
        stale_after: Seconds after the last byte from a Miniserver that is gone for which its values
            are still shown; 0 withdraws them as soon as the connection is, infinity keeps them.
        uuid_label: Whether each control series carries the control's UUID.
    """

    control_value: bool = True
    text_values: bool = False
    text_max_length: TextLength = 128
    stale_after: DurationOrNever = 300.0
    uuid_label: bool = False


@frozen(kw_only=True)
class FilterConfig:
    """`[filter]`: glob patterns that choose controls and states.

    Patterns of one key are alternatives; an empty `include_` key includes everything. The empty
    pattern matches what has no room or no category.
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


@frozen(kw_only=True)
class MiniserverConfig:
    """One `[[miniservers]]` table: a Miniserver and who logs in to it.

    Attributes:
        name: The `miniserver` label of its series; unique.
        host: A name, an IPv4 address, or an IPv6 address without brackets.
        port: The port of plain HTTP.
        username: The Loxone user.
        password: That user's password, wherever it came from.
        password_file: The file it was read from, if it was one, so that it can be read anew.
        client_id: What tells this client from others on the same Miniserver.
    """

    name: OneLine
    host: Host
    port: Port = 80
    username: OneLine
    password: Secret
    password_file: Path | None = None
    client_id: OneLine = "loxone-exporter"


@frozen(kw_only=True)
class Config:
    """The whole configuration.

    Attributes:
        miniservers: At least one; their names differ.
    """

    web: WebConfig = field(factory=WebConfig)
    log: LogConfig = field(factory=LogConfig)
    metrics: MetricsConfig = field(factory=MetricsConfig)
    filter: FilterConfig = field(factory=FilterConfig)
    miniservers: tuple[MiniserverConfig, ...]
