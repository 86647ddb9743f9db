from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.errors import (
    BadTextError,
    BootingError,
    BusyError,
    ClosedNormallyError,
    ConnectionLostError,
    LockedOutError,
    LoginTimeoutError,
    MisbehaviourError,
    RejectedError,
    SessionError,
    TlsError,
    TokenExpiredError,
    UpdatingError,
    UserChangedError,
    UserDisabledError,
)
from loxone_exporter.loxone.replies import Reply
from loxone_exporter.miniserver.failures import Phase, answer, closure, end_of_login, refusal


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
        (901, b"", BusyError, "no connection left"),
        (200, b"<errorcode>901</errorcode>", BusyError, "no connection left"),
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


@pytest.mark.parametrize(
    ("location", "kind", "message"),
    [
        ("https://192-0-2-10.504f94a20002.dyndns.loxonecloud.com/", TlsError, "see `host`, `tls`"),
        ("HTTPS://elsewhere.test", TlsError, "'HTTPS://elsewhere.test'; it is not followed"),
        ("http://elsewhere.test/", MisbehaviourError, "is this the right host?"),
        ("x" * 999, MisbehaviourError, f"{'x' * 200!r};"),
    ],
)
def test_redirections_are_told_and_not_followed(
    location: str, kind: type[SessionError], message: str
) -> None:
    error = refusal(301, b"", "/path", location)
    assert kind is type(error)
    assert message in str(error)


@pytest.mark.parametrize(("code", "ourselves"), [(4004, False), (4005, True)])
def test_it_is_told_whether_we_are_the_user_who_was_changed(code: int, *, ourselves: bool) -> None:
    error = closure(code, "")
    assert isinstance(error, UserChangedError)
    assert ourselves is error.ourselves


def test_a_brute_force_lock_lasts_five_minutes() -> None:
    error = answer(Reply("", 429, None), "the login")
    assert isinstance(error, LockedOutError)
    assert 300 == error.remaining


# Section 2.7.
@pytest.mark.parametrize(
    ("code", "reason", "kind", "message"),
    [
        (1000, "normally closed", ClosedNormallyError, "closed the connection: 1000 normally"),
        (1001, "", ConnectionLostError, "the Miniserver closed the connection: 1001"),
        (1006, "ABNORMAL_CLOSURE", ConnectionLostError, "the connection broke"),
        (1002, "", MisbehaviourError, "the WebSocket's protocol was broken: 1002"),
        (1003, "", MisbehaviourError, "1003"),
        (1007, "", BadTextError, "a text was no UTF-8, which no WebSocket may carry (1007)"),
        (1009, "too big", MisbehaviourError, "1009 too big"),
        (4004, "", UserChangedError, "4004 (a user was changed)"),
        (4005, "", UserChangedError, "4005 (this user was changed)"),
        (4006, "", UserDisabledError, "4006 (the user is disabled)"),
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


ANY_TIME = [
    (400, MisbehaviourError, ""),
    (404, MisbehaviourError, ""),
    (420, LoginTimeoutError, ": the login took too long"),
    (423, UserDisabledError, ": the user is disabled"),
    (429, LockedOutError, ": too many failed logins"),
    (503, BootingError, ": the Miniserver is starting"),
    (901, BusyError, ": the Miniserver has no connection left"),
    (-1, MisbehaviourError, ""),
]
IN_A_PHASE = [
    (Phase.OPENING, 401, MisbehaviourError, ""),
    (Phase.OPENING, 403, MisbehaviourError, ""),
    (Phase.OPENING, 477, MisbehaviourError, ""),
    (Phase.OPENING, 500, MisbehaviourError, ""),
    (Phase.LOGIN, 401, RejectedError, ": user or password is wrong"),
    (Phase.LOGIN, 403, RejectedError, ": the user lacks the right"),
    (Phase.LOGIN, 477, TokenExpiredError, ": the token is not valid any more"),
    (Phase.LOGIN, 500, RejectedError, ": user or password is wrong"),
    (Phase.SESSION, 401, TokenExpiredError, ": the login is not valid any more"),
    (Phase.SESSION, 403, RejectedError, ": the user lacks the right for it"),
    (Phase.SESSION, 477, TokenExpiredError, ": the token is not valid any more"),
    (Phase.SESSION, 500, MisbehaviourError, ""),
]


# Section 3.7.
@pytest.mark.parametrize(
    ("phase", "code", "kind", "explanation"),
    [*((phase, *row) for phase in Phase for row in ANY_TIME), *IN_A_PHASE],
)
def test_codes_of_answers(
    phase: Phase, code: int, kind: type[SessionError], explanation: str
) -> None:
    error = answer(Reply("dev/sys/getjwt/secret", code, "secret"), "the question", phase)
    assert kind is type(error)
    assert f"code {code} in answer to the question{explanation}" == str(error)


@pytest.mark.parametrize(
    ("code", "kind"),
    [(401, TokenExpiredError), (477, TokenExpiredError), (403, None), (404, None), (200, None)],
)
def test_codes_that_end_the_login(code: int, kind: type[SessionError] | None) -> None:
    error = end_of_login(Reply("", code, None), "the question")
    assert kind is (type(error) if error else None)


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
