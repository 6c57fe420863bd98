"""The two servers under test: processes on free loopback ports, each with its store in a folder of its own."""

import contextlib
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks import ROOT
from benchmarks.usage import cpu_s

PEER = "prometheus-alertmanager"
_PATIENCE_S = 60.0
_QUIET_LOOKS = 4

ALERTMANAGER = """\
route:
  receiver: nobody
  group_by: [alertname, cluster]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 4h
receivers:
  - name: nobody
"""
"""Alertmanager groups as our site joins, by alertname and cluster, and tells nobody."""

SITE = {
    "tocsin.yaml": "pack: iso20000-default\nnotifiers: {log: {type: log}}\nfallback: [ana]\n",
    "people.yaml": (
        "people:\n"
        "  ana: {name: Ana, roles: [l1, desk], contacts: [{notifier: log, to: ana}]}\n"
        "  wei: {name: Wei, roles: [l2, l2_lead], contacts: [{notifier: log, to: wei}]}\n"
        "  luis: {name: Luis, roles: [pm, dept_manager], contacts: [{notifier: log, to: luis}]}\n"
    ),
    "rules.yaml": "join: [{id: same-alert, join_by: [alertname, cluster], window: 5m}]\n",
}
"""The pack, one join rule, and three people; pages go to the log."""

PLAIN = {name: text for name, text in SITE.items() if name != "rules.yaml"}
"""The pack as it is: no join rule."""
APART = {**PLAIN, "correlation.yaml": "storm: {opened: 0}\n"}
"""No join rule and no storm: nearly every alert opens an incident of its own, which pages people."""


class Missing(RuntimeError):
    """The peer to compare with is not installed; the text says which package brings it."""


def free_port() -> int:
    """A port of this machine that nobody listens on, below those that the kernel gives to whoever connects."""
    while True:
        number = random.randrange(20_000, 32_000)
        with socket.socket() as found, contextlib.suppress(OSError):
            found.bind(("127.0.0.1", number))
            return number


def _dying_with_us() -> list[str]:
    """What is put before a command, so that it ends when we do, however that is."""
    return ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []


class Server:
    """A process that answers HTTP on `port`; started and stopped, also killed, as often as wanted."""

    kind = ""
    ready_path = "/-/ready"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """The program and its arguments."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.folder), "LANG": "C.UTF-8"}

    @property
    def pid(self) -> int:
        assert self._process is not None, "it is not started"
        return self._process.pid

    def start(self) -> float:
        """Start it and wait until it is ready; return the seconds that took."""
        begun = time.monotonic()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_dying_with_us(), *self.command()],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=self.environment(),
                cwd=self.folder,
            )
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() - begun > _PATIENCE_S:
                self.stop()
                raise RuntimeError(f"{self.kind} does not start: {self.said()}")
            time.sleep(0.005)
        return time.monotonic() - begun

    def _answers(self) -> bool:
        try:
            self.get(self.ready_path)
        except OSError:
            return False
        return True

    def get(self, path: str) -> str:
        """The body of an answer 200. Raises OSError."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return str(answer.read().decode())

    def said(self) -> str:
        """The end of what it wrote."""
        return (self.folder / "log").read_text("utf-8", "replace")[-2000:]

    def stop(self) -> None:
        """End it as an operator does, and wait for its end."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def kill(self) -> None:
        """End it without any warning."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def come_to_rest(self, most_s: float) -> None:
        """Wait until it has nothing left to do (less than 4 % of a processor for two seconds), for a while.

        For less than that it may be that others have the processors.
        """
        until, quiet = time.monotonic() + most_s, 0
        while time.monotonic() < until and quiet < _QUIET_LOOKS:
            before = cpu_s(self.pid)
            time.sleep(0.5)
            quiet = quiet + 1 if cpu_s(self.pid) - before <= 0.02 else 0


class Alertmanager(Server):
    """The peer: Debian's Alertmanager without gossip; it keeps no alert on disk."""

    kind = "alertmanager"

    def command(self) -> list[str]:
        program = shutil.which(PEER)
        if program is None:
            raise Missing(f"{PEER} is not installed: apt-get install --no-install-recommends {PEER}")
        (self.folder / "alertmanager.yml").write_text(ALERTMANAGER)
        return [
            program,
            "--config.file=alertmanager.yml",
            f"--storage.path={self.folder / 'data'}",
            "--cluster.listen-address=",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=warn",
        ]


class Tocsin(Server):
    """`tocsin serve` on SQLite with its durable settings; intake is open, since no sources are written."""

    kind = "tocsin"

    def __init__(self, folder: Path, site: dict[str, str] | None = None) -> None:
        super().__init__(folder)
        self._site = self.folder / "site"
        self._site.mkdir(exist_ok=True)
        for name, text in (site or SITE).items():
            (self._site / name).write_text(text)

    @property
    def store(self) -> Path:
        return self.folder / "tocsin.db"

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "PYTHONPATH": str(ROOT)}

    def command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "agent", "serve"),
            f"--config.dir={self._site}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            f"--storage.url=sqlite:///{self.store}",
            "--log.level=warning",
        ]

    def gauge(self, name: str) -> int:
        """A figure of its /metrics. Raises KeyError."""
        found = re.search(rf"^{name} (\S+)$", self.get("/metrics"), re.MULTILINE)
        if found is None:
            raise KeyError(name)
        return int(float(found[1]))


@contextlib.contextmanager
def running(*servers: Server) -> Iterator[None]:
    """Start them; end them whatever happens."""
    try:
        for server in servers:
            server.start()
        yield
    finally:
        for server in servers:
            server.stop()
