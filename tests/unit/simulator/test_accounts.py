from __future__ import annotations

import re

import pytest
from attrs import define

from loxone_exporter.loxone.crypto import (
    HashAlgorithm,
    HashParameters,
    hash_credentials,
    hash_token,
)
from loxone_exporter.simulator.accounts import Account, Accounts, Guard, OneTimeKeys, Token
from loxone_exporter.simulator.profile import Profile


DAY = 86400.0
UNIX = 1572919839.0  # Loxone 342151839
ANNA = Account("Änna", "pä€ss")
BOB = Account("bob", "secret")


@define
class Clock:
    time: float = 1000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(clock: Clock) -> OneTimeKeys:
    return OneTimeKeys(clock, 10.0)


def accounts_of(clock: Clock, profile: Profile | None = None) -> Accounts:
    return Accounts([ANNA, BOB], profile or Profile(), clock=clock, now=lambda: UNIX)


@pytest.fixture
def accounts(clock: Clock) -> Accounts:
    return accounts_of(clock)


def password_hash(accounts: Accounts, account: Account, key: str) -> str:
    parameters = HashParameters(
        key=key, salt=accounts.salt(account.username), algorithm=accounts.algorithm
    )
    return hash_credentials(account.username, account.password, parameters)


def issue(accounts: Accounts, permission: int = 4, *, jwt: bool = True) -> Token:
    return accounts.issue(BOB, permission, "client", "info", jwt=jwt)


def test_a_one_time_key_is_hexadecimal_text_in_hexadecimal(keys: OneTimeKeys) -> None:
    key = keys.issue()
    assert re.fullmatch(r"[0-9]{80}", key)
    assert re.fullmatch(r"[0-9A-F]{40}", bytes.fromhex(key).decode())
    assert key != keys.issue()


def test_a_one_time_key_can_be_spent_once(keys: OneTimeKeys) -> None:
    key = keys.issue()
    assert not keys.spend(lambda other: other == "another")
    assert keys.spend(lambda other: other == key)
    assert not keys.spend(lambda other: other == key)


def test_a_one_time_key_is_good_for_ten_seconds(clock: Clock, keys: OneTimeKeys) -> None:
    key = keys.issue()
    clock.time += 9.9
    late = keys.issue()
    clock.time += 0.1
    assert not keys.spend(lambda other: other == key)
    assert keys.spend(lambda other: other == late)


def test_one_time_keys_can_be_taken_back(keys: OneTimeKeys) -> None:
    keys.issue()
    keys.forget()
    assert not keys.spend(lambda _: True)


def test_only_the_latest_one_time_keys_are_kept(keys: OneTimeKeys) -> None:
    first = keys.issue()
    for _ in range(32):
        keys.issue()
    assert not keys.spend(lambda other: other == first)


def test_salts_look_alike_and_are_stable_for_known_and_unknown_users(accounts: Accounts) -> None:
    for username in ("bob", "nobody", ""):
        salt = accounts.salt(username)
        assert re.fullmatch(r"[0-9A-F]{70}", salt)
        uuid = bytes.fromhex(salt).decode()
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-ffff[0-9a-f]{12}", uuid)
        assert salt == accounts.salt(username)
    assert accounts.salt("bob") != accounts.salt("nobody")


@pytest.mark.parametrize(
    ("firmware", "algorithm"), [("10.3.11.25", "SHA1"), ("10.4.0.0", "SHA256")]
)
@pytest.mark.parametrize("account", [ANNA, BOB])
def test_the_right_hash_of_the_password_is_accepted_once(
    clock: Clock, keys: OneTimeKeys, firmware: str, algorithm: HashAlgorithm, account: Account
) -> None:
    accounts = accounts_of(clock, Profile(firmware=firmware))
    digest = password_hash(accounts, account, keys.issue())
    assert algorithm == accounts.algorithm
    assert account == accounts.check_password_hash(account.username, digest, keys)
    assert accounts.check_password_hash(account.username, digest, keys) is None


def test_other_hashes_and_other_users_are_not_accepted(
    accounts: Accounts, keys: OneTimeKeys
) -> None:
    digest = password_hash(accounts, BOB, keys.issue())
    assert accounts.check_password_hash("bob", digest.upper(), keys) is None
    assert accounts.check_password_hash("bob", "ä", keys) is None
    assert accounts.check_password_hash("Änna", digest, keys) is None
    assert accounts.check_password_hash("nobody", digest, keys) is None
    assert accounts.check_password_hash("bob", digest, keys) == BOB


def test_passwords(accounts: Accounts) -> None:
    assert accounts.check_password("Änna", "pä€ss") == ANNA
    assert accounts.check_password("Änna", "secret") is None
    assert accounts.check_password("nobody", "") is None


def test_the_legacy_hash_names_its_user(accounts: Accounts, keys: OneTimeKeys) -> None:
    digest = hash_token("bob:secret", keys.issue(), "SHA1")
    assert accounts.check_legacy_hash("0" * 40, keys) is None
    assert accounts.check_legacy_hash(digest, keys) == BOB


