from __future__ import annotations

from pathlib import Path

import bcrypt
import pytest

from support.configs import MINISERVER, find_all, load_text


# With a salt that stays the same, for the hash is a part of tests' names.
HASH = bcrypt.hashpw(b"geheim", b"$2b$04$OIvtjgPOEQNWSsyuAOXxBe").decode()
EXPECTED = (
    'expected a bcrypt hash, such as "$2b$10$…" with 53 more characters:'
    ' `htpasswd -nBC 10 ""` makes one, behind its colon'
)


def users(*lines: str) -> str:
    return "\n".join(["[web.basic_auth_users]", *lines, MINISERVER])


@pytest.mark.parametrize("version", ["2a", "2b", "2y"])
def test_hashes_of_all_versions_are_taken(tmp_path: Path, version: str) -> None:
    hash_ = HASH.replace("$2b$", f"${version}$")
    loaded = load_text(tmp_path, users(f'prometheus = "{hash_}"', f'"Jürgen O\'Neil" = "{hash_}"'))
    assert loaded.warnings == ()
    found = loaded.config.web.basic_auth_users
    assert ["prometheus", "Jürgen O'Neil"] == list(found)
    assert hash_ == found["prometheus"].reveal()
    assert hash_ not in repr(loaded)


@pytest.mark.parametrize(
    "value",
    [
        "hunter2",
        "",
        HASH[:-1],
        HASH + "x",
        f" {HASH}",
        HASH + "\\n",
        f"prometheus:{HASH}",
        HASH.replace("$2b$", "$2x$"),
        HASH.replace("$2b$", "$5$"),
        HASH[:28] + "A" + HASH[29:],
        "$apr1$nRbbWzB4$bDyCDsFGYlHUlyvvXCb0N1",
        HASH.replace("$04$", "$4$"),
    ],
)
def test_what_is_no_hash_is_found_and_never_shown(tmp_path: Path, value: str) -> None:
    (finding,) = find_all(tmp_path, users(f'prometheus = "{value}"'))
    assert f"web.basic_auth_users.prometheus: {EXPECTED}" == finding
    assert not value or value not in finding


@pytest.mark.parametrize("cost", ["00", "03", "15", "31", "99"])
def test_costs_that_cannot_be_meant_are_found(tmp_path: Path, cost: str) -> None:
    (finding,) = find_all(tmp_path, users(f'a = "{HASH.replace("$04$", f"${cost}$")}"'))
    assert f"of a cost from 4 to 14, found one of {int(cost)}" in finding


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (
            users("a = 5"),
            "web.basic_auth_users.a: expected a bcrypt hash in quotes, found a whole number",
        ),
        (
            users(f'"a:b" = "{HASH}"'),
            (
                "web.basic_auth_users.'a:b': expected a name without a colon, which ends it on"
                " its way here"
            ),
        ),
        (
            users(f'" " = "{HASH}"'),
            "web.basic_auth_users.' ': expected text, found an empty one",
        ),
        (
            users(),
            (
                "web.basic_auth_users: names nobody, and so keeps nobody out: add somebody, or"
                " remove it"
            ),
        ),
        (
            f'[web]\nbasic_auth_users = "a:hunter2"\n{MINISERVER}',
            (
                "web.basic_auth_users: expected a table, written [web.basic_auth_users], of lines"
                ' such as NAME = "$2b$10$…", found text'
            ),
        ),
        (
            f"[web]\nhealth_without_login = true\n{MINISERVER}",
            (
                "web.health_without_login: has no effect: nobody has to log in without"
                " [web.basic_auth_users]"
            ),
        ),
    ],
)
def test_what_cannot_be_meant_is_found(tmp_path: Path, text: str, finding: str) -> None:
    assert [finding] == find_all(tmp_path, text)


def test_all_findings_come_at_once(tmp_path: Path) -> None:
    found = find_all(tmp_path, users('a = "x"', 'b = "y"', f'"c:d" = "{HASH}"'))
    assert [line.partition(": ")[0] for line in found] == [
        "web.basic_auth_users.a",
        "web.basic_auth_users.b",
        "web.basic_auth_users.'c:d'",
    ]


def test_a_cost_that_tells_users_apart_is_worth_a_warning(tmp_path: Path) -> None:
    dear = HASH.replace("$04$", "$05$")
    (warning,) = load_text(tmp_path, users(f'a = "{HASH}"', f'b = "{dear}"')).warnings
    assert "web.basic_auth_users.a" == warning.path
    assert "make all of them with cost 5" in warning.message
