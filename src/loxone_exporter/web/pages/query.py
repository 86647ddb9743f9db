"""What is asked of the page, behind the `?` of its address."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs, urlencode

from attrs import evolve, frozen


_MOST_FIELDS: Final = 20
LONGEST_SEARCH: Final = 200
"""Characters of what is sought."""

_MOST_DIGITS: Final = 6


@frozen
class Query:
    """What is asked of the page.

    Attributes:
        miniserver: Whose controls; None for all Miniservers, without their controls.
        room: Of which room, where the empty one is no room; None for all.
        search: What is sought.
        page: Which part of what is found, from 1 on.
    """

    miniserver: str | None = None
    room: str | None = None
    search: str = ""
    page: int = 1

    @classmethod
    def parse(cls, text: bytes) -> Query:
        """Read it; what makes no sense asks for nothing."""
        try:
            fields = parse_qs(
                text.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST_FIELDS
            )
        except ValueError:
            return cls()
        first = {name: values[0] for name, values in fields.items()}
        search = " ".join(first.get("q", "")[:LONGEST_SEARCH].split())
        page = first.get("page", "")
        is_number = page.isascii() and page.isdecimal() and len(page) <= _MOST_DIGITS
        return cls(
            first.get("miniserver"),
            first.get("room"),
            search,
            max(1, int(page)) if is_number else 1,
        )

    @property
    def words(self) -> frozenset[str]:
        """The words of what is sought, as they are compared."""
        return frozenset(self.search.casefold().split())

    def wants_room(self, room: str) -> bool:
        """Whether a room is asked for; forms do not keep line breaks as they are."""
        return self.room is None or self.room.split() == room.split()

    def of_room(self, room: str | None) -> Query:
        """The same for another room."""
        return evolve(self, room=room, page=1)

    def of_page(self, page: int) -> Query:
        """The same, another part of what is found."""
        return evolve(self, page=page)

    @property
    def url(self) -> str:
        """The address that asks for this, from the page's own."""
        fields = {
            "miniserver": self.miniserver,
            "room": self.room,
            "q": self.search or None,
            "page": str(self.page) if self.page > 1 else None,
        }
        given = {name: value for name, value in fields.items() if value is not None}
        return f"./?{urlencode(given)}" if given else "./"
