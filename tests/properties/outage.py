"""Outages, played move by move: alerts in any order, ends, people who merge, split, acknowledge; time and restarts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from hypothesis import strategies as st

from agent.configuration.config import Config
from agent.intents import SilencePut
from agent.loading.load import load_desk
from agent.rehearsal.house import House
from collectors.labels import Matcher
from correlation.incident import Incident, State, fingerprint_of, key_of
from correlation.refusal import Refusal
from correlation.rules import StormPolicy
from correlation.silence import Silence
from tests.correlation.test_evidence import (
    BACKUP,
    DATABASE,
    FRONT,
    FRONT_DOWN,
    ITEMS,
    LOAD_1,
    LOAD_2,
    SHOP,
    SWITCH,
    WEB_1,
    WEB_2,
)
from tests.house import START, alert, at, message
from tests.properties.memory import remembered
from tests.properties.site import configured

Move = tuple[str, int, int]
POOL: tuple[dict[str, str], ...] = (
    SWITCH,
    WEB_1,
    WEB_2,
    SHOP,
    FRONT,
    FRONT_DOWN,
    DATABASE,
    LOAD_1,
    LOAD_2,
    BACKUP,
    {**LOAD_1, "severity": "critical"},
    {"alertname": "PodCrash", "pod": "shop-7", "service": "cart", "instance": "k-1:80", "severity": "warning"},
    {"alertname": "HostDown", "instance": "k-1:9100", "severity": "critical"},
    {"alertname": "Oddity", "team": "web", "cluster": "c1", "severity": "warning"},
    {"alertname": "Strangeness", "team": "web", "cluster": "c1", "severity": "critical"},
    {"alertname": "LeakDetected", "room": "r-7", "severity": "critical"},
    {"alertname": "Humming", "room": "r-8", "severity": "warning"},
    {"alertname": "Humming", "room": "r-9", "severity": "warning"},
    {"alertname": "Creaking", "room": "r-9", "severity": "info"},
    {"alertname": "R-117", "instance": "web-1:9100", "severity": "warning"},
    {"alertname": "R-118", "service": "shop", "severity": "warning"},
    {"alertname": "R-119", "instance": "web-2:9100", "severity": "warning"},
    {"alertname": "Oddness", "instance": "web-2:9100", "severity": "critical"},
    {"alertname": "SwitchDown", "instance": "sw-7:161", "severity": "critical"},
    {"alertname": "PostgresDown", "database": "ledger", "severity": "critical"},
    {"alertname": "ServiceHighErrorRate", "service": "cart", "severity": "critical"},
    {"alertname": "ServiceHighLatency", "service": "mail", "severity": "warning"},
)
SAYS = {"R-117": "web-1:9100: CPU at 99 %", "R-118": "p99 latency of shop is 2 s"}
"""What those say of themselves whose names no rule knows."""
READS = {"R-119": "node_load1 > 10", "Oddness": 'up{job="node"} == 0'}
"""What the rules of those look at."""
ALERT, ANY = st.integers(0, len(POOL) - 1), st.integers(0, 7)
MOVES: st.SearchStrategy[Move] = st.one_of(
    st.tuples(st.sampled_from(["fires", "fires", "fires", "ends", "ends_untold", "fires_late"]), ALERT, ANY),
    st.tuples(st.sampled_from(["end_first", "end_again", "stale", "older", "many", "all_end"]), ALERT, ANY),
    st.tuples(st.sampled_from(["merge", "split", "acknowledge", "set_root", "confirm", "resolve", "reject"]), ANY, ANY),
    st.tuples(st.sampled_from(["wait", "wait", "silence"]), ANY, ANY),
)
WAITS = (1, 5, 20, 70, 240, 900, 1000, 2400)
"""Seconds."""
_ACTS: dict[str, tuple[str, dict[str, Any]]] = {
    "acknowledge": ("acknowledge", {}),
    "confirm": ("confirm", {}),
    "reject": ("reject", {"reason": "still broken"}),
    "resolve": ("resolve", {"type": "fixed", "resolution": "x", "note": "n", "service_restored_at": at(START)}),
}


def site() -> Config:
    """Items are written, and five incidents at once are a storm."""
    config = configured(inhibit=False)
    storm = StormPolicy(opened=5, within=timedelta(minutes=1), over_after=timedelta(minutes=5), let_out=1)
    correlation = config.correlation.model_copy(update={"storm": storm})
    return replace(config, topology=ITEMS, correlation=correlation)


def _alert(labels: dict[str, str], starts: datetime, ends: datetime | None) -> dict[str, Any]:
    more: dict[str, Any] = {"ends": at(ends)} if ends is not None else {}
    if labels["alertname"] in SAYS:
        more["annotations"] = {"summary": SAYS[labels["alertname"]]}
    if labels["alertname"] in READS:
        more["generatorURL"] = f"http://prom:9090/graph?{urlencode({'g0.expr': READS[labels['alertname']]})}"
    return alert(labels, starts=at(starts), **more)


class Outage:
    """A house that moves are played in; `cuts` are the moves before which it is dropped and read from the store."""

    def __init__(self, cuts: Sequence[int] = ()) -> None:
        self.house, self.cuts, self.played = House(site(), START), set(cuts), 0
        self.starts: dict[int, datetime] = {}
        """What fires, and since when."""
        self.ended: dict[int, tuple[datetime, datetime]] = {}

    async def play(self, moves: Sequence[Move]) -> "Outage":
        await self.house.open()
        for move in moves:
            await self.step(move)
        return self

    async def step(self, move: Move) -> None:
        if self.played in self.cuts:
            await self.house.restart()
        self.played += 1
        name, one, other = move
        await getattr(self, f"_{name}")(one, other)
        await self.house.advance(seconds=1)

    # senders

    async def _tell(self, *told: tuple[int, datetime, datetime | None], group: int = 0) -> None:
        sent = [_alert(POOL[i], s, e) for i, s, e in told]
        await self.house.receive(message(*sent, groupKey=f"g{group % 3}"))

    async def _fires(self, i: int, group: int) -> None:
        if self.ended.get(i, (None, START))[0] != self.house.now:
            await self._tell((i, self.starts.setdefault(i, self.house.now), None), group=group)

    async def _fires_late(self, i: int, back: int) -> None:
        """What began some time ago is told now."""
        since = self.house.now - timedelta(seconds=20 * back)
        if i not in self.starts and since > self.ended.get(i, (START - timedelta(days=1),))[0]:
            self.starts[i] = since
            await self._tell((i, since, None))

    async def _many(self, i: int, count: int) -> None:
        told = [n % len(POOL) for n in range(i, i + count + 1)]
        fresh = [n for n in told if self.ended.get(n, (None, START))[0] != self.house.now]
        await self._tell(*((n, self.starts.setdefault(n, self.house.now), None) for n in fresh), group=i)

    async def _ends(self, i: int, _: int) -> None:
        if i in self.starts:
            self.ended[i] = self.starts.pop(i), self.house.now
            await self._tell((i, *self.ended[i]))

    async def _all_end(self, i: int, count: int) -> None:
        for n in list(self.starts)[i : i + 2 + count]:
            await self._ends(n, 0)

    async def _ends_untold(self, i: int, _: int) -> None:
        """It ended and began anew between two messages."""
        if i in self.starts and self.house.now > self.starts[i]:
            self.starts[i] = self.house.now
            await self._tell((i, self.house.now, None))

    async def _end_first(self, i: int, _: int) -> None:
        """The end comes before the firing."""
        now = self.house.now
        if i not in self.starts and self.ended.get(i, (START - timedelta(days=1),))[0] < now:
            self.ended[i] = now, now
            await self._tell((i, now, now))
            await self._tell((i, now, None))

    async def _end_again(self, i: int, _: int) -> None:
        if i in self.ended:
            await self._tell((i, *self.ended[i]))

    async def _stale(self, i: int, _: int) -> None:
        """An old message of a firing that is over."""
        if i in self.ended and i not in self.starts and self.house.now - self.ended[i][1] < timedelta(minutes=9):
            await self._tell((i, self.ended[i][0], None))

    async def _older(self, i: int, back: int) -> None:
        """A twin that saw it earlier tells of it; or of an older firing, and of its end."""
        if i in self.starts:
            since = self.starts[i] - timedelta(seconds=back + 1)
            await self._tell((i, since, None))
            if back % 2:
                await self._tell((i, since, since + timedelta(seconds=0.5)))

    # people and time

    def _pick(self, n: int) -> Incident | None:
        found = self.house.incidents()[-8:]
        return found[n % len(found)] if found else None

    async def _try(self, incident: Incident | None, action: str, body: dict[str, Any]) -> None:
        if incident is not None:
            try:
                await self.house.act(incident.number, action, body, who="desk")
            except Refusal:
                return

    async def _merge(self, one: int, other: int) -> None:
        incident, into = self._pick(one), self._pick(other)
        if into is not None:
            await self._try(incident, "merge", {"into": into.number})

    async def _split(self, one: int, which: int) -> None:
        incident, board = self._pick(one), self.house.desk.board
        marks = list(board.scene.of.get(incident.id, {}).values()) if incident is not None else []
        off = [m for n, m in enumerate(sorted(marks, key=lambda m: m.id)) if which >> (n % 3) & 1]
        keys = [f"{fingerprint_of(m.key)}@{board.episodes[m.key].starts_text}" for m in off if m.key in board.episodes]
        if keys:
            await self._try(incident, "split", {"alerts": keys})

    async def _set_root(self, one: int, which: int) -> None:
        incident = self._pick(one)
        marks = sorted(
            self.house.desk.board.scene.of.get(incident.id if incident else 0, {}).values(), key=lambda m: m.id
        )
        if marks:
            await self._try(incident, "set-root", {"alert": fingerprint_of(marks[which % len(marks)].key)})

    async def _acknowledge(self, one: int, _: int) -> None:
        await self._try(self._pick(one), *_ACTS["acknowledge"])

    async def _confirm(self, one: int, _: int) -> None:
        await self._try(self._pick(one), *_ACTS["confirm"])

    async def _reject(self, one: int, _: int) -> None:
        await self._try(self._pick(one), *_ACTS["reject"])

    async def _resolve(self, one: int, _: int) -> None:
        await self._try(self._pick(one), *_ACTS["resolve"])

    async def _silence(self, one: int, other: int) -> None:
        now = self.house.now
        matcher = Matcher.parse(("alertname=HostDown", "severity=warning", "service=shop", "room=r-9")[one % 4])
        ends = now + timedelta(seconds=WAITS[other])
        put = Silence(
            id=f"s{self.played}",
            matchers=(matcher,),
            starts_at=now,
            ends_at=ends,
            created_by="pat",
            comment="",
            created_at=now,
        )
        await self.house.do(SilencePut(put, "pat"))

    async def _wait(self, how_long: int, _: int) -> None:
        await self.house.advance(seconds=WAITS[how_long])

    # what came of it

    def partition(self) -> dict[str, Any]:
        """Which firing is in which incident, of what it came, and what is known of each incident."""
        board = self.house.desk.board
        alerts = {}
        for incident, marks in board.scene.of.items():
            for mark in marks.values():
                alerts[mark.key, mark.starts_at] = (incident, mark.parent, mark.weight)
        incidents = {
            i.number: (str(i.state), i.severity, i.storm, i.open_alerts, i.alert_count, i.root, i.grown, i.merged_into)
            for i in board.incidents.values()
        }
        return {"alerts": alerts, "incidents": incidents, "sent": self.house.sent}

    async def differences(self) -> list[str]:
        """What a desk read from the store holds otherwise than the one in memory."""
        loaded = await load_desk(self.house.writer, self.house.config, self.house.now)
        live, fresh = (remembered(desk, self.house.now) for desk in (self.house.desk, loaded))
        return [
            f"{part} {key}: {value.get(key)}\n!= {fresh[part].get(key)}"
            for part, value in live.items()
            if isinstance(value, dict)
            for key in value.keys() | fresh[part].keys()
            if value.get(key) != fresh[part].get(key)
        ]

    def faults(self) -> list[str]:
        """What does not hold that must hold whatever was played."""
        return [*self._of_incidents(), *self._of_alerts()]

    def _of_incidents(self) -> list[str]:
        board, said = self.house.desk.board, []
        for incident in board.incidents.values():
            members = board.members.get(incident.id, {})
            if incident.open_alerts != len(members):
                said.append(f"{incident.number} counts {incident.open_alerts} open alerts and has {len(members)}")
            if not incident.active:
                continue
            refused = any(state == State.RESOLVED for _, state in incident.history)
            if not members and incident.resolves_at is None and not refused:
                said.append(f"{incident.number} is active, and nothing of it fires or will end it")
            root = (
                board.scene.marks.get(key_of(incident.root["origin"], incident.root["fingerprint"]))
                if incident.root
                else None
            )
            if root is not None and root.incident != incident.id and board.scene.of.get(incident.id):
                said.append(f"{incident.number} names a root of another incident")
            if incident.merged_into is not None:
                said.append(f"{incident.number} is active and merged")
        return said

    def _of_alerts(self) -> list[str]:
        board, places, said = self.house.desk.board, Counter[Any](), []
        for incident, keys in board.members.items():
            held = board.incidents.get(incident)
            for key in keys:
                places[key] += 1
                if held is None or not board.episodes[key].open or board.episodes[key].incident != incident:
                    said.append(f"{key} is a member of {incident} and should not be")
        for key in (*(k for keys in board.suppressed.values() for k in keys), *board.orphans):
            places[key] += 1
        for key, episode in board.episodes.items():
            if episode.open and places[key] != 1:
                said.append(f"{key} fires and is in {places[key]} places")
        return said
