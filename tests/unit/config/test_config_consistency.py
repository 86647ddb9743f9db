from __future__ import annotations

from pathlib import Path

import pytest

from support.configs import CERTIFICATE, MINISERVER, find_all, load_text


OTHER = MINISERVER.replace("home", "barn")
FINGERPRINT = f'tls_fingerprint = "sha256:{"c0" * 32}"'
USELESS = 'has no effect with tls = "off": remove it, or change tls'
FINGERPRINT_DECIDES = "has no effect: tls_fingerprint alone decides; remove one of the two"
ANYTHING_GOES = "has no effect with tls_verify = false: remove one of the two"
OWN_PORTS = (
    'but plain HTTP and TLS have a port each: change one, or set tls = "required", which leaves'
    " plain HTTP alone"
)


@pytest.fixture(autouse=True)
def authority(tmp_path: Path) -> None:
    (tmp_path / "authority.pem").write_text(CERTIFICATE)


@pytest.mark.parametrize(
    ("lines", "findings"),
    [
        (['tls = "off"', "tls_port = 443"], [f"tls_port: {USELESS}"]),
        (['tls = "off"', 'tls_server_name = "a.example"'], [f"tls_server_name: {USELESS}"]),
        (['tls = "off"', 'tls_ca_file = "authority.pem"'], [f"tls_ca_file: {USELESS}"]),
        (['tls = "off"', FINGERPRINT], [f"tls_fingerprint: {USELESS}"]),
        (['tls = "off"', "tls_verify = false"], [f"tls_verify: {USELESS}"]),
        (
            ['tls = "off"', FINGERPRINT, 'tls_ca_file = "authority.pem"', "tls_verify = false"],
            [
                f"tls_ca_file: {USELESS}",
                f"tls_fingerprint: {USELESS}",
                f"tls_verify: {USELESS}",
            ],
        ),
        ([FINGERPRINT, 'tls_ca_file = "authority.pem"'], [f"tls_ca_file: {FINGERPRINT_DECIDES}"]),
        (
            [FINGERPRINT, 'tls_server_name = "a.example"', 'tls = "required"'],
            [f"tls_server_name: {FINGERPRINT_DECIDES}"],
        ),
        (["tls_verify = false", FINGERPRINT], [f"tls_fingerprint: {ANYTHING_GOES}"]),
        (
            ["tls_verify = false", 'tls_ca_file = "authority.pem"'],
            [f"tls_ca_file: {ANYTHING_GOES}"],
        ),
        (["port = 443"], [f"port: the same as tls_port, {OWN_PORTS}"]),
        (["tls_port = 80"], [f"tls_port: the same as port, {OWN_PORTS}"]),
        (
            ["port = 8443", "tls_port = 8443", 'tls = "auto"'],
            [f"tls_port: the same as port, {OWN_PORTS}"],
        ),
    ],
)
def test_what_cannot_be_meant_together_is_found(
    tmp_path: Path, lines: list[str], findings: list[str]
) -> None:
    found = find_all(tmp_path, MINISERVER + "\n".join(lines))
    assert [f"miniservers[0].{finding}" for finding in findings] == found


@pytest.mark.parametrize(
    "lines",
    [
        ['tls = "off"', "tls_verify = true", 'serial = "504F94A0BBCC"', "port = 443"],
        ['tls = "required"', "tls_port = 80"],
        ['tls_server_name = "a.example"', 'tls_ca_file = "authority.pem"', "tls_verify = true"],
        [FINGERPRINT, "tls_verify = true"],
    ],
)
def test_what_can_be_meant_together_is_taken_without_a_word(
    tmp_path: Path, lines: list[str]
) -> None:
    assert load_text(tmp_path, MINISERVER + "\n".join(lines)).warnings == ()


def test_contradictions_come_with_all_other_findings(tmp_path: Path) -> None:
    text = MINISERVER.replace("192.168.1.77", "a b") + (
        'tls = "off"\ntls_ca_file = "absent.pem"\nserial = "504F"\nclientid = "x"\n[log]\nlevel = 1'
    )
    found = [finding.partition(": ")[0] for finding in find_all(tmp_path, text)]
    assert found == [
        "log.level",
        "miniservers[0].clientid",
        "miniservers[0].host",
        "miniservers[0].serial",
        "miniservers[0].tls_ca_file",
        "miniservers[0].tls_ca_file",
    ]


def test_a_port_from_the_environment_is_compared_too(tmp_path: Path) -> None:
    assert find_all(tmp_path, MINISERVER, {"LOXONE_PORT": "443"}) == [
        f"environment: LOXONE_PORT: the same as tls_port, {OWN_PORTS}"
    ]


