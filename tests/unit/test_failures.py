from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.errors import (
    BootingError,
    BusyError,
    ClosedNormallyError,
    ConnectionLostError,
    LockedOutError,
    MisbehaviourError,
    RejectedError,
    SessionError,
    SilentError,
    UpdatingError,
)
from loxone_exporter.loxone.replies import Reply
from loxone_exporter.miniserver.failures import answer, closure, refusal


# Protocol reference, section 1.6.
UNAUTHORIZED = (
    b"<html><head><title>error</title></head><body><errorcode>401</errorcode> "
    b"<errordetail>Unauthorized</errordetail></body></html>"
)
LOCKED_OUT = (
    b"<html><head><title>error</title></head><body><errorcode>403</errorcode> <errordetail>"
    b"<errortext>Forbidden</errortext><description>IP 192.168.2.240 temporarily blocked, too many "
    b"failed login attempts;</description> <remaining>38</remaining></errordetail></body></html>"
)


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (503, b"", BootingError, "the Miniserver is starting (HTTP status 503)"),
        (503, LOCKED_OUT, BootingError, "starting"),
        (401, UNAUTHORIZED, MisbehaviourError, "HTTP status 401 in answer to /path"),
        (200, UNAUTHORIZED, MisbehaviourError, "HTTP status 401 in answer to /path"),
        (200, b"<errorcode>503</errorcode>", BootingError, "starting"),
        (403, LOCKED_OUT, LockedOutError, "too many failed logins: 38 s"),
        (200, LOCKED_OUT, LockedOutError, "38 s"),
        (403, b"", MisbehaviourError, "HTTP status 403"),
        (403, b"<errorcode>403</errorcode>", LockedOutError, "not say for how long"),
        (404, LOCKED_OUT, MisbehaviourError, "HTTP status 404"),
        (302, b"", MisbehaviourError, "HTTP status 302"),
    ],
)
def test_refusals_over_http(
    status: int, body: bytes, kind: type[SessionError], message: str
) -> None:
    error = refusal(status, body, "/path")
    assert kind is type(error)
    assert message in str(error)


def test_lock_out_over_http_tells_its_end() -> None:
    error = refusal(403, LOCKED_OUT, "/path")
    assert isinstance(error, LockedOutError)
    assert 38 == error.remaining


# Section 2.7.
@pytest.mark.parametrize(
    ("code", "reason", "kind", "message"),
    [
        (1000, "normally closed", ClosedNormallyError, "closed the connection: 1000 normally"),
        (1001, "", ConnectionLostError, "the Miniserver closed the connection: 1001"),
        (1006, "", ConnectionLostError, "1006"),
        (4004, "", ConnectionLostError, "4004"),
        (4005, "", ConnectionLostError, "4005"),
        (4006, "", RejectedError, "4006 (the user is disabled)"),
        (4007, "", UpdatingError, "4007 (an update is running)"),
        (4008, "", BusyError, "4008 (no further client"),
        (0, "", ConnectionLostError, "closed the connection: 0"),
    ],
)
def test_close_codes(code: int, reason: str, kind: type[SessionError], message: str) -> None:
    error = closure(code, reason)
    assert kind is type(error)
    assert message in str(error)


# Section 2.6.
@pytest.mark.parametrize(
    ("reason", "remaining"),
    [
        (
            (
                "Forbidden - IP 192.168.51.151 temporarily blocked, too many failed login attempts "
                "(108)"
            ),
            108.0,
        ),
        ("IP 192.168.51.151 temporarily blocked (14) \r\n", 14.0),
        ("blocked (5) for now", None),
        ("blocked (soon)", None),
        (f"blocked ({'9' * 400})", None),
        ("", None),
    ],
    ids=range(6),
)
def test_lock_out_over_the_websocket(reason: str, remaining: float | None) -> None:
    error = closure(4003, reason)
    assert isinstance(error, LockedOutError)
    assert remaining == error.remaining


# Section 3.7.
@pytest.mark.parametrize(
    ("code", "kind", "explanation"),
    [
        (400, MisbehaviourError, ""),
        (401, RejectedError, ": user or password is wrong"),
        (403, RejectedError, ": the user lacks the right"),
        (404, MisbehaviourError, ""),
        (420, SilentError, ": the login took too long"),
        (423, RejectedError, ": the user is disabled"),
        (477, RejectedError, ": the token is not valid any more"),
        (500, RejectedError, ": user or password is wrong"),
        (503, BootingError, ": the Miniserver is starting"),
        (901, BusyError, ": the Miniserver has no connection left"),
        (429, LockedOutError, ": too many failed logins"),
        (-1, MisbehaviourError, ""),
    ],
)
def test_codes_of_answers(code: int, kind: type[SessionError], explanation: str) -> None:
    error = answer(Reply("dev/sys/getjwt/secret", code, "secret"), "the login")
    assert kind is type(error)
    assert f"code {code} in answer to the login{explanation}" == str(error)


def test_good_answer_is_no_failure() -> None:
    assert answer(Reply("", 200, None), "the login") is None


@given(
    status=st.integers(0, 999), body=st.binary(max_size=60) | st.sampled_from([LOCKED_OUT, b"x"])
)
def test_any_refusal_is_a_failure_of_the_session(status: int, body: bytes) -> None:
    assert isinstance(refusal(status, body, "/path"), SessionError)


@given(code=st.integers(0, 4999) | st.just(4003), reason=st.text(max_size=40))
def test_any_close_frame_is_a_failure_of_the_session(code: int, reason: str) -> None:
    assert isinstance(closure(code, reason), SessionError)
