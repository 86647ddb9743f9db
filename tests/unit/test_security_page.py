"""docs/security.md: what it shows works."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import bcrypt
import pytest
import trustme

from loxone_exporter.config.load import load_config
from support.certificates import write_server_files
from support.configs import CERTIFICATE, MINISERVER, write_config


PAGE = (Path(__file__).parents[2] / "docs/security.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", PAGE, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(text) for _, text in found]


def test_its_configurations_can_be_loaded(tmp_path: Path) -> None:
    write_server_files(tmp_path, trustme.CA().issue_cert("exporter.example"))
    (tmp_path / "clients.pem").write_text(CERTIFICATE)
    assert len(blocks("toml")) >= 5
    for text in blocks("toml"):
        assert load_config(write_config(tmp_path, text + MINISERVER), {}).warnings == ()


def test_prometheus_understands_its_configurations(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("there is no promtool here")
    assert len(blocks("yaml")) >= 4
    for text in blocks("yaml"):
        path = tmp_path / "prometheus.yml"
        path.write_text(text)
        subprocess.run([promtool, "check", "config", "--syntax-only", path], check=True)


def test_its_line_of_python_makes_a_hash(tmp_path: Path) -> None:
    [line] = [text for text in blocks("sh") if text.startswith("python3 ")]
    made = subprocess.run(
        ["/bin/sh", "-c", line.replace("python3", sys.executable)],
        input="geheim\n",
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,  # or else it would ask the terminal
    )
    hash_ = made.stdout.strip().rpartition(" ")[2]
    assert bcrypt.checkpw(b"geheim", hash_.encode())
    text = f'[web.basic_auth_users]\nprometheus = "{hash_}"\n{MINISERVER}'
    assert load_config(write_config(tmp_path, text), {}).warnings == ()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here")
def test_its_certificate_can_be_used(tmp_path: Path) -> None:
    [line] = [text for text in blocks("sh") if text.startswith("openssl ")]
    subprocess.run(["/bin/sh", "-c", line], check=True, cwd=tmp_path, capture_output=True)
    [text] = [text for text in blocks("toml") if text.count("_file") == 2]
    assert load_config(write_config(tmp_path, text + MINISERVER), {}).warnings == ()
