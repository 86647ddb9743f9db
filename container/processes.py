"""What the kernel lets a process do, as it says itself."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from attrs import frozen


_FILTERING: Final = "2"  # as proc_pid_status(5) has it


@frozen
class Confinement:
    """What a process may do.

    Attributes:
        users: Who it is: real, effective, saved, and for files.
        groups: Which groups it has for each of these; supplementary ones not among them.
        capabilities: Those that it has, or could ever get, as a mask.
        gains_privileges: Whether a program that it starts may have more.
        writes_root: Whether its root can be written to.
        calls_anything: Whether its system calls go without a filter.
    """

    users: frozenset[int]
    groups: frozenset[int]
    capabilities: int
    gains_privileges: bool
    writes_root: bool
    calls_anything: bool

    @classmethod
    def of(cls, pid: int) -> Confinement:
        """That of a process."""
        status = _read(pid, "status")
        fields = dict(line.split(":\t", 1) for line in status.splitlines())
        # Each line of proc_pid_mountinfo(5) has the mount point fifth, and its options sixth.
        mounts = [line.split(" ") for line in _read(pid, "mountinfo").splitlines()]
        options = {mount[4]: mount[5].split(",") for mount in mounts}
        return cls(
            users=frozenset(map(int, fields["Uid"].split())),
            groups=frozenset(map(int, fields["Gid"].split())),
            capabilities=int(fields["CapPrm"], 16) | int(fields["CapBnd"], 16),
            gains_privileges=fields["NoNewPrivs"] != "1",
            writes_root="ro" not in options["/"],
            calls_anything=fields["Seccomp"] != _FILTERING,
        )

    @property
    def is_tight(self) -> bool:
        """Whether it may do nothing beyond what any user may, nor write where it should not."""
        return not (
            0 in self.users
            or self.capabilities
            or self.gains_privileges
            or self.writes_root
            or self.calls_anything
        )


def _read(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8")
