from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import get_args

import tomli_w
from attrs import asdict, evolve, fields, fields_dict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loxone_exporter.config.addresses import ListenAddress
from loxone_exporter.config.durations import format_duration
from loxone_exporter.config.findings import ConfigurationError
from loxone_exporter.config.load import load_config
from loxone_exporter.config.model import (
    Config,
    FilterConfig,
    LogConfig,
    MetricsConfig,
    MiniserverConfig,
    PrivacyClass,
    WebConfig,
)
from loxone_exporter.config.secret import Secret
from loxone_exporter.config.tls import (
    FINGERPRINT_PREFIX,
    fingerprint,
    serial_number,
    server_name,
)
from support.configs import CERTIFICATE, load_text, write_config


AUTHORITY = Path("authority.pem")
# The file is written anew for each example.
one_file = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)

texts = st.text(st.characters(exclude_categories=["Cs"]))
lines = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip)
ports = st.integers(1, 65535)
hosts = st.one_of(
    st.ip_addresses().map(str), st.from_regex(r"[a-z][a-z0-9]{0,20}(\.[a-z]{1,9})?", fullmatch=True)
)


durations = st.one_of(st.just(math.inf), st.floats(0, 1e9))
patterns = st.lists(texts, max_size=3).map(tuple)

serials = st.from_regex(r"[0-9A-F]{12}", fullmatch=True)
fingerprints = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
server_names = st.from_regex(r"[a-z][a-z0-9]{0,20}(\.[a-z]{1,9})?", fullmatch=True)
# Options of a certificate that can be meant together.
certificates = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={"tls_server_name": server_names, "tls_ca_file": st.just(AUTHORITY)},
    ),
    st.fixed_dictionaries({"tls_fingerprint": fingerprints}),
    st.fixed_dictionaries(
        {"tls_verify": st.sampled_from([False])}, optional={"tls_server_name": server_names}
    ),
)
miniservers = st.builds(
    lambda certificate, **options: MiniserverConfig(**options | certificate),
    certificate=st.just({"tls": "off"})
    | st.builds(
        lambda certificate, mode, port: {"tls": mode, "tls_port": port} | certificate,
        certificates,
        st.sampled_from(["auto", "required"]),
        ports,
    ),
    name=lines,
    host=hosts,
    port=ports,
    serial=st.none() | serials,
    username=lines,
    password=lines.map(Secret),
    client_id=lines,
    allow_legacy_login=st.booleans(),
).filter(lambda one: one.tls != "auto" or one.port != one.tls_port)

configs = st.builds(
    Config,
    web=st.builds(
        WebConfig,
        listen=st.lists(
            st.builds(ListenAddress, host=st.none() | hosts, port=st.integers(0, 65535)),
            min_size=1,
            max_size=3,
            unique=True,
        ).map(tuple),
        max_connections=st.integers(1, 10_000),
    ),
    log=st.builds(
        LogConfig,
        level=st.sampled_from(["debug", "info", "warning", "error"]),
        format=st.sampled_from([None, "json", "text"]),
    ),
    metrics=st.builds(
        MetricsConfig,
        control_value=st.booleans(),
        activations=st.booleans(),
        text_values=st.booleans(),
        text_max_length=st.integers(1, 1024),
        stale_after=durations,
        uuid_label=st.booleans(),
        max_series=st.integers(1, 10_000_000),
    ),
    filter=st.builds(
        FilterConfig,
        **{option.name: patterns for option in fields(FilterConfig)}
        | {"exclude_classes": st.lists(st.sampled_from(get_args(PrivacyClass))).map(tuple)},
    ),
    miniservers=st.lists(
        miniservers,
        min_size=1,
        max_size=3,
        # Two tables of one user of one host may be the same client.
        unique_by=(lambda one: one.name, lambda one: (one.host, one.username)),
    ).map(tuple),
)


def as_table(miniserver: MiniserverConfig) -> dict[str, object]:
    table = asdict(miniserver, filter=lambda _, value: value is not None)
    table["password"] = miniserver.password.reveal()
    if miniserver.tls_ca_file:
        table["tls_ca_file"] = str(miniserver.tls_ca_file)
    if miniserver.tls_fingerprint:
        table["tls_fingerprint"] = f"sha256:{miniserver.tls_fingerprint}"
    if miniserver.tls == "off":
        del table["tls_port"]
    return table


def as_document(config: Config) -> dict[str, object]:
    return {
        "web": {
            # Neither TLS nor users: their tables are not there, then.
            **asdict(config.web, filter=lambda _, value: value not in ({}, None)),
            "listen": [str(address) for address in config.web.listen],
        },
        "log": asdict(config.log, filter=lambda _, value: value is not None),
        "metrics": {
            **asdict(config.metrics),
            "stale_after": format_duration(config.metrics.stale_after),
        },
        "filter": asdict(config.filter),
        "miniservers": [as_table(miniserver) for miniserver in config.miniservers],
    }


