"""What every test may ask for: real parts, free ports, the shared corpora. Imports of weight stand in the fixtures."""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import hypothesis
import pytest

if TYPE_CHECKING:
    from socket import SocketKind

    from agent.rehearsal.house import House
    from tests.real.parts import Database, Exporter, Port, SmtpSink, WebhookSink

hypothesis.settings.register_profile(
    "tocsin",
    derandomize=True,  # a run says the same each time; a busy machine must not decide it
    deadline=None,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("tocsin")

REPOSITORY = Path(__file__).resolve().parent.parent

PARTS = {
    # what a test names: (a program of it, as a name or a glob; the Debian package)
    "amtool": ("amtool", "prometheus-alertmanager"),
    "chromium": ("chromium", "chromium"),
    "dovecot": ("dovecot", "dovecot-imapd"),
    "gcc": ("gcc", "gcc"),
    "nut-client": ("upsrw", "nut-client"),
    "nut-server": ("/lib/nut/upsd", "nut-server"),
    "postgresql": ("/usr/lib/postgresql/*/bin/postgres", "postgresql"),
    "prometheus": ("prometheus", "prometheus"),
    "prometheus-alertmanager": ("prometheus-alertmanager", "prometheus-alertmanager"),
    "prometheus-node-exporter": ("prometheus-node-exporter", "prometheus-node-exporter"),
    "snmp": ("snmpget", "snmp"),
    "snmpd": ("snmpd", "snmpd"),
}


def is_installed(program: str) -> bool:
    """Tell whether a program is on the path, or, given as an absolute glob, on the disk."""
    if program.startswith("/"):
        return any(Path("/").glob(program.lstrip("/")))
    return shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin") is not None


def go_without(sentence: str) -> NoReturn:
    """Skip the test for a part that is not here, or fail it where real parts are required."""
    if os.environ.get("TOCSIN_REQUIRE_REAL_PARTS") == "1":
        pytest.fail(f"{sentence} (TOCSIN_REQUIRE_REAL_PARTS=1)", pytrace=False)
    pytest.skip(sentence)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for part in (name for mark in item.iter_markers("real") for name in mark.args):
        if part not in PARTS:
            pytest.fail(f"no real part is called {part!r}: one of {', '.join(PARTS)}", pytrace=False)
        program, package = PARTS[part]
        if not is_installed(program):
            go_without(f"{program} is missing: apt-get install {package}")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        os.environ["TOCSIN_TEST_RUN"] = str(os.getpid())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End what all workers of this run have shared; only the process that started the workers knows the end."""
    if hasattr(session.config, "workerinput"):
        return
    from tests.real.running import own_run_directory, remove_run

    if own_run_directory().exists():
        remove_run(own_run_directory())


@pytest.fixture
def shared() -> Path:
    """The folder of corpora and references beside the repository (TOCSIN_SHARED, else ../shared)."""
    place = Path(os.environ.get("TOCSIN_SHARED", REPOSITORY.parent / "shared"))
    if not place.is_dir():
        go_without(f"{place} is missing: set TOCSIN_SHARED to the folder of corpora")
    return place


@pytest.fixture
def free_port() -> Iterator[Callable[..., "Port"]]:
    """Call it for a port that is kept free; `release()` it just before its use (UDP: `free_port(SOCK_DGRAM)`)."""
    from tests.real.running import Port

    kept: list[Port] = []

    def keep(*kind: "SocketKind") -> Port:
        kept.append(Port(*kind))
        return kept[-1]

    yield keep
    for port in kept:
        port.release()


@pytest.fixture
def open_dir(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A directory of this test that programs running as `nobody` may enter; it is gone after the test."""
    import tempfile

    from tests.real.running import run_directory

    place = Path(tempfile.mkdtemp(prefix=f"{request.node.name.split('[')[0][:40]}-", dir=run_directory()))
    place.chmod(0o711)
    yield place
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
async def exporter() -> AsyncIterator["Exporter"]:
    """Gauges that the test sets and Prometheus scrapes."""
    from tests.real.exporter import Exporter

    async with Exporter() as serving:
        yield serving


@pytest.fixture
async def webhook_sink() -> AsyncIterator["WebhookSink"]:
    """A web server that keeps what it gets."""
    from tests.real.sinks import WebhookSink

    async with WebhookSink() as listening:
        yield listening


@pytest.fixture
async def smtp_sink() -> AsyncIterator["SmtpSink"]:
    """A mail server that keeps what it gets."""
    from tests.real.sinks import SmtpSink

    async with SmtpSink() as listening:
        yield listening


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The URL of a PostgreSQL server on which databases may be made."""
    import asyncio

    from tests.real.postgres import NoPostgres, server_url, sweep_databases

    try:
        url = server_url()
    except NoPostgres as reason:
        go_without(str(reason))
    if "TOCSIN_TEST_PG_DSN" in os.environ:
        asyncio.run(sweep_databases(url))
    return url


@pytest.fixture
async def postgres(postgres_server: str) -> AsyncIterator["Database"]:
    """An empty database of a real PostgreSQL, for this test alone."""
    from tests.real.postgres import database

    async with database(postgres_server) as made:
        yield made


@pytest.fixture
async def house() -> AsyncIterator["House"]:
    """The whole house on a hand clock and a store in memory, with the small site."""
    from agent.rehearsal.house import House
    from tests.house import START, site

    made = await House(site(), START).open()
    yield made
    await made.close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 for ten years, with its key in the same file."""
    if shutil.which("openssl") is None:
        go_without("openssl is missing: apt-get install openssl")
    made = tmp_path / "cert.pem"
    order = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run(
        [*order.split(), "-keyout", "key.pem", "-out", "cert.pem"], cwd=tmp_path, check=True, capture_output=True
    )
    made.write_text(made.read_text() + (tmp_path / "key.pem").read_text())
    return made
