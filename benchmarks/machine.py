"""The machine that the numbers are from, and what the kernel knows of a process (Linux)."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

import loxone_exporter


_MEBIBYTE_IN_KIB = 1024
_PROBE_LABELS = ("miniserver", "name", "room", "category", "type", "subcontrol")
_PROBE_SAMPLES = 5000
_PROBE_RUNS = 5
_PROBE_REFERENCE = 0.036
_USER_TIME = 11
_SYSTEM_TIME = 12


def describe() -> str:
    """Say what was measured, where and when."""
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    return "\n".join(
        (
            f"loxone-exporter {loxone_exporter.__version__}, {now}",
            f"{_cpu_model()}, {os.cpu_count()} cores; {platform.system()} {platform.release()}",
            f"{platform.python_implementation()} {platform.python_version()}",
            f"load average at the start: {load}",
            f"Python is {slowness():.1f} times slower here and now than where the budgets were set",
        )
    )


def slowness() -> float:
    """How much slower Python is here and now than where the budgets were set."""
    registry = CollectorRegistry(support_collectors_without_names=True)
    registry.register(_Probe())
    times = []
    for _ in range(_PROBE_RUNS):
        started = time.process_time()
        generate_latest(registry)
        times.append(time.process_time() - started)
    return statistics.median(times) / _PROBE_REFERENCE


class _Probe(Collector):
    """A workload that is the same everywhere: prometheus_client's own, on 5,000 samples."""

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily("probe", "A workload.", labels=_PROBE_LABELS)
        for place in range(_PROBE_SAMPLES):
            labels = ("home", f"Name {place}", f"Room {place % 20}", "Light", "Switch", "active")
            family.add_metric(labels, place + 0.5)
        yield family


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.machine()


def resident_memory(pid: int) -> float:
    """Resident memory of a process, in MB of 2^20 bytes."""
    return _memory(pid, "VmRSS")


def peak_memory(pid: int) -> float:
    """The most that the process's resident memory has ever been, in MB of 2^20 bytes."""
    return _memory(pid, "VmHWM")


def _memory(pid: int, key: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return int(value.split()[0]) / _MEBIBYTE_IN_KIB
    raise LookupError(f"the kernel does not tell the {key} of process {pid}")


def cpu_time(pid: int) -> float:
    """CPU time that a process has used, in seconds, in steps of mostly 10 ms."""
    # The command's name, in parentheses, may itself hold spaces and parentheses.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[_USER_TIME]) + int(fields[_SYSTEM_TIME])) / os.sysconf("SC_CLK_TCK")
