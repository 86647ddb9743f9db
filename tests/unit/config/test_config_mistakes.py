from __future__ import annotations

from pathlib import Path

import pytest

from support.configs import MINISERVER, find_all


EIGHT_MISTAKES = """
[web]
listen = ":9504"
[log]
level = "loud"
[metrics]
stale_after = "30 parsecs"
text_max_length = 0
uuid_label = "no"
[[miniservers]]
name = "home"
hots = "192.168.1.77"
port = "eighty"
username = "prometheus"
password = 4711
"""


def test_eight_mistakes_are_eight_findings_in_one_run(tmp_path: Path) -> None:
    assert find_all(tmp_path, EIGHT_MISTAKES) == [
        'log.level: expected "debug", "info", "warning" or "error", found the text \'loud\'',
        (
            'metrics.stale_after: expected a duration such as "500ms", "30s", "5m", "1h", or'
            " \"never\"; found the text '30 parsecs'"
        ),
        "metrics.text_max_length: expected a whole number from 1 to 1024, found the number 0",
        "metrics.uuid_label: expected true or false, found the text 'no'",
        "miniservers[0].hots: unknown key, did you mean 'host'?",
        "miniservers[0].password: expected text in quotes, found a whole number",
        "miniservers[0].port: expected a whole number from 1 to 65535, found the text 'eighty'",
        "web.listen: expected an array in square brackets, found the text ':9504'",
    ]