@pytest.mark.parametrize("algorithm", ["SHA1", "SHA256"])
def test_a_token_is_accepted_by_either_hash_once(
    accounts: Accounts, keys: OneTimeKeys, algorithm: HashAlgorithm
) -> None:
    token = issue(accounts)
    digest = hash_token(token.text, keys.issue(), algorithm)
    assert accounts.check_token("bob", "0" * 64, keys) is None
    assert accounts.check_token("Änna", digest, keys) is None
    assert accounts.check_token("bob", digest, keys) is token
    assert accounts.check_token("bob", digest, keys) is None


@pytest.mark.parametrize(("firmware", "accepted"), [("11.1.99.99", False), ("11.2.0.0", True)])
def test_newer_firmware_accepts_the_plain_token(
    clock: Clock, keys: OneTimeKeys, firmware: str, *, accepted: bool
) -> None:
    accounts = accounts_of(clock, Profile(firmware=firmware))
    token = issue(accounts)
    assert accepted is (accounts.check_token("bob", token.text, keys) is token)


@pytest.mark.parametrize(("permission", "days"), [(2, 1), (4, 28), (6, 28), (260, 28)])
def test_permission_decides_how_long_a_token_lives(
    clock: Clock, accounts: Accounts, permission: int, days: int
) -> None:
    token = issue(accounts, permission)
    assert token.valid_until == 342151839 + days * DAY
    clock.time += days * DAY - 0.1
    assert accounts.is_live(token)
    assert list(accounts.tokens) == [token.text]
    clock.time += 0.1
    assert not accounts.is_live(token)
    assert not accounts.tokens


@pytest.mark.parametrize(("permission", "rights"), [(2, 1666), (260, 1924)])
def test_rights_are_those_of_real_devices(accounts: Accounts, permission: int, rights: int) -> None:
    assert rights == issue(accounts, permission).rights


def test_tokens_are_of_the_two_known_forms(accounts: Accounts) -> None:
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", issue(accounts).text)
    assert re.fullmatch(r"[0-9A-F]{40}", issue(accounts, jwt=False).text)


def test_refreshing_prolongs_a_token(clock: Clock, accounts: Accounts) -> None:
    token = issue(accounts, 2)
    text = token.text
    clock.time += DAY - 1
    accounts.refresh(token, jwt=False)
    assert text == token.text
    clock.time += DAY - 1
    assert accounts.is_live(token)


def test_refreshing_as_a_web_token_replaces_the_text(accounts: Accounts) -> None:
    token = issue(accounts, jwt=False)
    old = token.text
    accounts.refresh(token, jwt=True)
    assert list(accounts.tokens) == [token.text]
    assert old != token.text
    assert token.text.count(".") == 2


def test_a_killed_token_is_gone(accounts: Accounts) -> None:
    killed, other = issue(accounts), issue(accounts)
    accounts.kill(killed)
    assert not accounts.is_live(killed)
    assert list(accounts.tokens) == [other.text]


def test_all_tokens_can_be_forgotten(accounts: Accounts) -> None:
    issue(accounts)
    issue(accounts)
    accounts.forget_tokens()
    assert not accounts.tokens


def test_one_token_too_many_ends_the_oldest_of_the_user(clock: Clock) -> None:
    accounts = accounts_of(clock, Profile(tokens_per_user=2))
    others = accounts.issue(ANNA, 4, "client", "info", jwt=True)
    first, second, third = (issue(accounts) for _ in range(3))
    assert not accounts.is_live(first)
    assert list(accounts.tokens) == [others.text, second.text, third.text]


def test_a_client_can_have_many_tokens_unless_the_device_says_one(clock: Clock) -> None:
    many = accounts_of(clock)
    assert [issue(many), issue(many)] == list(many.tokens.values())

    one = accounts_of(clock, Profile(token_per_client=True))
    of_another_user = one.issue(ANNA, 4, "client", "info", jwt=True)
    of_another_client = one.issue(BOB, 4, "another", "info", jwt=True)
    replaced, latest = issue(one), issue(one)
    assert not one.is_live(replaced)
    assert [of_another_user, of_another_client, latest] == list(one.tokens.values())


def test_secrets_do_not_show(accounts: Accounts) -> None:
    token = issue(accounts)
    assert token.text not in repr(token)
    assert BOB.password not in repr(token)


def test_five_failures_within_a_minute_ban_for_five_minutes(clock: Clock) -> None:
    guard = Guard(Profile(), clock)
    for _ in range(5):
        assert guard.remaining("192.0.2.1") == 0
        guard.failed("192.0.2.1")
        clock.time += 15
    assert guard.remaining("192.0.2.1") == 285
    assert guard.remaining("192.0.2.2") == 0
    clock.time += 284.5
    assert guard.remaining("192.0.2.1") == 1
    clock.time += 0.5
    assert guard.remaining("192.0.2.1") == 0


def test_failures_further_apart_do_not_ban(clock: Clock) -> None:
    guard = Guard(Profile(), clock)
    for _ in range(20):
        guard.failed("192.0.2.1")
        assert guard.remaining("192.0.2.1") == 0
        clock.time += 15.1


def test_after_a_ban_counting_begins_anew(clock: Clock) -> None:
    guard = Guard(Profile(ban_failures=2, ban_life=1.0), clock)
    guard.failed("a")
    guard.failed("a")
    clock.time += 1
    guard.failed("a")
    assert guard.remaining("a") == 0
    guard.failed("a")
    assert guard.remaining("a") == 1
