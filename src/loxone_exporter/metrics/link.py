"""Families about the link to each Miniserver: where its session is, and how sessions fared."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from loxone_exporter.errors import FailureReason
from loxone_exporter.metrics.families import counter, gauge, info
from loxone_exporter.state import ConnectionState, MiniserverState, Security


_CHANGES = ("added", "removed", "renamed")
"""What can happen to a control; each is a value of the label `change`."""


def link_families(states: Sequence[MiniserverState]) -> Iterator[Metric]:
    """All families about the link, in one piece each, for every Miniserver."""
    yield from _connection_families(states)
    yield from _identity_families(states)
    yield from _deadline_families(states)
    yield from _session_families(states)
    yield from _change_families(states)


def _connection_families(states: Sequence[MiniserverState]) -> Iterator[Metric]:
    connected = gauge(
        "loxone_exporter_connected", "Events of the Miniserver arrive (1) or not (0)."
    )
    connection = gauge(
        "loxone_exporter_connection_state",
        "Where the session with the Miniserver is: 1 for the present state, 0 for the others.",
        "state",
    )
    security = gauge(
        "loxone_exporter_connection_security",
        "What protects the present or last connection: 1 for that, 0 for the others. With "
        "unverified (tls_verify = false) it might be to anybody: tls_fingerprint or tls_ca_file "
        "mend that.",
        "security",
    )
    updated = gauge(
        "loxone_exporter_last_update_timestamp_seconds",
        "When the last event with a value arrived; a quiet house has few.",
    )
    received = gauge(
        "loxone_exporter_last_received_timestamp_seconds",
        "When the last byte arrived, keepalives included.",
    )
    for state in states:
        connected.add_metric((state.name,), state.connected)
        _add_members(connection, state, ConnectionState, state.connection)
        _add_members(security, state, Security, state.link.security)
        _add_known(updated, state, state.last_update)
        _add_known(received, state, state.last_received)
    yield from (connected, connection, security, updated, received)


def _identity_families(states: Sequence[MiniserverState]) -> Iterator[Metric]:
    identity = info(
        "loxone_miniserver",
        "Who answered last; model and project are empty before the first structure file.",
        "serial",
        "firmware",
        "model",
        "project",
    )
    modified = gauge(
        "loxone_miniserver_structure_timestamp_seconds",
        "When the structure file was last changed. The Miniserver writes its local time: read with "
        "the offset from UTC that it had when it was fetched, or as UTC where it does not tell.",
    )
    offset = gauge(
        "loxone_miniserver_clock_offset_seconds",
        "How far the Miniserver's clock is ahead of this machine's, to a second; it is told to "
        "users with full access only. If it grows, look at the time server of both.",
    )
    for state in states:
        device, structure = state.link.device, state.structure
        if device is not None:
            firmware = ".".join(map(str, device.firmware))
            model, project = (structure.model, structure.project) if structure else ("", "")
            identity.add_metric((state.name, device.serial, firmware, model, project), {})
        _add_known(modified, state, state.link.structure_time)
        _add_known(offset, state, state.link.clock_offset)
    yield from (identity, modified, offset)


def _deadline_families(states: Sequence[MiniserverState]) -> Iterator[Metric]:
    retry = gauge(
        "loxone_exporter_login_retry_timestamp_seconds",
        "When the login is tried again after a rejection or a lock-out; absent otherwise. A "
        "corrected password_file is tried at once.",
    )
    token = gauge(
        "loxone_exporter_token_valid_until_timestamp_seconds",
        "Until when the token is valid; it is refreshed well before. Absent without one.",
    )
    certificate = gauge(
        "loxone_exporter_tls_certificate_not_after_timestamp_seconds",
        "Until when the Miniserver's certificate is valid; those from Loxone change every few "
        "weeks, and one that does not is a reason to look. Absent without TLS.",
    )
    for state in states:
        _add_known(retry, state, state.link.login_retry)
        _add_known(token, state, state.link.token_valid_until)
        _add_known(certificate, state, state.link.certificate_not_after)
    yield from (retry, token, certificate)


def _session_families(states: Sequence[MiniserverState]) -> Iterator[Metric]:
    sessions = counter(
        "loxone_exporter_sessions",
        "Sessions that got as far as events; if it grows often, connections do not last.",
    )
    failures = counter(
        "loxone_exporter_connection_failures",
        "Sessions that ended or never began, by reason; the log tells each with its remedy.",
        "reason",
    )
    out_of_service = counter(
        "loxone_exporter_out_of_service",
        "How often the Miniserver announced that it goes out of service, as before a reboot.",
    )
    for state in states:
        counts = state.link.failures
        sessions.add_metric((state.name,), state.link.sessions)
        for reason in FailureReason:
            failures.add_metric((state.name, reason.value), counts[reason])
        out_of_service.add_metric((state.name,), counts[FailureReason.OUT_OF_SERVICE])
    yield from (sessions, failures, out_of_service)


def _change_families(states: Sequence[MiniserverState]) -> Iterator[Metric]:
    changes = counter(
        "loxone_exporter_structure_changes",
        "Controls and sub-controls that new structure files added, removed or renamed (also by "
        "another room, category or type): their series change with them.",
        "change",
    )
    broken = counter(
        "loxone_exporter_broken_structures",
        "Structure files that could not be read; the last good one stays in use. See the log.",
    )
    for state in states:
        for change in _CHANGES:
            changes.add_metric((state.name, change), state.link.structure_changes[change])
        broken.add_metric((state.name,), state.link.broken_structures)
    yield from (changes, broken)


def _add_known(family: GaugeMetricFamily, state: MiniserverState, value: float | None) -> None:
    if value is not None:
        family.add_metric((state.name,), value)


def _add_members(
    family: GaugeMetricFamily,
    state: MiniserverState,
    members: type[enum.StrEnum],
    present: enum.StrEnum | None,
) -> None:
    for member in members:
        family.add_metric((state.name, member.value), member is present)
