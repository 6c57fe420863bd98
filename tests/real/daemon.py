"""The daemon itself as a real part: a process with a site, a store and a port of its own, and its API.

async with Tocsin(open_dir, site(hook=sink.url)) as tocsin:
    ...
    incident = await tocsin.only_incident()
    await tocsin.act(incident["number"], "acknowledge", by="ana")
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from tests.real.running import PATIENCE, Program, run_directory, until, without_rights

REPOSITORY = Path(__file__).resolve().parents[2]
Yaml = dict[str, Any]

SOURCE_TOKEN = "am-secret-token"
PEOPLE: Yaml = {
    "ana": {"name": "Ana", "roles": ["l1"], "groups": ["sys-ops"]},
    "wei": {"name": "伟", "roles": ["l2"], "language": "zh"},
    "pat": {"name": "Pat", "roles": ["pm"]},
    "root": {"name": "Root", "roles": ["ops"]},
}
EVERY_SEVERITY = (1, 2, 3, 4)
STEPS: list[Yaml] = [
    {"id": "c0", "clock": "created", "at": 0, "tell": ["l1", "l2"]},
    {"id": "r100", "clock": "response", "at": "100%", "tell": ["l1"]},
    {"id": "p75", "clock": "resolution", "at": "75%", "tell": ["pm"]},
    {"id": "p100", "clock": "resolution", "at": "100%", "tell": ["pm"]},
]


def site(
    *,
    hook: str,
    mail_port: int | None = None,
    sources: Yaml | None = None,
    stable_for: str = "2s",
    steps: list[Yaml] | None = None,
    delivery: Yaml | None = None,
    **files: Yaml,
) -> dict[str, Yaml]:
    """A site whose spans are seconds: ana (l1) is reached by mail where there is a mail server, the others by `hook`.

    `steps` is the timetable of every severity; `files` are laid over it whole, `rules=…` for rules.yaml.
    """
    notifiers: Yaml = {"hook": {"type": "webhook", "url": hook, "timeout": "20s"}}
    contacts: Yaml = {who: [{"notifier": "hook", "to": who}] for who in PEOPLE}
    if mail_port is not None:
        notifiers["mail"] = {"type": "email", "host": "127.0.0.1", "port": mail_port, "sender": "tocsin@example.org"}
        contacts["ana"].insert(0, {"notifier": "mail", "to": "ana@example.org"})
    timetable = steps or STEPS
    made: dict[str, Yaml] = {
        "tocsin": {
            "pack": "iso20000-default",
            "sources": {"am": {"type": "alertmanager", "token": SOURCE_TOKEN}} if sources is None else sources,
            "notifiers": notifiers,
            "fallback": ["root"],
            "delivery": {"first": "1s", "most": "2s", "lease": "20s", **(delivery or {})},
        },
        "people": {"people": {who: {**person, "contacts": contacts[who]} for who, person in PEOPLE.items()}},
        "escalation": {"escalation": {"timetable": dict.fromkeys(EVERY_SEVERITY, timetable)}},
        "states": {"states": {"auto_recovered": {"stable_for": stable_for}}},
    }
    return {**made, **files}


def heal_at_once() -> Yaml:
    """correlation.yaml of a site where no flapping holds an end back."""
    return {"flapping": {"changes": 100}}


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


async def run_tocsin(*arguments: str, environment: Mapping[str, str] | None = None, cwd: Path | None = None) -> Said:
    """Run one command of `tocsin` to its end, without the rights of root."""
    ran = await asyncio.to_thread(
        subprocess.run,
        [*without_rights(), *entry_point(), *arguments],
        cwd=cwd or "/",
        env={**_environment(), **(environment or {})},
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )
    return Said(ran.returncode, ran.stdout.decode(), ran.stderr.decode())


def entry_point() -> list[str]:
    return [sys.executable, "-m", "agent"]


def _environment() -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(REPOSITORY),
        **({"PYTHONPYCACHEPREFIX": str(_bytecode())} if sys.dont_write_bytecode else {}),
    }


def _bytecode() -> Path:
    """Where the daemons of this run keep their bytecode, if nobody else keeps any: it makes each start quicker."""
    directory = run_directory() / "bytecode"
    directory.mkdir(exist_ok=True)
    directory.chmod(0o1777)
    return directory


def write_site(directory: Path, files: Mapping[str, Yaml]) -> Path:
    """Write a site's files, as YAML, and return its directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        text = content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
        fresh = directory / f".{name}.new"
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(directory / f"{name}.yaml")
    return directory