@one_file
@given(config=configs)
def test_every_config_that_is_written_is_read_back(config: Config, tmp_path: Path) -> None:
    (tmp_path / AUTHORITY).write_text(CERTIFICATE)
    expected = evolve(
        config,
        miniservers=tuple(
            evolve(one, tls_ca_file=one.tls_ca_file and tmp_path / one.tls_ca_file)
            for one in config.miniservers
        ),
    )
    assert expected == load_text(tmp_path, tomli_w.dumps(as_document(config))).config


@given(st.text() | hosts, st.sampled_from([serial_number, server_name, fingerprint]))
def test_any_text_is_refused_or_read_as_what_reads_the_same(
    text: str, check: Callable[[object], str]
) -> None:
    prefix = FINGERPRINT_PREFIX if check is fingerprint else ""
    read = None
    with suppress(ValueError):
        read = check(text)
    assert read is None or read == check(prefix + read)


@given(serials, st.sampled_from(["", ":", "-"]), st.sampled_from([str.lower, str.upper]))
def test_a_serial_number_is_the_same_in_every_spelling(
    serial: str, between: str, spell: Callable[[str], str]
) -> None:
    assert serial == serial_number(spell(between.join(re.findall("..", serial))))


@given(fingerprints, st.sampled_from(["", ":"]), st.sampled_from([str.lower, str.upper]))
def test_a_fingerprint_is_the_same_in_every_spelling(
    digits: str, between: str, spell: Callable[[str], str]
) -> None:
    assert digits == fingerprint(spell("sha256:" + between.join(re.findall("..", digits))))


scalars = st.one_of(
    texts,
    st.integers(),
    st.floats(),
    st.booleans(),
    st.dates(),
    st.times(),
    st.datetimes(timezones=st.none() | st.just(dt.UTC)),
    hosts,
    st.sampled_from(["5m", "never", ":9504", "info", "json", "0s", "off", "auto", "required"]),
    st.sampled_from(["house.toml", "504F94A0BBCC", f"sha256:{'c0' * 32}"]),
)
known_keys = sorted(
    {*fields_dict(Config), "password_env"}.union(
        *(
            fields_dict(table)
            for table in (WebConfig, LogConfig, MetricsConfig, FilterConfig, MiniserverConfig)
        )
    )
)
keys = st.sampled_from(known_keys) | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=12,
)
miniserver_tables = st.fixed_dictionaries(
    {}, optional=dict.fromkeys([*fields_dict(MiniserverConfig), "password_env"], values)
)
documents = st.one_of(
    st.dictionaries(keys, values, max_size=6),
    st.fixed_dictionaries(
        {"miniservers": st.lists(miniserver_tables | values, max_size=3)},
        optional={
            "web": st.dictionaries(st.sampled_from(list(fields_dict(WebConfig))), values),
            "log": st.fixed_dictionaries({}, optional={"level": values, "format": values}),
            "metrics": st.dictionaries(st.sampled_from(list(fields_dict(MetricsConfig))), values),
            "filter": st.dictionaries(st.sampled_from(list(fields_dict(FilterConfig))), values),
        },
    ),
)
environments = st.dictionaries(
    st.sampled_from(["NAME", "HOST", "PORT", "USERNAME", "PASSWORD", "PASSWORD_FILE"])
    | st.sampled_from(["LISTEN", "LISTEN_PORT", "LOG_LEVEL"]),
    st.text(st.characters(exclude_characters="\0"), max_size=20)
    | st.sampled_from(["80", "info", ":9504", "tcp://10.0.0.1:80"]),
    max_size=4,
).map(lambda environ: {f"LOXONE_{name}": value for name, value in environ.items()})


def is_config_or_findings(path: Path, environ: dict[str, str]) -> bool:
    try:
        loaded = load_config(path, environ)
    except ConfigurationError as error:
        return bool(error.findings) and all(finding.message for finding in error.findings)
    return len(loaded.config.miniservers) > 0


@one_file
@given(document=documents, environ=environments)
def test_any_document_and_environment_are_a_config_or_findings(
    document: dict[str, object], environ: dict[str, str], tmp_path: Path
) -> None:
    path = write_config(tmp_path, tomli_w.dumps(document))
    assert is_config_or_findings(path, environ)


@one_file
@given(content=st.binary() | texts.map(str.encode))
def test_any_bytes_are_a_config_or_findings(content: bytes, tmp_path: Path) -> None:
    assert is_config_or_findings(write_config(tmp_path, content), {})