LISTEN_EXPECTATION = (
    'expected a port or an address and a port: ":9504", "127.0.0.1:9504", "[::1]:9504", "name:9504"'
)
DURATION_EXPECTATION = 'expected a duration such as "500ms", "30s", "5m", "1h", or "never"'


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        # Unknown keys, each with the nearest known one.
        ("colour = 1", "colour: unknown key"),
        ("[metric]", "metric: unknown key, did you mean [metrics]?"),
        ("[Log]", "Log: unknown key, did you mean [log]?"),
        ('host = "x"', "host: unknown key, did you mean 'host' in [[miniservers]]?"),
        ('[web]\nlevel = "info"', "web.level: unknown key, did you mean 'level' in [log]?"),
        ("[web.log]", "web.log: unknown key, did you mean [log]?"),
        ("[log]\nlisten = 1", "log.listen: unknown key, did you mean 'listen' in [web]?"),
        ("[log]\nLEVEL = 1", "log.LEVEL: unknown key, did you mean 'level'?"),
        (
            "[filter]\nexclude_room = []",
            "filter.exclude_room: unknown key, did you mean 'exclude_rooms'?",
        ),
        (
            "[web]\nstale_aftr = 1",
            "web.stale_aftr: unknown key, did you mean 'stale_after' in [metrics]?",
        ),
        ('[web]\n"a b" = 1', "web.'a b': unknown key"),
        (
            '[web]\nhealth_without_login = true\n[web.basic_auth_user]\na = "b"',
            "web.basic_auth_user: unknown key, did you mean 'basic_auth_users'?",
        ),
        # Containers of the wrong kind.
        ("web = 5", "web: expected a table, written [web], found the number 5"),
        (
            "[[web]]",
            "web: expected a table, written [web] with single brackets, found an array",
        ),
        (
            '[filter]\nexclude_rooms = "Sauna"',
            "filter.exclude_rooms: expected an array in square brackets, found the text 'Sauna'",
        ),
        (
            "[filter.exclude_rooms]",
            "filter.exclude_rooms: expected an array in square brackets, found a table",
        ),
        # Listen addresses.
        ("[web]\nlisten = []", 'web.listen: at least one address is needed, such as ":9504"'),
        (
            '[web]\nlisten = [":1", "9504"]',
            f"web.listen[1]: {LISTEN_EXPECTATION}; did you mean \":9504\"?; found the text '9504'",
        ),
        (
            "[web]\nlisten = [9504]",
            "web.listen[0]: expected text in quotes, found the number 9504",
        ),
        (
            '[web]\nlisten = [":70000"]',
            "web.listen[0]: expected a port from 0 to 65535, found 70000; found the text ':70000'",
        ),
        (
            '[web]\nlisten = [":1", ":2", ":1"]',
            "web.listen[2]: the same address as web.listen[0]",
        ),
        (
            "[web]\nmax_connections = 0",
            "web.max_connections: expected a whole number from 1 to 10000, found the number 0",
        ),
        (
            "[web]\nmax_conections = 5",
            "web.max_conections: unknown key, did you mean 'max_connections'?",
        ),
        # Types and ranges.
        (
            '[log]\nlevel = "INFO"',
            'log.level: expected "debug", "info", "warning" or "error", found the text \'INFO\'',
        ),
        ("[log]\nformat = []", 'log.format: expected "json" or "text", found an array'),
        (
            "[metrics]\ncontrol_value = 1",
            "metrics.control_value: expected true or false, found the number 1",
        ),
        (
            "[metrics]\ntext_max_length = 1025",
            (
                "metrics.text_max_length: expected a whole number from 1 to 1024,"
                " found the number 1025"
            ),
        ),
        (
            "[metrics]\ntext_max_length = 12.0",
            (
                "metrics.text_max_length: expected a whole number from 1 to 1024,"
                " found the number 12.0"
            ),
        ),
        (
            "[metrics]\nmax_series = 0",
            "metrics.max_series: expected a whole number from 1 to 10000000, found the number 0",
        ),
        (
            "[metrics]\nstale_after = 300",
            f"metrics.stale_after: {DURATION_EXPECTATION}; found the number 300",
        ),
        (
            '[metrics]\nstale_after = "-5m"',
            f"metrics.stale_after: {DURATION_EXPECTATION}; found the text '-5m'",
        ),
        (
            "[metrics]\nstale_after = 07:32:00",
            f"metrics.stale_after: {DURATION_EXPECTATION}; found a date or time",
        ),
        (
            '[filter]\ninclude_names = ["a", true]',
            "filter.include_names[1]: expected text in quotes, found true",
        ),
    ],
)
def test_a_mistake_outside_the_miniservers_is_found(
    tmp_path: Path, text: str, finding: str
) -> None:
    assert [finding] == find_all(tmp_path, f"{text}\n{MINISERVER}")


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ('name = "home"', "", "name: missing, but required"),
        ('name = "home"', 'name = " "', "name: expected text, found an empty one"),
        (
            'name = "home"',
            'name = "two\\nlines"',
            "name: expected text without line breaks and other control characters",
        ),
        ('name = "home"', "name = 7", "name: expected text in quotes, found the number 7"),
        ('username = "prometheus"', "", "username: missing, but required"),
        (
            'username = "prometheus"',
            'username = ""',
            "username: expected text, found an empty one",
        ),
        (
            'username = "prometheus"',
            'usrname = "a"\nusername = "b"',
            "usrname: unknown key, did you mean 'username'?",
        ),
        (
            'username = "prometheus"',
            'username = "b"\npasswordenv = "hunter2"',
            "passwordenv: unknown key, did you mean 'password_env'?",
        ),
        ('host = "192.168.1.77"', "", "host: missing, but required"),
        (
            'host = "192.168.1.77"',
            "host = 192",
            "host: expected text in quotes, found the number 192",
        ),
        (
            'host = "192.168.1.77"',
            'host = "192.168.1.77:80"',
            "host: expected only a name or an IP address: the port goes into `port`",
        ),
        (
            'host = "192.168.1.77"',
            'host = "http://192.168.1.77"',
            "host: expected only a name or an IP address: leave out http:// and the like",
        ),
        (
            'host = "192.168.1.77"',
            'host = "a"\nport = "80"',
            "port: expected a whole number from 1 to 65535, found the text '80'",
        ),
        (
            'host = "192.168.1.77"',
            'host = "a"\nport = true',
            "port: expected a whole number from 1 to 65535, found true",
        ),
        (
            'host = "192.168.1.77"',
            'host = "a"\nport = 0',
            "port: expected a whole number from 1 to 65535, found the number 0",
        ),
        (
            'host = "192.168.1.77"',
            'host = "a"\nport = 65536',
            "port: expected a whole number from 1 to 65535, found the number 65536",
        ),
        (
            'host = "192.168.1.77"',
            f'host = "a"\nport = 0x{"f" * 5000}',
            "port: expected a whole number from 1 to 65535, found a whole number",
        ),
        (
            'host = "192.168.1.77"',
            'host = "a"\nclient_id = ""',
            "client_id: expected text, found an empty one",
        ),
    ],
)
def test_a_mistake_in_a_miniserver_is_found(
    tmp_path: Path, old: str, new: str, finding: str
) -> None:
    assert [f"miniservers[0].{finding}"] == find_all(tmp_path, MINISERVER.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "findings"),
    [
        ("host =", "hots =", ["hots: unknown key, did you mean 'host'?"]),
        ("host =", "Host =", ["Host: unknown key, did you mean 'host'?"]),
        ("name =", "naem =", ["naem: unknown key, did you mean 'name'?"]),
        ("password =", "pasword =", ["pasword: unknown key, did you mean 'password'?"]),
        (
            "password =",
            "passwordfile =",
            ["passwordfile: unknown key, did you mean 'password_file'?"],
        ),
        # What is not like it is missing all the same.
        (
            "host =",
            "colour =",
            ["colour: unknown key", "host: missing, but required"],
        ),
        (
            "password =",
            "secret =",
            [
                "password: missing: expected one of password, password_file, password_env",
                "secret: unknown key",
            ],
        ),
        (
            "host =",
            "listen =",
            ["host: missing, but required", "listen: unknown key, did you mean 'listen' in [web]?"],
        ),
    ],
)
def test_a_key_that_is_misspelt_is_not_missing_besides(
    tmp_path: Path, old: str, new: str, findings: list[str]
) -> None:
    text = MINISERVER.replace(f"\n{old}", f"\n{new}")
    assert [f"miniservers[0].{finding}" for finding in findings] == find_all(tmp_path, text)


