"""A configuration file to begin with: commented, and for one Miniserver.

The one home of tomli-w. A template gives the comments, which tomli-w cannot write; tomli-w gives
the values, whatever is in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import Template
from typing import Final

import tomli_w

from loxone_exporter.config.model import PASSWORD_KEYS


_FILE: Final = Template("""\
# Configuration of loxone-exporter, written by `loxone-exporter init`.
#
# `loxone-exporter check` tells everything that is wrong with this file, and with --connect what the
# user below can see. There are more options: the loxone-exporter.toml in the program's source has
# them all.
#
# A line that starts with "#" and no space is an option with its default: take the "#" away to
# change it.


[web]

# Where Prometheus finds the metrics. ":9504" is port 9504 on all addresses of this machine, IPv4
# and IPv6. To be reachable only from this machine, write ["127.0.0.1:9504", "[::1]:9504"].
#listen = [":9504"]


[log]

# "debug", "info", "warning" or "error".
#level = "info"

# "json" for programs, "text" for people. Where it is not set, it is text on a terminal, and JSON
# elsewhere: in containers, services and pipes.
# format = "json"


# What is not shown, by patterns: "*" is any text, "?" any character. Nothing from the sauna and no
# doorbell, for example: exclude_rooms = ["Sauna"] and exclude_types = ["Intercom*"].
[filter]
#exclude_rooms = []
#exclude_categories = []
#exclude_types = []
#exclude_names = []

# What tells about the people in the house: "presence", "alarm", "secured".
#exclude_classes = []


# Repeat the table for each further Miniserver.
[[miniservers]]

# The label `miniserver` of all its time series. Each Miniserver needs a name of its own.
$name

# Its name or address in your network.
$host

# The port of its web interface, and the one for TLS, which is what encrypts a connection.
$port
$tls_port

# "auto" uses TLS where the Miniserver offers it; "required" opens `tls_port` only, "off" `port`.
$tls

# Another Miniserver at this address is refused before it is told anything.
$serial

# Who issued the certificate, if it is one of your own.
$tls_ca_file

# A user of the Miniserver, who needs to see what you want to measure, and nothing else.
$username

# The password: here, in a file (`password_file`), or in an environment variable (`password_env`).
$password

# How this program introduces itself. Two exporters on one Miniserver need two.
$client_id
""")

_OTHERWISE: Final[Mapping[str, str]] = {
    "port": "#port = 80",
    "tls_port": "#tls_port = 443",
    "tls": '#tls = "auto"',
    "serial": '# serial = "504F94A0BBCC"',
    "tls_ca_file": '# tls_ca_file = "authority.pem"',
    "client_id": '#client_id = "loxone-exporter"',
}
"""What stands for keys that are not given: the default, or where there is none, an example."""


def write_document(table: Mapping[str, object]) -> str:
    """The text of a configuration file with one `[[miniservers]]` table.

    Args:
        table: Its keys and values. One of them is about the password.
    """
    lines = {key: tomli_w.dumps({key: value}).rstrip("\n") for key, value in table.items()}
    password = next(lines[key] for key in PASSWORD_KEYS if key in lines)
    return _FILE.substitute({**_OTHERWISE, **lines, "password": password})
