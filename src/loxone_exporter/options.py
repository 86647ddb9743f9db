"""Options of the commands that have many."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn, get_args

from loxone_exporter.config.addresses import ListenAddress
from loxone_exporter.config.model import TlsMode


_ABOUT_FAULTS = (
    "A fault that lasts is there from the start, or begins later, and may end, in seconds after "
    "the start: --fault half-open@30, --fault half-open@30-60. What happens at one moment happens "
    "every 60 seconds, or as often as it says: --fault reboot=5@20. A client's commands, and why "
    "they are refused, are logged at level debug."
)

_ABOUT_ANSWERS = (
    "What is not given is asked for, if there is a terminal. The password is taken from the "
    "environment variable LOXONE_PASSWORD, if that is set. One login is tried; a Miniserver locks "
    "an address out after a few failed ones."
)

_PORTS = range(1, 65536)
_PORT_DIGITS = 6


def listen_address(text: str) -> ListenAddress:
    """Where to listen, as an option says it."""
    try:
        return ListenAddress.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_simulator_options(parser: argparse.ArgumentParser) -> None:
    """What a simulated Miniserver can be told."""
    parser.epilog = _ABOUT_FAULTS
    parser.add_argument(
        "structure",
        type=Path,
        nargs="?",
        metavar="STRUCTURE",
        help="a structure file (LoxAPP3.json) to play; default: the demo house",
    )
    parser.add_argument("--username", default="demo", metavar="NAME", help="default: demo")
    parser.add_argument("--password", default="demo", metavar="WORD", help="default: demo")
    parser.add_argument(
        "--profile",
        metavar="NAME",
        help="which device to play; default: with --tls-listen gen2-16, "
        "otherwise a current one of the first generation, without TLS",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a trait in which it differs from that device; may be given several times",
    )
    parser.add_argument(
        "--tls-listen",
        type=listen_address,
        action="append",
        default=[],
        metavar="HOST:PORT",
        help="where to listen for TLS; may be given several times; needs "
        "loxone-exporter[simulator] to be installed",
    )
    parser.add_argument(
        "--tls-ca-file",
        type=Path,
        metavar="FILE",
        help="write the certificate of the authority there, for clients to trust",
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME[=VALUE][@TIME]",
        help="do something wrong; may be given several times",
    )
    parser.add_argument(
        "--list-profiles",
        action="store_true",
        help="list the devices that can be played, and what can be set",
    )
    parser.add_argument("--list-faults", action="store_true", help="list what can be done wrong")


def add_init_options(parser: argparse.ArgumentParser) -> None:
    """What a configuration is made of, as far as it is known."""
    parser.epilog = _ABOUT_ANSWERS
    parser.add_argument(
        "--host", metavar="ADDRESS", help="the Miniserver's name or address, as in a browser"
    )
    parser.add_argument("--username", metavar="NAME", help="the Loxone user")
    parser.add_argument(
        "--name", metavar="NAME", help="what the Miniserver is called in the metrics; default: home"
    )
    password = parser.add_mutually_exclusive_group()
    password.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help="where the password is, or is to be; default: beside the configuration file",
    )
    password.add_argument(
        "--password-env", metavar="VARIABLE", help="the environment variable that has the password"
    )
    password.add_argument(
        "--password-inline",
        action="store_true",
        help="put the password into the configuration file itself",
    )
    parser.add_argument("--password", type=_refuse_password, help=argparse.SUPPRESS)
    parser.add_argument(
        "--port", type=_port, metavar="PORT", help="of the web interface; default: 80"
    )
    parser.add_argument("--tls-port", type=_port, metavar="PORT", help="of TLS; default: 443")
    parser.add_argument("--tls", choices=get_args(TlsMode), help="default: what is found out")
    parser.add_argument(
        "--tls-ca-file",
        type=Path,
        metavar="FILE",
        help="who issued the Miniserver's certificate, if it is one of your own",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("loxone-exporter.toml"),
        metavar="FILE",
        help="default: loxone-exporter.toml",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="replace files that are there already; the old ones are kept beside them",
    )
    parser.add_argument(
        "--no-connect",
        dest="connect",
        action="store_false",
        help="write the file without having tried to log in",
    )


def _refuse_password(_: str) -> NoReturn:
    raise argparse.ArgumentTypeError(
        "every user of this machine can see a command's arguments, so none of them is a password: "
        "it is asked for, or see --password-file and --password-env"
    )


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text[:_PORT_DIGITS]) in _PORTS:
        return int(text)
    raise argparse.ArgumentTypeError("expected a number from 1 to 65535")