class Tocsin(Program):
    """A real daemon. `stop`, `kill` and `start` in between restart it on the same port and the same store."""

    name = "tocsin"

    def __init__(
        self,
        directory: Path,
        files: Mapping[str, Yaml],
        *,
        name: str | None = None,
        storage_url: str | None = None,
        store: Path | None = None,
        flags: tuple[str, ...] = (),
    ) -> None:
        super().__init__(directory, name=name)
        self.files: dict[str, Yaml] = dict(files)
        self.site = self.directory / "site"
        self.store = store or self.directory / "tocsin.db"
        self.storage_url = storage_url or f"sqlite:///{self.store}"
        self.environment |= _environment()
        self._flags = flags
        self._tokens: dict[str, str] = {}

    def write(self) -> None:
        """Write the site to where the daemon reads it."""
        write_site(self.site, self.files)

    def command(self) -> list[str]:
        self.write()
        return [
            *entry_point(),
            "serve",
            f"--config.dir={self.site}",
            f"--storage.url={self.storage_url}",
            f"--web.listen-address={self.address}",
            *self._flags,
        ]

    async def ready(self) -> bool:
        return (await self.ask("GET", "/-/healthy"))[0] == 200

    async def restart(self) -> None:
        """Kill it without a word and start it again."""
        await self.kill()
        await self.start()

    # its API

    @property
    def token(self) -> str:
        """The token that the first start on an empty store has printed."""
        lines = [line for line in self.log.splitlines() if line.startswith("token: ")]
        assert lines, f"no token was printed:\n{self.log[-2000:]}"
        return lines[0].removeprefix("token: ").strip()

    async def token_of(self, person: str) -> str:
        """A token of a person, made on the command line beside the running daemon; the same one for each call."""
        if person not in self._tokens:
            made = await run_tocsin("token", "create", "--person", person, "--storage.url", self.storage_url)
            assert made.code == 0, made.err
            self._tokens[person] = next(word for word in made.out.split() if word.startswith("tcs_"))
        return self._tokens[person]

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """One request; (0, reason) where nobody answers."""
        from tests.real.parts import call

        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        return await call(method, f"{self.url}{path}", body, {**bearer, **(headers or {})})

    async def get(self, path: str, **query: Any) -> Any:
        """GET a JSON document as admin."""
        asked = f"?{urlencode(query, doseq=True)}" if query else ""
        status, body = await self.ask("GET", f"{path}{asked}", token=self.token)
        assert status == 200, f"GET {path}{asked}: {status} {body[:1000]!r}"
        return json.loads(body)

    async def incidents(self, **query: Any) -> list[Any]:
        """The incidents, oldest first."""
        return list(
            reversed((await self.get("/api/v1/incidents", **{"sort": "opened", "limit": 500, **query}))["items"])
        )

    async def incident(self, number: str) -> Any:
        return await self.get(f"/api/v1/incidents/{number}")

    async def incident_of(self, alertname: str, within: float = PATIENCE) -> Any:
        """The one incident with an alert of this name, as soon as there is one."""

        async def found() -> Any:
            with_it = [i for i in await self.incidents() if alertname in _names(i)]
            assert len(with_it) <= 1, f"{alertname} is in {[i['number'] for i in with_it]}"
            return with_it[0] if with_it else None

        return await until(found, f"an incident of {alertname}", within)

    async def wait_for(self, number: str, what: str, within: float = PATIENCE, **fields: Any) -> Any:
        """The incident as soon as its fields are these."""

        async def so() -> Any:
            incident = await self.incident(number)
            return incident if all(incident[name] == value for name, value in fields.items()) else None

        try:
            return await until(so, what, within)
        except AssertionError as error:
            error.add_note(f"until then: {json.dumps(await self.incident(number), ensure_ascii=False)[:3000]}")
            raise

    async def timeline(self, number: str) -> list[Any]:
        found: list[Any] = (await self.get(f"/api/v1/incidents/{number}/timeline", limit=500))["items"]
        return found

    async def kinds(self, number: str) -> list[str]:
        """What happened to an incident, as the kinds of its timeline in order."""
        return [event["kind"] for event in await self.timeline(number)]

    async def plan(self, number: str) -> list[Any]:
        found: list[Any] = (await self.get(f"/api/v1/incidents/{number}/plan"))["items"]
        return found

    async def pages(self, **query: Any) -> list[Any]:
        found: list[Any] = (await self.get("/api/v1/pages", limit=500, **query))["items"]
        return found

    async def alerts(self, **query: Any) -> list[Any]:
        """Every firing that it knows, over all pages of the list."""
        found: list[Any] = []
        cursor = None
        while True:
            answer = await self.get("/api/v1/alerts", limit=500, **query, **({"cursor": cursor} if cursor else {}))
            found += answer["items"]
            cursor = answer["next"]
            if cursor is None:
                return found

    async def act(self, number: str, action: str, body: Yaml | None = None, *, by: str) -> Any:
        """One action of a person; the answer is the incident."""
        status, said = await self.ask(
            "POST", f"/api/v1/incidents/{number}/{action}", body or {}, await self.token_of(by)
        )
        assert status == 200, f"{action} by {by}: {status} {said.decode()}"
        return json.loads(said)

    async def metric(self, name: str, **labels: str) -> float:
        """The value of one of its metrics; 0 where it has none."""
        status, body = await self.ask("GET", "/metrics")
        assert status == 200, body
        wanted = {f'{key}="{value}"' for key, value in labels.items()}
        for line in body.decode().splitlines():
            series, _, value = line.rpartition(" ")
            at, _, has = series.partition("{")
            if at == name and wanted <= set(has.rstrip("}").split(",")):
                return float(value)
        return 0.0

    # its configuration

    async def reload(self, **files: Yaml) -> None:
        """Lay files over the site and have it read anew by SIGHUP; returns when it has been taken."""
        before = self.log.count("configuration reloaded")
        self.sighup(**files)
        await until(lambda: self.log.count("configuration reloaded") > before, "the configuration is taken")

    def sighup(self, **files: Yaml) -> None:
        """Lay files over the site and send SIGHUP, whatever comes of it."""
        self.files |= files
        self.write()
        self.send(signal.SIGHUP)


def _names(incident: Any) -> set[str]:
    return {alert["labels"].get("alertname", "") for alert in incident["alerts"]}


def message(*alerts: Yaml, **more: Any) -> Yaml:
    """A webhook of version 4, as Alertmanager posts it."""
    firing = any(alert["status"] == "firing" for alert in alerts)
    return {
        "version": "4",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
        "receiver": "tocsin",
        "status": "firing" if firing else "resolved",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://am-1:9093",
        "alerts": list(alerts),
        **more,
    }


def firing(starts: str = "2026-03-02T08:59:00.5Z", **labels: str) -> Yaml:
    """One firing alert of a webhook; its fingerprint is left to the receiver."""
    return {
        "status": "firing",
        "labels": labels,
        "annotations": {},
        "startsAt": starts,
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": "",
    }
