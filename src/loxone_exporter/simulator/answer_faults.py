"""Answers that are not as they should be (protocol reference, sections 1.1 and 9)."""

from __future__ import annotations

from attrs import evolve

from loxone_exporter.simulator.answers import OK, Answer, Defect, Reply
from loxone_exporter.simulator.faults import Faults


_FOR_LOGINS = frozenset({"cfg/api", "cfg/apikey", "sys/getpublickey", "sys/getkey"})
"""Without their values no client would come as far as to meet the other faults."""

_WITHOUT_BLANKS = frozenset({"sys/getkey", "sps/loxappversion3"})
_PSEUDO_JSON = frozenset({"cfg/api", "cfg/apikey"})


def spoil_answer(reply: Reply, name: str, faults: Faults) -> Reply:
    """An answer with what is wrong about it; only those in the older form have something wrong.

    Args:
        reply: What a command resulted in.
        name: The command's name.
        faults: What the device does wrong.
    """
    if not isinstance(reply, Answer) or reply.compact or reply.code != OK:
        return reply
    value = reply.value
    defects: set[Defect] = set(reply.defects)
    if name not in _FOR_LOGINS:
        value = "0" if faults.scalar_value_zero else value
        if faults.missing_value:
            defects.add("no value")
    if isinstance(value, str) and faults.control_characters and name not in _WITHOUT_BLANKS:
        value += "\n\t"
        defects.add("raw control characters")
    if isinstance(value, str) and faults.unescaped_quotes:
        value = value.replace("'", '"') if name in _PSEUDO_JSON else value
        defects.add("raw quotes")
    return evolve(reply, value=value, defects=frozenset(defects))
