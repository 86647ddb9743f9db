from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import tomli_w
from attrs import asdict, fields, fields_dict
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
    WebConfig,
)
from loxone_exporter.config.secret import Secret
from support.configs import load_text, write_config


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
    ),
    log=st.builds(
        LogConfig,
        level=st.sampled_from(["debug", "info", "warning", "error"]),
        format=st.sampled_from(["json", "text"]),
    ),
    metrics=st.builds(
        MetricsConfig,
        control_value=st.booleans(),
        text_values=st.booleans(),
        text_max_length=st.integers(1, 1024),
        stale_after=durations,
        uuid_label=st.booleans(),
    ),
    filter=st.builds(FilterConfig, **{option.name: patterns for option in fields(FilterConfig)}),
    miniservers=st.lists(
        st.builds(
            MiniserverConfig,
            name=lines,
            host=hosts,
            port=ports,
            username=lines,
            password=lines.map(Secret),
            client_id=lines,
        ),
        min_size=1,
        max_size=3,
        unique_by=lambda miniserver: miniserver.name,
    ).map(tuple),
)


def as_document(config: Config) -> dict[str, object]:
    miniservers = [
        {
            **asdict(miniserver, filter=lambda option, _: option.name != "password_file"),
            "password": miniserver.password.reveal(),
        }
        for miniserver in config.miniservers
    ]
    return {
        "web": {"listen": [str(address) for address in config.web.listen]},
        "log": asdict(config.log),
        "metrics": {
            **asdict(config.metrics),
            "stale_after": format_duration(config.metrics.stale_after),
        },
        "filter": asdict(config.filter),
        "miniservers": miniservers,
    }


@one_file
@given(config=configs)
def test_every_config_that_is_written_is_read_back(config: Config, tmp_path: Path) -> None:
    text = tomli_w.dumps(as_document(config))
    assert config == load_text(tmp_path, text).config


scalars = st.one_of(
    texts,
    st.integers(),
    st.floats(),
    st.booleans(),
    st.dates(),
    st.times(),
    st.datetimes(timezones=st.none() | st.just(dt.UTC)),
    hosts,
    st.sampled_from(["5m", "never", ":9504", "info", "json", "0s"]),
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
            "web": st.fixed_dictionaries({}, optional={"listen": values}),
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
