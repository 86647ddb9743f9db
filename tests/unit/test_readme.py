from __future__ import annotations

import re
import textwrap
from pathlib import Path

from loxone_exporter.config.load import load_config
from loxone_exporter.config.model import WebConfig
from loxone_exporter.errors import FailureReason
from loxone_exporter.web.connection import PATIENCE, PIECE, Phase
from loxone_exporter.web.unread import FEWEST, ROOM
from support.configs import MINISERVER, write_config


README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_every_reason_of_a_failure_is_explained() -> None:
    _, _, table = README.partition("| `reason` |")
    rows = re.findall(r"^\| (`[^|]*`) \|", table.partition("\n\n")[0], re.MULTILINE)
    explained = re.findall(r"`(\w+)`", " ".join(rows))
    assert sorted(explained) == sorted(reason.value for reason in FailureReason)


def test_its_configurations_can_be_loaded(tmp_path: Path) -> None:
    blocks = re.findall(r"^( *)```toml\n(.*?)^\1```", README, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 2
    (tmp_path / "loxone.password").write_text("hunter2", encoding="utf-8")
    (tmp_path / "loxone.password").chmod(0o600)
    for _, text in blocks:
        whole = text if "[[miniservers]]" in text else text + MINISERVER
        loaded = load_config(write_config(tmp_path, textwrap.dedent(whole)), {})
        assert "home" == loaded.config.miniservers[0].name


def test_what_it_says_of_clients_is_so() -> None:
    request, answer, idle = (PATIENCE[each] for each in (Phase.REQUEST, Phase.ANSWER, Phase.IDLE))
    limits = " ".join(README.split())
    assert f"`[web] max_connections` clients, {WebConfig().max_connections} by default" in limits
    assert f"A client has {request:g} s for a request and {answer:g} s to read the next" in limits
    assert f"next {PIECE // 2**10} KiB of its answer" in limits
    assert f"an idle connection is kept for {idle:g} s" in limits
    assert f"take {ROOM // 2**20} MiB of memory, or that of three answers" in limits
    assert FEWEST == 3
