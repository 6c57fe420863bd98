"""How a real program is started for a test: a free port, no rights, a ready check, and an end by its own pid."""

import asyncio
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from inspect import isawaitable
from pathlib import Path
from typing import Any, Self, TypeVar, overload

import psutil

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds that a condition may take to come true; generous, since two cores may run six tests at once."""

RUN = "TOCSIN_TEST_RUN"

_AS_NOBODY = ("--reuid=nobody", "--regid=nogroup", "--clear-groups")
_DIES_WITH_US = ("--pdeathsig", "KILL")


@overload
async def until(condition: Callable[[], Coroutine[Any, Any, T]], what: str, within: float = ...) -> T: ...
@overload
async def until(condition: Callable[[], T], what: str, within: float = ...) -> T: ...
async def until(condition: Callable[[], Any], what: str, within: float = PATIENCE) -> Any:
    """Return the first truthy value of `condition`; raises AssertionError naming `what` after `within` seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while True:
        found = condition()
        value = await found if isawaitable(found) else found
        if value:
            return value
        if loop.time() > deadline:
            raise AssertionError(f"waited {within:g} s for this, in vain: {what}")
        await asyncio.sleep(0.05)


class Port:
    """A free port of this machine, kept from everybody else until `release` is called just before its use.

    While it is kept nothing listens on it, so a connection is refused at once.
    """

    def __init__(self, kind: socket.SocketKind = socket.SOCK_STREAM) -> None:
        self._socket: socket.socket | None = socket.socket(socket.AF_INET, kind)
        self._socket.bind(("127.0.0.1", 0))
        self.number: int = self._socket.getsockname()[1]

    def release(self) -> int:
        """Give the port free and return its number; somebody else may be quicker, so be ready to try another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        return self.number


def dying_with_us() -> list[str]:
    """Return the prefix of a command that ends when the test run does, however that ends."""
    return ["setpriv", *_DIES_WITH_US, "--"] if shutil.which("setpriv") else []


def without_rights() -> list[str]:
    """Return the prefix of a command that drops root, where we are root, and ends when the test run does."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        return dying_with_us()
    return ["setpriv", *_AS_NOBODY, *_DIES_WITH_US, "--"]


def as_nobody() -> list[str]:
    """Return the prefix of a command that drops root, where we are root, and may outlive the test run."""
    return ["setpriv", *_AS_NOBODY, "--"] if os.geteuid() == 0 and shutil.which("setpriv") else []


def give_to_nobody(directory: Path) -> Path:
    """Make `directory` where it is missing and hand it to the user that real programs run as; return it."""
    directory.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        closed = [str(parent) for parent in directory.resolve().parents if not parent.stat().st_mode & 0o001]
        assert not closed, f"`nobody` cannot enter {', '.join(closed)}: use the fixture open_dir instead of tmp_path"
        shutil.chown(directory, "nobody", "nogroup")
    return directory


