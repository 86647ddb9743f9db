"""A text that shows itself only to those who ask for it by name."""

from __future__ import annotations

from attrs import frozen


@frozen(repr=False, unsafe_hash=False)
class Secret:
    """A password that can be passed around, compared and logged by mistake without being shown.

    It has no hash: a dictionary key or a set is no place for a password.
    """

    _value: str

    def reveal(self) -> str:
        """The secret itself; call this only where it is needed, and keep the result nowhere."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __format__(self, specification: str) -> str:
        return format(str(self), specification)
