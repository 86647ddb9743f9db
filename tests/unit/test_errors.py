from __future__ import annotations

from collections.abc import Iterator

import pytest

from loxone_exporter import errors
from loxone_exporter.errors import (
    ConnectionLostError,
    ExporterError,
    FailureReason,
    LockedOutError,
    ProtocolError,
    SessionError,
    SilentError,
    StructureError,
    leaves,
)


def test_every_error_is_one_of_this_program() -> None:
    classes = [
        value
        for name, value in vars(errors).items()
        if name.endswith("Error") and isinstance(value, type)
    ]
    assert 5 < len(classes)
    assert all(issubclass(value, ExporterError) for value in classes)


# The reasons are words in logs and metrics, on which somebody may have built an alert.
def test_reasons_of_sessions_are_a_closed_set() -> None:
    reasons = {error.__name__: error.reason for error in descendants(SessionError)}
    expected = {
        "UnreachableError": "unreachable",
        "TlsError": "tls",
        "IdentityError": "identity",
        "BootingError": "booting",
        "ConnectionLostError": "connection_lost",
        "ClosedNormallyError": "connection_lost",
        "SilentError": "silent",
        "OutOfServiceError": "out_of_service",
        "UpdatingError": "updating",
        "BusyError": "busy",
        "RejectedError": "rejected",
        "UserDisabledError": "user_disabled",
        "UserChangedError": "user_changed",
        "LockedOutError": "locked_out",
        "LoginTimeoutError": "login_timeout",
        "TokenExpiredError": "token_expired",
        "InsecureLoginError": "insecure_login",
        "BadTextError": "bad_text",
        "MisbehaviourError": "protocol",
    }
    assert expected == reasons
    assert {*expected.values(), "bug"} == set(FailureReason)


def descendants(kind: type[SessionError]) -> Iterator[type[SessionError]]:
    for child in kind.__subclasses__():
        yield child
        yield from descendants(child)


def test_broken_structure_is_a_broken_protocol() -> None:
    assert issubclass(StructureError, ProtocolError)


def test_lock_out_knows_its_end_where_it_was_told() -> None:
    assert LockedOutError("no entry").remaining is None
    assert 38.0 == LockedOutError("no entry", remaining=38.0).remaining
    assert "no entry" == str(LockedOutError("no entry", remaining=38.0))


def test_leaves_of_groups_in_groups() -> None:
    lost, silent, bug = ConnectionLostError("lost"), SilentError("mute"), ValueError("bug")
    group = ExceptionGroup("all", [lost, ExceptionGroup("some", [bug, silent])])
    assert [lost, silent] == list(leaves(group, SessionError))
    assert [silent] == list(leaves(group, SilentError))
    assert [bug] == list(leaves(group, ValueError))
    assert [] == list(leaves(group, KeyError))


def test_leaves_of_groups_with_what_is_no_exception() -> None:
    interrupt = KeyboardInterrupt()
    group = BaseExceptionGroup("all", [BaseExceptionGroup("some", [interrupt])])
    assert [interrupt] == list(leaves(group, KeyboardInterrupt))
    with pytest.raises(StopIteration):
        next(leaves(group, Exception))
