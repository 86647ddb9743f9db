"""Who may read, for the clients that people have: Prometheus, and `loxone-exporter health`."""

from __future__ import annotations

import datetime as dt
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest
import trio
import trustme

from loxone_exporter import cli
from loxone_exporter.config.addresses import ListenAddress
from loxone_exporter.config.load import load_config
from loxone_exporter.config.model import WebConfig
from loxone_exporter.liveness import find_failure
from loxone_exporter.stop import StopRequest
from loxone_exporter.vitals import Vitals
from loxone_exporter.web.app import WebApp
from loxone_exporter.web.tls import ServerTls
from support.certificates import write_server_files
from support.logins import NAME, PASSWORD, hashed
from support.processes import run_command, running_exporter, write_toml
from support.prometheus import running_prometheus
from support.web_serving import serving


pytestmark = pytest.mark.slow


AUTHORITY = trustme.CA()
CLIENTS = trustme.CA()
CLIENT = CLIENTS.issue_cert("prometheus")

PLAIN = ""
TLS = '[web.tls_server_config]\ncert_file = "exporter.pem"\nkey_file = "exporter.key"\n'
USERS = f'[web.basic_auth_users]\n{NAME} = "{hashed(PASSWORD).reveal()}"\n'
REQUIRED = 'client_ca_file = "clients.pem"\nclient_auth_type = "RequireAndVerifyClientCert"\n'
AT_LEAST_13 = 'min_version = "TLS13"\n'


def write_config(folder: Path, extra: str, listen: str = "127.0.0.1:0") -> Path:
    """A configuration whose Miniserver is nowhere, and files for TLS."""
    write_server_files(folder, AUTHORITY.issue_cert("127.0.0.1"))
    (folder / "clients.pem").write_bytes(CLIENTS.cert_pem.bytes())
    config = write_toml(folder / "exporter.toml", {"home": 9}, extra=extra)
    config.write_text(config.read_text().replace("127.0.0.1:0", listen))
    config.chmod(0o600)
    return config


def web_config(folder: Path, extra: str, listen: ListenAddress) -> WebConfig:
    return load_config(write_config(folder, extra, str(listen)), {}).config.web


SERVED_AND_ASKED = {
    "plain": (PLAIN, PLAIN),
    "with users": (USERS, USERS),
    "with TLS": (TLS, TLS),
    "with TLS and users": (TLS + USERS, TLS + USERS),
    "with clients' certificates": (TLS + REQUIRED, TLS + REQUIRED),
    "with those of TLS 1.3": (TLS + AT_LEAST_13 + REQUIRED, TLS + AT_LEAST_13 + REQUIRED),
    # What changes in the file takes a restart, and is no reason for one.
    "TLS was turned off": (TLS, PLAIN),
    "TLS was turned on": (PLAIN, TLS),
}


@pytest.mark.parametrize("case", SERVED_AND_ASKED)
async def test_who_answers_is_alive(tmp_path: Path, case: str) -> None:
    served, asked = SERVED_AND_ASKED[case]
    config = load_config(write_config(tmp_path, served), {}).config
    tls = config.web.tls_server_config
    server_tls = None if tls is None else ServerTls.start(tls, Vitals())
    async with serving(WebApp.build(config, [], StopRequest()), tls=server_tls) as server:
        web = web_config(tmp_path, asked, ListenAddress(server.host, server.port))
        assert await trio.to_thread.run_sync(find_failure, web) is None
    failure = await trio.to_thread.run_sync(find_failure, web)
    assert failure is not None
    assert f"no answer from 127.0.0.1 port {server.port}: " in failure


@pytest.mark.parametrize("said", [b"220 mail.example\r\n", b""])
@pytest.mark.parametrize("extra", [PLAIN, TLS, TLS + REQUIRED])
async def test_who_speaks_otherwise_is_not(
    nursery: trio.Nursery, tmp_path: Path, extra: str, said: bytes
) -> None:
    async def speak(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(said)

    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, speak, [listener])
    port = listener.socket.getsockname()[1]
    web = web_config(tmp_path, extra, ListenAddress("127.0.0.1", port))
    failure = await trio.to_thread.run_sync(find_failure, web)
    assert failure is not None
    assert failure.startswith(f"no answer from 127.0.0.1 port {port}: ")
    nursery.cancel_scope.cancel()


def scrape_settings(folder: Path) -> Mapping[str, object]:
    """How Prometheus shows who it is, and knows whom it asks."""
    files = {
        "password": PASSWORD.encode(),
        "authority.pem": AUTHORITY.cert_pem.bytes(),
        "client.pem": CLIENT.cert_chain_pems[0].bytes(),
        "client.key": CLIENT.private_key_pem.bytes(),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return {
        "basic_auth": {"username": NAME, "password_file": str(folder / "password")},
        "tls_config": {
            "ca_file": str(folder / "authority.pem"),
            "cert_file": str(folder / "client.pem"),
            "key_file": str(folder / "client.key"),
        },
    }


async def test_prometheus_scrapes_by_tls_and_a_reload_takes_users_over(tmp_path: Path) -> None:
    config = write_config(tmp_path, TLS + REQUIRED + USERS)
    settings = scrape_settings(tmp_path)
    async with running_exporter(["run", "--config", str(config)]) as exporter:
        await exporter.wait_until_listening()
        assert exporter.url.startswith("https://")
        address = exporter.url.removeprefix("https://")
        async with running_prometheus(exporter.url, tmp_path, settings=settings) as prometheus:

            async def wait_for(expression: str) -> None:
                with trio.fail_after(30):
                    while not await prometheus.query(expression):
                        await trio.sleep(0.1)

            await wait_for(f'up{{instance="{address}"}} == 1')
            end = "loxone_exporter_web_certificate_not_after_timestamp_seconds"
            assert await prometheus.query(f"{end} - time() > 86400")

            as_asked = config.read_text().replace("127.0.0.1:0", address)
            config.write_text(as_asked)
            asked = await run_command("health", "--config", config)
            assert (0, "") == (asked.returncode, asked.stderr)

            config.write_text(as_asked.replace(TLS + REQUIRED, TLS + AT_LEAST_13 + REQUIRED))
            exporter.process.send_signal(signal.SIGHUP)
            await exporter.wait_for_log("new connections get the certificate in")

            others = f'[web.basic_auth_users]\nother = "{hashed("other").reveal()}"\n'
            config.write_text(as_asked.replace(TLS + REQUIRED + USERS, others))
            exporter.process.send_signal(signal.SIGHUP)
            told = await exporter.wait_for_log("web.tls_server_config is gone")
            assert "takes a restart" in told
            await wait_for("up == 0")
        await exporter.stop()
    assert 0 == exporter.process.returncode
    assert PASSWORD not in "".join(exporter.log)


def test_check_tells_who_may_read_and_warns_of_an_expired_certificate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config(tmp_path, TLS + REQUIRED + USERS)
    assert 0 == cli.main(["check", "--config", str(config)])
    told = capsys.readouterr().out
    assert ", with TLS, for 1 user(s), for clients with a certificate" in told
    assert "warning" not in told
    old = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    expired = AUTHORITY.issue_cert("x", not_before=old, not_after=old + dt.timedelta(days=1))
    write_server_files(tmp_path, expired)
    assert 0 == cli.main(["check", "--config", str(config)])
    told = capsys.readouterr().out
    assert f"warning: {config}: web.tls_server_config.cert_file: " in told
    assert "expired on 2020-01-02" in told
