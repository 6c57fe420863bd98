"""Replays recorded webhooks through the same line on a hand clock."""

import json
import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agent.configuration.config import Config
from agent.configuration.load import load
from agent.rehearsal.house import House
from collectors.alert import NotThisFormat
from collectors.moment import parse_moment
from collectors.payload import clean_labels, identity, is_fingerprint, read_json

_TAIL = timedelta(hours=1)
_EVER = datetime.min.replace(tzinfo=UTC)


class BadRun(ValueError):
    """A recorded run that cannot be read; the text names file and line."""


@dataclass(frozen=True)
class Message:
    """One recorded webhook. `t` is when it arrived."""

    t: datetime
    body: dict[str, Any] | list[Any]
    source: str
    kind: str


@dataclass
class Answer:
    """What a replay decided."""

    incidents: dict[str, str] = field(default_factory=dict)
    """`<fingerprint>@<startsAt>`, as received, -> number of the incident."""
    roots: dict[str, str] = field(default_factory=dict)
    opened: list[dict[str, Any]] = field(default_factory=list)
    pages: list[dict[str, str]] = field(default_factory=list)
    messages: int = 0
    refused: int = 0

    def as_json(self) -> dict[str, Any]:
        """The answer file."""
        return {"incidents": self.incidents, "roots": self.roots}


def read_run(path: str) -> Iterator[Message]:
    """Read a run: JSON lines `{"t": unix seconds, "body": payload}` (others are notes), or a store. Raises BadRun."""
    with Path(path).open("rb") as head:
        is_store = head.read(15) == b"SQLite format 3"
    try:
        yield from read_store(path) if is_store else read_lines(path)
    except UnicodeDecodeError as error:
        raise BadRun(f"{path}: it is neither JSON lines nor a store: {error.reason}") from error
    except (sqlite3.DatabaseError, zlib.error) as error:
        raise BadRun(f"{path}: the store cannot be read: {error}") from error


def read_lines(path: str) -> Iterator[Message]:
    """Read the lines of a recorded run. Raises BadRun."""
    with Path(path).open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise BadRun(f"{path}:{number}: no JSON: {error}") from error
            if not isinstance(row, dict) or "body" not in row:
                continue
            try:
                at = datetime.fromtimestamp(float(row["t"]), UTC)
            except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
                raise BadRun(f"{path}:{number}: `t` must be the arrival in unix seconds") from error
            yield Message(at, row["body"], str(row.get("source", "replay")), str(row.get("type", "alertmanager")))


class Stretch:
    """Multiplies every distance in time from the run's start, and remembers what each firing was called before."""

    def __init__(self, factor: float, start: datetime) -> None:
        self._factor = factor
        self._start = start
        self.names: dict[str, str] = {}
        self.firings: dict[str, tuple[str, datetime]] = {}
        """Each firing as it was received: its fingerprint, and its start as it is replayed."""

    def moment(self, moment: datetime) -> datetime:
        return self._start + (moment - self._start) * self._factor

    def text(self, text: str) -> str:
        moment = parse_moment(text)
        if moment is None or self._factor == 1:
            return text
        return self.moment(moment).isoformat().replace("+00:00", "Z")

    def body(self, body: Any) -> Any:
        """The message with its moments stretched."""
        alerts = body.get("alerts", []) if isinstance(body, dict) else body
        for alert in alerts if isinstance(alerts, list) else ():
            if not isinstance(alert, dict):
                continue
            was = str(alert.get("startsAt", ""))
            for name in ("startsAt", "endsAt"):
                if isinstance(alert.get(name), str):
                    alert[name] = self.text(alert[name])
            mark, starts = _mark(alert), str(alert.get("startsAt", ""))
            self.names[f"{mark}@{starts}"] = f"{mark}@{was}"
            starts_at = parse_moment(starts)
            if starts_at is not None and alert.get("status") != "resolved":
                self.firings[f"{mark}@{was}"] = (mark, starts_at)
        return body


def _mark(alert: dict[str, Any]) -> str:
    """The fingerprint that the alert is known by: what it says, else what is made of its labels."""
    told, labels = alert.get("fingerprint"), alert.get("labels")
    if is_fingerprint(told) or not isinstance(labels, dict):
        return str(told)
    repairs: list[str] = []
    return identity(labels, clean_labels(labels, repairs), repairs)


def load_for(config_dir: str, topology: str | None, pack: str | None = None) -> Config:
    """The configuration of a directory, with another topology.yaml in it. Raises configuration.ConfigFaults."""
    if topology is None:
        return load(config_dir, pack)
    with tempfile.TemporaryDirectory(prefix="tocsin-") as folder:
        site = Path(folder) / "site"
        shutil.copytree(config_dir, site)
        shutil.copyfile(topology, site / "topology.yaml")
        return load(site, pack)


async def replay(messages: Iterable[Message], config: Config, stretch: float = 1.0) -> Answer:
    """Run messages in order of arrival through a house of their own; let an hour pass at the end."""
    ordered = sorted(messages, key=lambda m: m.t)
    answer = Answer()
    if not ordered:
        return answer
    stretched = Stretch(stretch, ordered[0].t)
    house = await House(config, ordered[0].t).open()
    for message in ordered:
        await house.advance_to(stretched.moment(message.t))
        body = _encoded(stretched.body(message.body))
        answer.messages += 1
        try:
            await house.receive(body, message.source, message.kind)
        except NotThisFormat:
            answer.refused += 1
    await house.advance(_TAIL)
    await _collect(house, answer, stretched)
    await house.close()
    return answer


def _encoded(body: Any) -> bytes:
    """The message as it was sent; a lone surrogate of a broken sender goes through as the escape that it came as."""
    try:
        return json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(body).encode()


