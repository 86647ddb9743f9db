"""Commands, options and exit codes.

What a command needs is imported by that command: `health` has to fit beside the running exporter
into a container's memory, where all that the exporter imports would not fit twice.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias, get_args

from attrs import evolve, fields

from loxone_exporter import __version__, logs
from loxone_exporter.config.addresses import ListenAddress
from loxone_exporter.config.findings import ConfigurationError, Finding, format_path
from loxone_exporter.config.load import Loaded, find_config_file, load_config
from loxone_exporter.config.model import Config, LogLevel, WebConfig
from loxone_exporter.config.source import ConfigSource
from loxone_exporter.errors import (
    ListenError,
    OutputError,
    StoppedError,
    StructureError,
    UsageError,
)
from loxone_exporter.liveness import find_failure
from loxone_exporter.options import add_init_options, add_simulator_options, listen_address


Command: TypeAlias = Callable[[argparse.Namespace], int]
Parser: TypeAlias = argparse.ArgumentParser

FINE: Final = 0
FAILED: Final = 1
USAGE: Final = 2

_DEMO_LISTEN = ListenAddress("127.0.0.1", 9504)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: Those of the command line; by default those of the process.

    Returns:
        The exit code: 0 fine, 1 failed while running, 2 wrong usage or configuration.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    options = _build_parser().parse_args(arguments)
    command: Command = options.command
    try:
        return command(options)
    except (ConfigurationError, UsageError) as error:
        _complain(str(error))
        return USAGE
    except (ListenError, OutputError, StoppedError) as error:
        _complain(str(error))
        return FAILED
    except KeyboardInterrupt:
        _complain("interrupted")
        return FAILED


def _run(options: argparse.Namespace) -> int:
    # By default it ends a process, which systemd takes for wanted. Who asks for a reload before the
    # configuration was read gets that, and a file that is changed later is noticed by itself.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # Other commands need not carry the exporter in memory.
    import trio  # noqa: PLC0415  # see above

    from loxone_exporter import app  # noqa: PLC0415  # likewise
    from loxone_exporter.web.server import bind  # noqa: PLC0415  # likewise

    path = find_config_file(options.config, os.environ)

    def read() -> Loaded:
        loaded = _read(path)
        log, web = loaded.config.log, loaded.config.web
        config = evolve(
            loaded.config,
            log=evolve(log, level=options.log_level or log.level),
            web=evolve(web, listen=tuple(options.listen) or web.listen),
        )
        return evolve(loaded, config=config)

    source = ConfigSource(path, read)
    loaded = source.load()
    config = loaded.config
    logs.configure(config.log.level, config.log.format, sys.stderr)
    for warning in loaded.warnings:
        logging.getLogger(__name__).warning("%s", warning)
    sockets = bind(config.web.listen)
    return trio.run(partial(app.run, config, sockets, shard=loaded.shard, source=source))


def _demo(options: argparse.Namespace) -> int:
    # Other commands need not carry the exporter in memory, nor the exporter the simulator.
    import trio  # noqa: PLC0415  # see above

    from loxone_exporter import demo  # noqa: PLC0415  # likewise
    from loxone_exporter.web.server import bind, url  # noqa: PLC0415  # likewise

    logs.configure(options.log_level or "info", "text", sys.stderr)
    sockets = bind(options.listen or [_DEMO_LISTEN])
    _say("A simulated house, as a page and as Prometheus metrics:")
    for listener in sockets:
        _say(f"  {url(listener)}/")
        _say(f"  {url(listener)}/metrics")
    _say("Stop it with Ctrl-C.")
    return trio.run(demo.run_demo, sockets)


def _simulate(options: argparse.Namespace) -> int:
    # The exporter itself need not carry the simulator in memory.
    from loxone_exporter import simulate  # noqa: PLC0415  # see above

    if options.list_faults or options.list_profiles:
        describe = simulate.describe_faults if options.list_faults else simulate.describe_profiles
        for line in describe():
            _say(line)
        return FINE
    logs.configure(options.log_level or "info", "text", sys.stderr)
    try:
        return simulate.run(
            simulate.Options(
                structure=options.structure,
                username=options.username,
                password=options.password,
                profile=options.profile,
                settings=options.set,
                faults=options.fault,
                listen=options.listen,
                tls_listen=options.tls_listen,
                tls_ca_file=options.tls_ca_file,
            )
        )
    except (StructureError, simulate.UsageError) as error:
        _complain(str(error))
        return USAGE


def _check(options: argparse.Namespace) -> int:
    # The exporter itself need not carry in memory what is told about a configuration.
    from loxone_exporter.survey.configuration import describe  # noqa: PLC0415  # see above

    loaded = _load(options)
    for line in describe(loaded):
        _say(line)
    return _check_connections(loaded.config) if options.connect else FINE


def _check_connections(config: Config) -> int:
    # The exporter itself need not carry in memory what a look at houses needs.
    from loxone_exporter.survey.check import try_all  # noqa: PLC0415  # see above
    from loxone_exporter.survey.terminal import Progress, Style, lines  # noqa: PLC0415  # likewise

    checked = try_all(config, progress=Progress.on(sys.stderr, os.environ))
    style = Style.of(sys.stdout, os.environ)
    for each in checked:
        for line in ("", *lines(each.heading, each.facts, style)):
            _say(line)
    has_failed = any(each.visit.error is not None for each in checked)
    return FAILED if has_failed else FINE


def _init(options: argparse.Namespace) -> int:
    # The exporter itself need not carry in memory what is needed once.
    from loxone_exporter.setup.answers import Options  # noqa: PLC0415  # see above
    from loxone_exporter.setup.command import Setup, Streams  # noqa: PLC0415  # likewise
    from loxone_exporter.setup.questions import Questions  # noqa: PLC0415  # likewise
    from loxone_exporter.survey.terminal import Progress, Style  # noqa: PLC0415  # likewise

    given = {option.name: getattr(options, option.name) for option in fields(Options)}
    streams = Streams(
        questions=Questions(sys.stdin, sys.stderr),
        say=_say,
        style=Style.of(sys.stdout, os.environ),
        progress=Progress.on(sys.stderr, os.environ),
    )
    is_written = Setup(Options(**given), os.environ, streams).run()
    return FINE if is_written else FAILED


def _discover(options: argparse.Namespace) -> int:
    # The exporter itself need not carry in memory what a look at houses needs.
    import trio  # noqa: PLC0415  # see above

    from loxone_exporter.survey import report  # noqa: PLC0415  # likewise
    from loxone_exporter.survey.houses import discover_all  # noqa: PLC0415  # likewise
    from loxone_exporter.survey.interruption import interruptible  # noqa: PLC0415  # likewise

    loaded = _load(options)
    logs.configure(options.log_level or "warning", "text", sys.stderr)
    houses = trio.run(interruptible, lambda stop: discover_all(loaded.config, stop=stop))
    if options.explain is not None:
        lines = [line for house in houses for line in report.explain(house, options.explain)]
    elif options.json:
        lines = [report.as_json(houses)]
    elif sys.stdout is not None and sys.stdout.isatty():
        lines = list(report.table(houses, shutil.get_terminal_size().columns))
    else:
        lines = list(report.lines(houses))
    for line in lines:
        _say(line)
    failures = [
        f"Miniserver {house.miniserver!r}: {house.failure}" for house in houses if house.failure
    ]
    if not loaded.shard.is_whole:
        _complain(f"only what this exporter looks after: {loaded.shard}")
    for index in report.unmatched_overrides(houses, len(loaded.config.override)):
        _complain(f"override[{index}] matches nothing")
    if options.explain is not None and not lines and not failures:
        failures.append(f"no control has the name or UUID {options.explain!r}")
    for failure in failures:
        _complain(logs.harmless(failure))
    return FAILED if failures else FINE


def _health(options: argparse.Namespace) -> int:
    path = find_config_file(options.config, os.environ)
    if options.listen and path is None:
        web = WebConfig()  # of the demo, for example; whether there is TLS is found out
    else:
        # Not `_load`: what may be doubtful about a certificate takes memory to find, and is not
        # asked.
        web = load_config(path, os.environ).config.web
    failure = find_failure(evolve(web, listen=tuple(options.listen) or web.listen))
    if failure is not None:
        _complain(failure)
        return FAILED
    return FINE


def _load(options: argparse.Namespace) -> Loaded:
    return _read(find_config_file(options.config, os.environ))


def _read(path: Path | None) -> Loaded:
    loaded = load_config(path, os.environ)
    tls = loaded.config.web.tls_server_config
    if tls is None:
        return loaded
    # The exporter itself need not carry in memory what it does not use.
    from loxone_exporter.web.tls import find_doubts  # noqa: PLC0415  # see above

    doubts = (
        Finding(source=str(loaded.source), path=format_path(place), message=message)
        for place, message in find_doubts(tls)
    )
    return evolve(loaded, warnings=(*loaded.warnings, *doubts))


def _explain_usage(parser: Parser, _: argparse.Namespace) -> int:
    if sys.stderr is not None:
        parser.print_help(sys.stderr)
    return USAGE


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="loxone-exporter",
        description="Loxone Miniservers as Prometheus metrics.",
        epilog="COMMAND --help shows what a command can be told.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.set_defaults(command=partial(_explain_usage, parser))
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    config = argparse.ArgumentParser(add_help=False)
    config.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="default: $LOXONE_EXPORTER_CONFIG, ./loxone-exporter.toml, "
        "/etc/loxone-exporter/loxone-exporter.toml",
    )

    def log_level(default: str) -> argparse.ArgumentParser:
        parent = argparse.ArgumentParser(add_help=False)
        parent.add_argument("--log-level", choices=get_args(LogLevel), help=f"default: {default}")
        return parent

    listen = argparse.ArgumentParser(add_help=False)
    listen.add_argument(
        "--listen",
        type=listen_address,
        action="append",
        default=[],
        metavar="HOST:PORT",
        help="where to listen; may be given several times",
    )

    def add(name: str, text: str, function: Command, *parents: argparse.ArgumentParser) -> Parser:
        command = commands.add_parser(name, help=text, description=text, parents=parents)
        command.set_defaults(command=function)
        return command

    add("run", "Run the exporter.", _run, config, listen, log_level("as configured, else info"))
    add("demo", "Run the exporter with a simulated Miniserver.", _demo, listen, log_level("info"))
    init = add("init", "Write a configuration file, once a login has succeeded.", _init)
    add_init_options(init)
    check = add("check", "Say what is wrong with the configuration.", _check, config)
    check.add_argument(
        "--connect",
        action="store_true",
        help="then log in once to each Miniserver, and say what this user can see",
    )
    discover = add(
        "discover",
        "Show the controls of all Miniservers and the metrics that they become.",
        _discover,
        config,
        log_level("warning"),
    )
    form = discover.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="everything, for programs")
    form.add_argument(
        "--explain",
        metavar="CONTROL",
        help="say what decided about the states of the controls of this name or UUID, or pattern",
    )
    health = add("health", "Ask the running exporter whether it is alive.", _health, config)
    health.add_argument(
        "--listen",
        type=listen_address,
        action="append",
        default=[],
        metavar="HOST:PORT",
        help="where it listens, if it was started with this option; of several the first is asked",
    )
    simulate = add(
        "simulate", "Run a simulated Miniserver only.", _simulate, listen, log_level("info")
    )
    add_simulator_options(simulate)
    return parser


def _say(line: str) -> None:
    if sys.stdout is None:  # the process was started without one
        return
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except OSError as error:
        # What is left in the buffer would fail once more, and loudly, when the process ends.
        sys.stdout = None
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if isinstance(error, BrokenPipeError):
            raise SystemExit(FAILED) from None  # who read it, `head` perhaps, has seen enough
        raise OutputError(f"cannot write to standard output: {error.strerror}") from error


def _complain(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(text + "\n")
