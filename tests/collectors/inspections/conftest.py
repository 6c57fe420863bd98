"""Real parts of the inspections: upsd with a dummy UPS, snmpd with a UPS-MIB, a filesystem to fill."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from socket import SOCK_DGRAM

import psutil
import pytest

from tests.conftest import go_without
from tests.real.running import PATIENCE, Port, Program, give_to_nobody, until

MIB = "1.3.6.1.2.1.33.1"


class Driver(Program):
    """NUT's `dummy-ups`: a UPS that says what it is told to."""

    name = "dummy-ups"

    def __init__(self, directory: Path, ups: str) -> None:
        super().__init__(directory, name="driver", ports=0)
        self._socket = directory / "run" / f"dummy-ups-{ups}"
        self._ups = ups
        self.environment |= nut_environment(directory)

    def command(self) -> list[str]:
        return ["/lib/nut/dummy-ups", "-u", "nobody", "-a", self._ups, "-F"]

    async def ready(self) -> bool:
        return self._socket.exists()


class Upsd(Program):
    """NUT's server. Debian's `/usr/sbin/upsd` is a wrapper that refuses without /etc/nut: this is the server."""

    def __init__(self, directory: Path, ups: str) -> None:
        super().__init__(directory, name="upsd")
        self._etc, self._ups = directory / "etc", ups
        self.environment |= nut_environment(directory)

    def command(self) -> list[str]:
        (self._etc / "upsd.conf").write_text(f"LISTEN 127.0.0.1 {self.port}\nMAXAGE 4\n")
        return ["/lib/nut/upsd", "-u", "nobody", "-F"]

    async def ready(self) -> bool:
        return "O" in (ask("upsc", f"{self._ups}@{self.address}", "ups.status") or "")


def nut_environment(directory: Path) -> dict[str, str]:
    """Where NUT looks for its files, in place of /etc/nut and /run/nut."""
    state = str(directory / "run")
    return {"NUT_CONFPATH": str(directory / "etc"), "NUT_STATEPATH": state, "NUT_ALTPIDPATH": state}


def ask(*order: str) -> str | None:
    """What a client program says, None where it fails."""
    environment = {**os.environ, "MIBS": ""}
    asked = subprocess.run(order, capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment)
    return asked.stdout.strip() if asked.returncode == 0 else None


class Nut:
    """One UPS `rack1` behind one upsd; `say` sets what it says and returns when upsd says it too."""

    ups = "rack1"

    def __init__(self, directory: Path) -> None:
        self._etc = give_to_nobody(directory / "etc")
        give_to_nobody(directory / "run")
        (self._etc / "ups.conf").write_text(
            f"[{self.ups}]\n driver = dummy-ups\n port = ups.dev\n mode = dummy-once\n pollinterval = 1\n"
        )
        (self._etc / "ups.dev").write_text(
            "ups.status: OL\nbattery.charge: 100\nbattery.runtime: 3600\nups.load: 20\nups.alarm: none\n"
        )
        (self._etc / "upsd.users").write_text("[admin]\n password = rigpass\n actions = SET\n")
        (self._etc / "upsd.conf").touch()
        for file in self._etc.iterdir():
            file.chmod(0o640)
            if os.geteuid() == 0:
                shutil.chown(file, "nobody", "nogroup")
        self.driver, self.server = Driver(directory, self.ups), Upsd(directory, self.ups)

    async def say(self, **values: str) -> None:
        for name, value in values.items():
            variable = name.replace("_", ".")
            await until(partial(self._set, variable, value), f"{variable} is set to {value}")

    def _set(self, variable: str, value: str) -> bool:
        """Ask for it and look: upsrw is answered before the driver has obeyed."""
        at = f"{self.ups}@{self.server.address}"
        if ask("upsc", at, variable) == value:
            return True
        ask("upsrw", "-s", f"{variable}={value}", "-u", "admin", "-p", "rigpass", at)
        return False


@pytest.fixture
async def nut(open_dir: Path) -> AsyncIterator[Nut]:
    """A UPS on mains, fully charged, behind a real upsd."""
    made = Nut(open_dir)
    async with made.driver, made.server:
        yield made


class Snmpd(Program):
    """net-snmp's agent with a UPS behind it; `say` changes what the next question is answered."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, name="snmpd")
        self.environment |= {"MIBS": "", "SNMP_PERSISTENT_DIR": str(self.directory / "state")}
        self._file, self._script = self.directory / "ups.json", self.directory / "ups_mib.py"
        self._held = {
            "2.1.0": 2, "2.3.0": 60, "2.4.0": 100, "4.1.0": 3, "4.4.1.5.1": 20, "4.4.1.5.2": 31, "6.1.0": 0,
        }  # fmt: skip
        shutil.copy(Path(__file__).with_name("ups_mib.py"), self._script)
        self.say()

    def say(self, alarms: tuple[int, ...] = (), **values: int) -> None:
        """Set objects below upsMIB by their number with `_` for dots (`o4_1_0=5`), and the well-known alarms."""
        self._held |= {name.removeprefix("o").replace("_", "."): value for name, value in values.items()}
        held: dict[str, list[str | int]] = {f".{MIB}.{name}": ["integer", value] for name, value in self._held.items()}
        for row, alarm in enumerate(alarms, start=1):
            held[f".{MIB}.6.2.1.2.{row}"] = ["objectid", f".{MIB}.6.3.{alarm}"]
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(held))
        fresh.replace(self._file)

    def command(self) -> list[str]:
        python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
        config = self.directory / "snmpd.conf"
        config.write_text(
            f"agentAddress udp:127.0.0.1:{self.port}\nrocommunity public 127.0.0.1\n"
            f"pass_persist .{MIB} {python} {self._script} {self._file}\n"
        )
        return ["snmpd", "-f", "-Lo", "-I", "-smux", "-C", "-c", str(config)]

    async def ready(self) -> bool:
        said = ask("snmpget", "-v2c", "-c", "public", "-On", "-t", "2", f"127.0.0.1:{self.port}", f".{MIB}.4.1.0")
        return "INTEGER" in (said or "")

    def listens(self) -> bool:
        try:
            mine = psutil.Process(self.pid).net_connections(kind="udp")
        except psutil.NoSuchProcess:
            return False
        return self.port in {at.laddr.port for at in mine}


@pytest.fixture
async def snmpd(open_dir: Path) -> AsyncIterator[Snmpd]:
    """An SNMP agent of a UPS on mains, fully charged."""
    async with Snmpd(open_dir) as running:
        yield running


@pytest.fixture
def silent_udp_port() -> Iterator[int]:
    """A UDP port that takes packets and never answers, as an agent does with a wrong community."""
    port = Port(SOCK_DGRAM)
    yield port.number
    port.release()


@pytest.fixture
def tmpfs(open_dir: Path) -> Iterator[Path]:
    """A filesystem of 8 MiB and 200 inodes that a test may fill."""
    place = open_dir / "disk"
    place.mkdir()
    made = mount("-t", "tmpfs", "-o", "size=8m,nr_inodes=200,mode=1777", "tmpfs", str(place))
    if made:
        go_without(f"a filesystem cannot be mounted here ({made}): run as root")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=False, timeout=PATIENCE)


def mount(*arguments: str) -> str:
    """Mount, and return what went wrong ("" for nothing)."""
    if shutil.which("mount") is None:
        return "no mount program"
    tried = subprocess.run(["mount", *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False)
    return "" if tried.returncode == 0 else tried.stderr.strip() or f"exit code {tried.returncode}"
