"""Whose answer it is: section 1.1 of the protocol reference."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loxone_exporter.loxone import commands
from loxone_exporter.loxone.echoes import is_of_another_command


SUBSCRIPTION = commands.ENABLE_UPDATES
KEY_EXCHANGE = commands.key_exchange(b"\xfb\xff" * 64)
HASH, ENCRYPTED_HASH = "authenticate/ab12", "authenticateEnc/Zm9v+/8="


@pytest.mark.parametrize(
    ("control", "command"),
    [
        ("dev/sps/enablebinstatusupdate", SUBSCRIPTION),
        ("jdev/sps/enablebinstatusupdate", SUBSCRIPTION),
        ("JDEV/SPS/EnableBinStatusUpdate", SUBSCRIPTION),
        ("/dev/sps/enablebinstatusupdate ", SUBSCRIPTION),
        ("dev%2Fsps%2Fenablebinstatusupdate", SUBSCRIPTION),
        ("sps/enablebinstatusupdate", SUBSCRIPTION),
        (KEY_EXCHANGE, KEY_EXCHANGE),
        (KEY_EXCHANGE.removeprefix("j"), KEY_EXCHANGE),
        ("dev/sys/keyexchange", KEY_EXCHANGE),
        ("dev/sys/getkey", commands.ONE_TIME_KEY),
        ("dev/sys/time", commands.TIME),
        (HASH, HASH),
        ("dev/" + HASH, HASH),
        ("dev/sys/" + HASH, HASH),
        ("authenticate", HASH),
        (HASH, ENCRYPTED_HASH),
        (ENCRYPTED_HASH, ENCRYPTED_HASH),
        ("authenticateenc/Zm9v+/8=", ENCRYPTED_HASH),
    ],
)
def test_a_command_is_recognised(control: str, command: str) -> None:
    assert not is_of_another_command(control, command)


@pytest.mark.parametrize(
    "control",
    ["", "/", "dev", "dev/", "dev/x", "dev//", "jdev", "x/y/z", "enablebin", "Küche", "%"],
)
@pytest.mark.parametrize("command", [SUBSCRIPTION, KEY_EXCHANGE, HASH])
def test_in_doubt_it_is_this_command(control: str, command: str) -> None:
    assert not is_of_another_command(control, command)


@pytest.mark.parametrize(
    ("control", "command"),
    [
        ("dev/sys/getkey", SUBSCRIPTION),
        ("dev/sps/LoxAPPversion3", SUBSCRIPTION),
        ("dev/sps/io/Q2", SUBSCRIPTION),
        ("sps/io/Q2", SUBSCRIPTION),
        ("bus/packetssent", SUBSCRIPTION),
        ("jdev/sys/getkey2/enablebinstatusupdate", SUBSCRIPTION),
        ("jdev/sys/getkey2/exporter", commands.ONE_TIME_KEY),
        ("dev/sys/date", commands.TIME),
        ("jdev/sys/enc/Zm9v", commands.TIME),
        ("authwithtoken/ab12/exporter", commands.TIME),
        ("authenticate/ab12", commands.TIME),
        ("dev/sys/getkey", HASH),
        ("authwithtoken/ab12/exporter", HASH),
    ],
)
def test_another_command_is_recognised(control: str, command: str) -> None:
    assert is_of_another_command(control, command)


@given(control=st.text(), command=st.sampled_from([SUBSCRIPTION, KEY_EXCHANGE, HASH]))
@example(control="j" * 5000 + "dev/" * 5000, command=HASH)
def test_any_text_can_be_an_echo(control: str, command: str) -> None:
    assert is_of_another_command(control, command) in {True, False}
    assert not is_of_another_command(command, command)