TELLING = [
    (
        "tls_verify = false",
        (
            "tls_verify: the connection is encrypted, but might be to anybody: remove this; for a"
            " certificate of your own set tls_ca_file or tls_fingerprint"
        ),
    ),
    (
        "allow_legacy_login = true",
        (
            "allow_legacy_login: where this is used, who listens can guess the password offline:"
            " update the Miniserver, remove this, and change the password"
        ),
    ),
    (
        'tls = "required"\nport = 8443',
        'port: is not used with tls = "required": remove it, or did you mean tls_port?',
    ),
]


@pytest.mark.parametrize(("lines", "warning"), TELLING)
def test_what_should_be_considered_is_warned_of(tmp_path: Path, lines: str, warning: str) -> None:
    [found] = load_text(tmp_path, MINISERVER + lines).warnings
    assert f"{tmp_path / 'house.toml'}: miniservers[0].{warning}" == str(found)


SAME_CLIENT = (
    "miniservers[1].client_id: the same Miniserver, user and client_id as miniservers[0]: each"
    " would replace the other's token; give one of them another client_id"
)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("", ""),
        ("port = 80", 'client_id = "loxone-exporter"'),
        ("tls_port = 8443", 'tls = "off"'),
        ('tls = "required"', 'tls = "required"\ntls_port = 443'),
    ],
)
def test_two_tables_that_are_one_client_are_found(tmp_path: Path, first: str, second: str) -> None:
    assert find_all(tmp_path, f"{MINISERVER}{first}{OTHER}{second}") == [SAME_CLIENT]


@pytest.mark.parametrize(
    ("one", "another"), [("[FE80::1]", "fe80::1"), ("Miniserver.local", "miniserver.local")]
)
def test_a_host_is_the_same_however_it_is_written(tmp_path: Path, one: str, another: str) -> None:
    texts = [MINISERVER.replace("192.168.1.77", one), OTHER.replace("192.168.1.77", another)]
    assert find_all(tmp_path, "".join(texts)) == [SAME_CLIENT]


def test_two_tables_that_are_one_client_are_found_beside_other_mistakes(tmp_path: Path) -> None:
    text = f"{MINISERVER}port = 80\n{OTHER}serial = 1\n{OTHER}port = 'x'\n{OTHER}client_id = 1"
    found = [finding.partition(": ")[0] for finding in find_all(tmp_path, text)]
    assert found == [
        "miniservers[1].client_id",
        "miniservers[1].serial",
        "miniservers[2].name",
        "miniservers[2].port",
        "miniservers[3].client_id",
        "miniservers[3].name",
    ]


SAME_TLS_PORT = (
    "miniservers[1].tls_port: the same as in miniservers[0], on the same host: two Miniservers"
    ' need two, or tls = "off" if they have no TLS; one Miniserver needs another client_id, for'
    " each would replace the other's token"
)


@pytest.mark.parametrize("second", ["port = 8080", 'tls = "required"'])
def test_two_tables_that_meet_at_one_port_for_tls_are_warned_of(
    tmp_path: Path, second: str
) -> None:
    [warning] = load_text(tmp_path, f"{MINISERVER}{OTHER}{second}").warnings
    assert str(warning).endswith(SAME_TLS_PORT)


@pytest.mark.parametrize(
    "second",
    [
        'client_id = "second"',
        'port = 8080\ntls = "off"',
        "port = 8080\ntls_port = 8443",
        'tls = "required"\ntls_port = 80',
    ],
)
def test_two_clients_of_one_host_are_taken_without_a_word(tmp_path: Path, second: str) -> None:
    assert load_text(tmp_path, f"{MINISERVER}{OTHER}{second}").warnings == ()


def test_two_users_of_one_miniserver_are_taken_without_a_word(tmp_path: Path) -> None:
    text = MINISERVER + OTHER.replace("prometheus", "grafana")
    assert load_text(tmp_path, text).warnings == ()


def test_a_serial_number_that_is_given_twice_is_warned_of(tmp_path: Path) -> None:
    serial, spelt_otherwise = 'serial = "504F94A0BBCC"', 'serial = "50:4f:94:a0:bb:cc"'
    other = OTHER.replace("192.168.1.77", "miniserver.local")
    [warning] = load_text(tmp_path, f"{MINISERVER}{serial}{other}{spelt_otherwise}").warnings
    assert warning.path == "miniservers[1].serial"
    assert warning.message == (
        "the same Miniserver as miniservers[0]: its values come twice; with the same user it needs"
        " another client_id, for each would replace the other's token"
    )