@pytest.mark.parametrize("header", ["[[miniserver]]", "[[Miniservers]]"])
def test_miniservers_that_are_misspelt_are_not_missing_besides(tmp_path: Path, header: str) -> None:
    key = header.strip("[]")
    text = MINISERVER.replace("[[miniservers]]", header)
    assert [f"{key}: unknown key, did you mean [[miniservers]]?"] == find_all(tmp_path, text)


NEEDED = (
    "miniservers: at least one Miniserver is needed: a [[miniservers]] table in"
    " loxone-exporter.toml, which `loxone-exporter init` writes, or LOXONE_HOST, LOXONE_USERNAME"
    " and LOXONE_PASSWORD in the environment"
)


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("", NEEDED),
        ("miniservers = []", NEEDED),
        (
            "miniservers = {}",
            (
                "miniservers: expected an array of tables, written [[miniservers]] with double"
                " brackets, found a table"
            ),
        ),
        (
            MINISERVER.replace("[[miniservers]]", "[miniservers]"),
            (
                "miniservers: expected an array of tables, written [[miniservers]] with double"
                " brackets, found a table"
            ),
        ),
        (
            'miniservers = ["192.168.1.77"]',
            (
                "miniservers[0]: expected a table, written [[miniservers]],"
                " found the text '192.168.1.77'"
            ),
        ),
    ],
)
def test_miniservers_that_are_no_array_of_tables_are_found(
    tmp_path: Path, text: str, finding: str
) -> None:
    assert [finding] == find_all(tmp_path, text)


def test_a_name_that_is_given_twice_is_found_with_both_places_beside_other_findings(
    tmp_path: Path,
) -> None:
    other = MINISERVER.replace("home", "barn").replace("192.168.1.77", "a b")
    same = MINISERVER.replace("192.168.1.77", "192.168.1.79")
    assert find_all(tmp_path, f"{MINISERVER}{other}{same}") == [
        "miniservers[1].host: expected a name or an IP address without spaces",
        "miniservers[2].name: 'home' is already the name of miniservers[0]",
    ]


def test_the_places_of_equal_names_count_what_is_no_table_too(tmp_path: Path) -> None:
    table = '{name = "home", host = "a", username = "b", password = "c"}'
    other = table.replace('"b"', '"d"')
    assert find_all(tmp_path, f"miniservers = [{table}, 5, {other}]") == [
        "miniservers[1]: expected a table, written [[miniservers]], found the number 5",
        "miniservers[2].name: 'home' is already the name of miniservers[0]",
    ]