class Program:
    """One real program of a test, in its own directory, on ports of its own.

    A subclass says its `command` (which may use `self.ports`) and when it is `ready`. `async with` starts and
    ends it; `stop`, `kill`, `start` in between restart it on the same ports. What it wrote is in `log`, and is
    printed at the end, where pytest shows it with a failing test.
    """

    name = "program"

    def __init__(self, directory: Path, *, name: str | None = None, ports: int = 1) -> None:
        self.name = name or self.name
        self.directory = give_to_nobody(directory / self.name)
        self.environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.directory),
            "LANG": "C.UTF-8",
        }
        self.ports: list[int] = []
        self._port_count = ports
        self._process: subprocess.Popen[bytes] | None = None
        self._log = self.directory / "log"

    def command(self) -> list[str]:
        """Return the program and its arguments."""
        raise NotImplementedError

    async def ready(self) -> bool:
        """Tell whether it can be used; asked again until it is so."""
        raise NotImplementedError

    def prefix(self) -> list[str]:
        """Return what stands before the command: by default what takes away the rights of root."""
        return without_rights()

    @property
    def port(self) -> int:
        return self.ports[0]

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} is not running"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    async def start(self) -> None:
        """Start it and return when it is ready; another program on its port costs a try, anything else is an error."""
        fresh = not self.ports
        for _ in range(5):
            if fresh:
                held = [Port() for _ in range(self._port_count)]
                self.ports = [port.release() for port in held]
            before = len(self.log)
            self._spawn()
            if await until(self._ready_or_ended, f"{self.name} is ready") == "ready":
                return
            said = self.log[before:]
            if "address already in use" not in said.lower():
                raise AssertionError(
                    f"{self.name} ended with {self._returncode()} before it was ready:\n{said[-4000:]}"
                )
        raise AssertionError(f"{self.name} found no free port in five tries:\n{self.log[-4000:]}")

    def _spawn(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self.prefix(), *self.command()],
                cwd=self.directory,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    async def _ready_or_ended(self) -> str:
        if not self.running:
            return "ended"
        return "ready" if self.listens() and await self.ready() else ""

    def listens(self) -> bool:
        """Tell whether it is this very process that listens on its ports, and not one that was quicker."""
        try:
            open_now = psutil.Process(self.pid).net_connections(kind="tcp")
        except psutil.NoSuchProcess:
            return False
        return set(self.ports) <= {to.laddr.port for to in open_now if to.status == psutil.CONN_LISTEN}

    def _returncode(self) -> int | None:
        return self._process.returncode if self._process else None

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, such as SIGHUP (reload), SIGSTOP (hang) or SIGCONT."""
        os.kill(self.pid, number)

    async def stop(self, within: float = 30) -> int:
        """Ask it to end, insist after `within` seconds, and return its exit code."""
        return await self._end(signal.SIGTERM, within)

    async def kill(self) -> int:
        """End it without a word, as a power cut would, and return its exit code."""
        return await self._end(signal.SIGKILL, PATIENCE)

    async def _end(self, how: signal.Signals, within: float) -> int:
        process = self._process
        assert process is not None, f"{self.name} was never started"
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(how)
        try:
            await until(lambda: process.poll() is not None, f"{self.name} ends", within)
        except AssertionError:
            process.kill()
            await until(lambda: process.poll() is not None, f"{self.name} ends when killed")
        assert process.returncode is not None
        return process.returncode

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._leave()

    async def _leave(self) -> None:
        if self._process is not None:
            await self.stop()
        if "PYTEST_CURRENT_TEST" in os.environ:
            sys.stdout.write(f"--- {self.name}, its last lines\n{self.log[-4000:]}\n")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file, against every process of this machine."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run_owner() -> psutil.Process:
    """Return the process whose end is the end of this test run: the one that started the workers."""
    return psutil.Process(int(os.environ.get(RUN, os.getpid())))


def own_run_directory() -> Path:
    """Return where the directory of this test run is, if there is one."""
    return _runs() / f"tocsin-run-{os.geteuid()}-{run_owner().pid}"


def run_directory() -> Path:
    """Return the directory of this test run, shared by its workers, which `nobody` may enter.

    It stands outside pytest's own directory, since a second pytest of the same user closes that to everybody
    else. Directories of runs that are dead are swept first, with the servers they left.
    """
    directory = own_run_directory()
    owner = run_owner()
    with locked(_runs() / f"tocsin-runs-{os.geteuid()}.lock"):
        if not _alive(directory):
            sweep()
            directory.mkdir(mode=0o711)
            directory.chmod(0o711)
            (directory / "owner").write_text(json.dumps([owner.pid, owner.create_time()]))
    return directory


def sweep() -> None:
    """Remove what runs that are no more have left: their directories, and the database servers in them."""
    for directory in _runs().glob(f"tocsin-run-{os.geteuid()}-*"):
        if not _alive(directory):
            remove_run(directory)


def remove_run(directory: Path) -> None:
    """End the database server of a run, if it has one, and delete the run's directory."""
    data = directory / "postgres" / "data"
    if (data / "postmaster.pid").exists():
        _end_server(int((data / "postmaster.pid").read_text().split("\n", 1)[0]), data)
    shutil.rmtree(directory, ignore_errors=True)


def _end_server(pid: int, data: Path) -> None:
    try:
        server = psutil.Process(pid)
        if str(data) not in server.cmdline():
            return
        server.send_signal(signal.SIGQUIT)
        try:
            server.wait(30)
        except psutil.TimeoutExpired:
            server.kill()
    except psutil.NoSuchProcess:
        return


def _runs() -> Path:
    return Path(tempfile.gettempdir())


def _alive(directory: Path) -> bool:
    try:
        pid, created = json.loads((directory / "owner").read_text())
        return bool(psutil.Process(pid).create_time() == created)
    except (OSError, ValueError, psutil.NoSuchProcess):
        return False
