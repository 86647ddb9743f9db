"""Options of the commands that have many."""

from __future__ import annotations

import argparse
from pathlib import Path

from loxone_exporter.config.addresses import ListenAddress


_ABOUT_FAULTS = (
    "A fault that lasts is there from the start, or begins later, and may end, in seconds after "
    "the start: --fault half-open@30, --fault half-open@30-60. What happens at one moment happens "
    "every 60 seconds, or as often as it says: --fault reboot=5@20. A client's commands, and why "
    "they are refused, are logged at level debug."
)


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
        help="where to listen for TLS; may be given several times",
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
