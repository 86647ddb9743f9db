from __future__ import annotations

import json

import pytest
from attrs import evolve

from loxone_exporter.simulator.faults import Faults
from loxone_exporter.simulator.profiles import PROFILES
from loxone_exporter.simulator.structure_changes import modifications_state
from loxone_exporter.simulator.structure_faults import spoil_structure
from loxone_exporter.simulator.structure_file import fit_structure, read_document


NO_DOCUMENTS = [b"", b"[]", b"x", b"\xff", b"[" * 100_000, b'{"a":' * 100_000]


@pytest.mark.parametrize("structure", NO_DOCUMENTS, ids=range(len(NO_DOCUMENTS)))
def test_what_is_no_document_stays_as_it_is(structure: bytes) -> None:
    assert {} == read_document(structure)
    assert structure == fit_structure(structure, PROFILES["gen2-16"], "504F94BADBAD")
    assert structure == spoil_structure(structure, Faults(state_lists=True))
    assert modifications_state(structure) is None


def test_half_characters_do_not_keep_a_file_from_being_fitted() -> None:
    structure = rb'{"msInfo": {"msName": "\ud83d"}}'
    document = json.loads(fit_structure(structure, PROFILES["gen2-16"], None))
    assert "?" == document["msInfo"]["msName"]
    assert "504F94A20002" == document["msInfo"]["serialNr"]


def test_each_firmware_names_itself() -> None:
    profile = evolve(PROFILES["gen1-8"], firmware="8.1.11.12")
    document = json.loads(fit_structure(b'{"msInfo": {}}', profile, None))
    assert [8, 1, 11, 12] == document["softwareVersion"]
    assert {"serialNr": "504F94A10001", "miniserverType": 0} == document["msInfo"]
