from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from attrs import fields, has

from loxone_exporter.config.model import Config, MiniserverConfig
from loxone_exporter.config.secret import Secret
from support.configs import load_text


SHIPPED = (Path(__file__).parents[3] / "loxone-exporter.toml").read_text(encoding="utf-8")
DEFAULT = re.compile(r"^#(?=[a-z_]+ = )", re.MULTILINE)


def options() -> Iterator[tuple[str, str]]:
    """Each option of the model: the header of its table, and its key."""
    for section in fields(Config):
        item = get_args(section.type)
        table = item[0] if item else section.type
        assert table is not None
        assert has(table)
        header = f"[[{section.name}]]" if item else f"[{section.name}]"
        for option in fields(table):
            yield header, option.name


def test_the_shipped_file_is_ready_for_the_simulated_miniserver(tmp_path: Path) -> None:
    assert load_text(tmp_path, SHIPPED).config == Config(
        miniservers=(
            MiniserverConfig(
                name="demo",
                host="127.0.0.1",
                port=7777,
                username="demo",
                password=Secret("demo"),
            ),
        )
    )


def test_the_options_that_are_commented_out_show_their_defaults(tmp_path: Path) -> None:
    everything, count = DEFAULT.subn("", SHIPPED)
    # All of the first tables, and `client_id`; the others of a Miniserver are active.
    assert count == sum(header != "[[miniservers]]" for header, _ in options()) + 1
    assert load_text(tmp_path, SHIPPED).config == load_text(tmp_path, everything).config


@pytest.mark.parametrize(("header", "key"), list(options()))
def test_every_option_of_the_model_is_in_its_table(header: str, key: str) -> None:
    section = SHIPPED.partition(f"\n{header}\n")[2]
    if header != "[[miniservers]]":
        section = section.partition("\n[")[0]
    assert re.search(rf"^(# ?)?{key} = ", section, re.MULTILINE), f"{key} is not in {header}"


def test_the_example_of_a_real_house_loads(tmp_path: Path) -> None:
    example = SHIPPED.partition("# For a real house.")[2].partition("#\n# [[miniservers]]")[2]
    text = "[[miniservers]]" + example.replace("\n# ", "\n")
    assert "/etc/loxone-exporter/password" in text
    (tmp_path / "password").write_text("hunter2\n")
    [miniserver] = load_text(
        tmp_path, text.replace("/etc/loxone-exporter", str(tmp_path))
    ).config.miniservers
    assert (miniserver.host, miniserver.port) == ("192.168.1.77", 80)
    assert miniserver.password.reveal() == "hunter2"
