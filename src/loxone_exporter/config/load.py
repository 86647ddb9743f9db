"""From a file and the environment to a Config, or to everything that is wrong with them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from attrs import evolve, frozen

from loxone_exporter.config.authorities import resolve_authorities
from loxone_exporter.config.consistency import find_contradictions, find_doubts
from loxone_exporter.config.converter import structure_config
from loxone_exporter.config.environment import apply_environment
from loxone_exporter.config.files import read_text
from loxone_exporter.config.findings import (
    ENVIRONMENT,
    ConfigurationError,
    Finding,
    KeyPath,
    Problem,
    format_path,
)
from loxone_exporter.config.model import Config
from loxone_exporter.config.passwords import PasswordResolver
from loxone_exporter.config.server_tls import resolve_server_tls
from loxone_exporter.config.shard import Shard, client_of, shard_of


DEFAULT_PLACES = (
    Path("loxone-exporter.toml"),
    Path("/etc/loxone-exporter/loxone-exporter.toml"),
)
"""Where a configuration file is looked for if none is named."""

_NOWHERE = (
    f"there is no configuration: neither {DEFAULT_PLACES[0]} in this folder nor "
    f"{DEFAULT_PLACES[1]}, and no LOXONE_HOST, LOXONE_USERNAME and LOXONE_PASSWORD in the "
    "environment; `loxone-exporter init` writes the file, and `loxone-exporter demo` needs none"
)


@frozen(kw_only=True)
class Loaded:
    """A configuration and what is worth knowing about it.

    Attributes:
        config: The configuration.
        shard: Which part of the Miniservers it has.
        source: The file it is from; None if the environment alone made it.
        warnings: What works, but should be considered.
    """

    config: Config
    shard: Shard
    source: Path | None
    warnings: tuple[Finding, ...]


def find_config_file(option: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The configuration file, if there is one.

    That is the option, or else what `$LOXONE_EXPORTER_CONFIG` names, or else the first default
    place that exists. A file that was named is returned whether it exists or not; loading it says
    what is wrong.
    """
    if option is not None:
        return option
    named = environ.get("LOXONE_EXPORTER_CONFIG")
    if named:
        return Path(named)
    return next((place for place in DEFAULT_PLACES if _exists(place)), None)


def load_config(path: Path | None, environ: Mapping[str, str]) -> Loaded:
    """The configuration of a file, overridden by environment variables.

    Of a file that several exporters share, all is checked, and then only the Miniservers of this
    one are kept.

    Args:
        path: The file; None leaves it all to the environment.
        environ: Variables such as `LOXONE_HOST`.

    Raises:
        ConfigurationError: With every finding, not only the first.
    """
    return load_document({} if path is None else _read_document(path), path, environ)


def load_document(
    document: dict[str, object], source: Path | None, environ: Mapping[str, str]
) -> Loaded:
    """Likewise of a document that was read already, or is about to be written.

    Args:
        document: Parsed TOML; it is changed.
        source: The file it is from, or for; it need not be there. None if there is none.
        environ: As above.

    Raises:
        ConfigurationError: As above.
    """
    overrides = apply_environment(document, environ)
    passwords = PasswordResolver(source=source, environ=environ, origins=overrides.origins)
    passwords.resolve(document)
    unusable = resolve_authorities(document, source=source)
    unusable += resolve_server_tls(document, source=source)
    config, problems = structure_config(document)
    problems += [*passwords.problems, *unusable, *find_contradictions(document)]
    findings = [*overrides.findings, *_locate(problems, source, overrides.origins)]
    if config is None or findings:
        raise ConfigurationError(findings)
    doubts = [*passwords.warnings, *find_doubts(config)]
    config, shard = _take_shard(_with_listen_port(config, overrides.listen_port))
    return Loaded(
        config=config,
        shard=shard,
        source=source,
        warnings=(*overrides.warnings, *_locate(doubts, source, overrides.origins)),
    )


def _exists(place: Path) -> bool:
    try:
        return place.exists()
    except PermissionError:
        return True  # loading it says that it cannot be read, which is better than to ignore it


def _read_document(path: Path) -> dict[str, object]:
    try:
        return _parse_document(read_text(path))
    except ValueError as error:
        finding = Finding(source=str(path), path="", message=str(error))
        raise ConfigurationError([finding]) from None


def _parse_document(text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("not valid TOML: nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"not valid TOML: {error}") from None


def _locate(
    problems: Iterable[Problem], source: Path | None, origins: Mapping[KeyPath, str]
) -> Iterator[Finding]:
    """The problems in the order of their paths, each with the file or variable that it is about."""
    for path, message in sorted(problems):
        variables = [origins[path[:end]] for end in range(len(path) + 1) if path[:end] in origins]
        if variables:
            yield Finding(source=ENVIRONMENT, path=variables[0], message=message)
        elif source is None and path == ("miniservers",):  # none is there, by nobody's mistake
            yield Finding(source="", path="", message=_NOWHERE)
        else:
            where = ENVIRONMENT if source is None else str(source)
            yield Finding(source=where, path=format_path(path), message=message)


def _with_listen_port(config: Config, port: int | None) -> Config:
    if port is None:
        return config
    # Addresses that differed only by their port are one now.
    listen = dict.fromkeys(evolve(address, port=port) for address in config.web.listen)
    return evolve(config, web=evolve(config.web, listen=tuple(listen)))


def _take_shard(config: Config) -> tuple[Config, Shard]:
    """The configuration with the Miniservers of this exporter only, and without others' secrets."""
    index, count, everybody = config.shard.index or 0, config.shard.count, config.miniservers
    taken = tuple(
        evolve(one, client_id=client_of(one.client_id, index))
        for one in everybody
        if shard_of(one.name, count) == index
    )
    return evolve(config, miniservers=taken), Shard(index, count, len(taken), len(everybody))