async def _collect(house: House, answer: Answer, stretched: Stretch) -> None:
    numbers: dict[int, str] = {}
    rows = await house.writer.fetch(
        "SELECT id, number, title, severity, state, opened_at, resolved_at, alert_count, root, merged_into "
        "FROM incident ORDER BY id"
    )
    into = {row[1]: row[9] for row in rows}
    for id_, number, title, severity, state, opened_at, resolved_at, alerts, root, _ in rows:
        numbers[id_] = _survivor(number, into)
        answer.opened.append(
            {
                "number": number,
                "title": title,
                "severity": severity,
                "state": state,
                "opened_at": opened_at,
                "resolved_at": resolved_at,
                "alerts": alerts,
            }
        )
        found = json.loads(root) if root else None
        if found and found["origin"] != "tocsin" and not into[number]:
            key = f"{found['fingerprint']}@{found['startsAt']}"
            answer.roots[number] = stretched.names.get(key, key)
    held: dict[str, list[tuple[datetime, str]]] = {}
    for mark, starts, incident in await house.writer.fetch(
        "SELECT a.fingerprint, a.starts_text, e.incident_id FROM alert a JOIN episode e ON e.alert_id = a.id "
        "WHERE a.origin <> 'tocsin' ORDER BY a.id"
    ):
        key, number = f"{mark}@{starts}", numbers.get(incident, "")
        if number:
            answer.incidents[stretched.names.get(key, key)] = number
        held.setdefault(mark, []).append((parse_moment(starts) or _EVER, number))
    for key, (mark, starts_at) in stretched.firings.items():
        _add_told_otherwise(answer, key, starts_at, held.get(mark, ()))
    answer.pages = [
        {"at": s.at.isoformat(), "incident": s.incident, "step": s.step, "person": s.person, "notifier": s.notifier}
        for s in house.sent
    ]


def _add_told_otherwise(answer: Answer, key: str, starts_at: datetime, held: Iterable[tuple[datetime, str]]) -> None:
    """A firing whose start was told otherwise later, or written in another form, is in the incident of that episode."""
    if key not in answer.incidents:
        _, number = max((one for one in held if one[0] <= starts_at), default=(_EVER, ""))
        if number:
            answer.incidents[key] = number


def _survivor(number: str, into: Mapping[str, str | None]) -> str:
    """The incident that holds the alerts now, after all merges."""
    for _ in into:
        further = into.get(number)
        if not further:
            break
        number = further
    return number


def difference(old: Answer, new: Answer) -> list[str]:
    """What another configuration would have done: merged, split, pages more or fewer, steps that would have fired."""
    lines = []
    groups_old, groups_new = _groups(old), _groups(new)
    for group in sorted(groups_new - groups_old, key=sorted):
        parts = {old.incidents.get(k, "none") for k in group}
        if len(parts) > 1:
            lines.append(
                f"merged: {', '.join(sorted(parts))} -> {new.incidents[next(iter(group))]} ({len(group)} alerts)"
            )
    for group in sorted(groups_old - groups_new, key=sorted):
        parts = {new.incidents.get(k, "none") for k in group}
        if len(parts) > 1:
            lines.append(
                f"split: {old.incidents[next(iter(group))]} -> {', '.join(sorted(parts))} ({len(group)} alerts)"
            )
    lines.append(f"incidents: {len(old.opened)} -> {len(new.opened)}")
    lines.append(f"pages: {len(old.pages)} -> {len(new.pages)}")
    for person in sorted({p["person"] for p in old.pages + new.pages}):
        before, after = (sum(1 for p in a.pages if p["person"] == person) for a in (old, new))
        if before != after:
            lines.append(f"pages to {person}: {before} -> {after}")
    steps_old, steps_new = ({p["step"].partition("#")[0] for p in a.pages} for a in (old, new))
    lines.extend(f"step no more: {s}" for s in sorted(steps_old - steps_new))
    lines.extend(f"step anew: {s}" for s in sorted(steps_new - steps_old))
    return lines


def _groups(answer: Answer) -> set[frozenset[str]]:
    groups: dict[str, set[str]] = {}
    for key, number in answer.incidents.items():
        groups.setdefault(number, set()).add(key)
    return {frozenset(g) for g in groups.values()}


NOBODY_ACTS = (
    "note: no act of a person is in a run: nobody acknowledges, and every ladder is climbed to its end; "
    "compare two configurations with --against"
)


def report(answer: Answer) -> list[str]:
    """Incidents, pages and a summary, for people."""
    lines = [
        f"{i['number']}  severity {i['severity']}  {i['state']:<14} {i['alerts']:>4} alert(s)  {i['title']}"
        for i in answer.opened
    ]
    lines += [
        f"page {p['at'][:19]}  {p['incident']}  {p['step']:<10} {p['person']} by {p['notifier']}" for p in answer.pages
    ]
    lines.append(
        f"{answer.messages} message(s), {answer.refused} refused, {len(answer.incidents)} firing(s) in "
        f"{len(answer.opened)} incident(s), {len(answer.pages)} page(s)"
    )
    if answer.pages:
        lines.append(NOBODY_ACTS)
    return lines


def read_store(path: str) -> Iterator[Message]:
    """Read the webhooks of a daemon's own journal (a SQLite store)."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        rows = db.execute("SELECT at, kind, source, body FROM journal WHERE kind LIKE 'webhook/%' ORDER BY seq")
        for at, kind, source, body in rows:
            moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
            text = zlib.decompress(body)  # it was taken once, and reads the same again
            yield Message(moment, read_json(text), source, kind.partition("/")[2])
