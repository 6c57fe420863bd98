"""Alertmanager's API v2 as a server, so that amtool, karma and Grafana work against Tocsin."""

import json
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.http.answers import Answer
from agent.http.auth import require
from agent.http.calls import read_json, read_raw
from agent.http.explain import Wrong
from agent.http.patience import READ_WITHIN_S
from agent.http.problems import Problem, problem_of
from agent.http.reads.alerts import AlertPair, AlertReads
from agent.http.silences import end_silence, put_silence, silence_by_id, silences
from agent.intents import Mark
from agent.version import VERSION
from collectors.labels import BadMatcher, Labels, Matcher, all_match, compile_pattern
from collectors.moment import moment_text, parse_moment
from correlation.permission import Actor
from correlation.silence import Silence, silenced_by

if TYPE_CHECKING:
    from agent.http.api import Api

SPEAKS = "0.28.0"
"""The Alertmanager whose API this is: its tools look at the version before they speak."""
RECEIVER = "tocsin"
_CONFIG = f"route:\n  receiver: {RECEIVER}\nreceivers:\n- name: {RECEIVER}\n"
_OVER = timedelta(minutes=5)
"""A firing alert is shown to end this long after it was told last, as Alertmanager's `resolve_timeout` does."""
_Do = Callable[[Actor, web.Request], Coroutine[Any, Any, Any]]


class SentMatcher(BaseModel):
    model_config = ConfigDict(strict=True)

    name: str = Field(min_length=1, max_length=500)
    value: str = Field(max_length=2000)
    isRegex: bool = False
    isEqual: bool = True

    def read(self) -> Matcher:
        """The matcher. Raises BadMatcher."""
        op = ("=~" if self.isRegex else "=") if self.isEqual else ("!~" if self.isRegex else "!=")
        return Matcher(_clean(self.name), op, _clean(self.value))


class SentSilence(BaseModel):
    model_config = ConfigDict(strict=True)

    id: str | None = None
    matchers: list[SentMatcher] = Field(min_length=1, max_length=50)
    startsAt: str
    endsAt: str
    createdBy: str = ""
    comment: str = Field(default="", max_length=4000)


def _clean(text: str) -> str:
    return text.replace("\x00", "�")


def add(app: web.Application, api: "Api") -> None:
    """Add the routes of v2 beside the intake's `POST /api/v2/alerts`."""
    at = V2(api)
    for path, name, do in (
        ("status", "v2_status", at.status),
        ("alerts", "v2_alerts", at.alerts),
        ("alerts/groups", "v2_alert_groups", at.groups),
        ("receivers", "v2_receivers", at.receivers),
        ("silences", "v2_silences", at.silences),
        ("silence/{id}", "v2_get_silence", at.silence),
    ):
        app.router.add_get(f"/api/v2/{path}", _framed(api, name, do))
    app.router.add_post("/api/v2/silences", _framed(api, "v2_post_silence", at.post_silence))
    app.router.add_delete("/api/v2/silence/{id}", _framed(api, "v2_delete_silence", at.delete_silence))


def _framed(api: "Api", name: str, do: _Do) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Alertmanager's errors are JSON strings; 422 is none of its codes, but whoever sends a key of ours knows it."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            actor = await api.caller(request)
            require(actor, name)
            work = do(actor, request)
            reads = request.method in ("GET", "HEAD")
            content = await (api.patience.read(work, READ_WITHIN_S) if reads else api.patience.act(work))
        except Exception as error:  # the rim of a request
            problem = problem_of(error)
            status = 400 if problem.status == 422 and "Idempotency-Key" not in request.headers else problem.status
            return _json(problem.detail, status, problem.headers)
        return web.Response() if content is None else _json(content)

    return answer


def _json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    text = json.dumps(content, ensure_ascii=False)
    return web.Response(status=status, text=text, content_type="application/json", headers=headers)


class V2:
    """What these routes do."""

    def __init__(self, api: "Api") -> None:
        self._api, self._alerts = api, AlertReads(api.engine)
        self._since = api.clock.now()

    async def status(self, _: Actor, request: web.Request) -> Any:
        return {
            "cluster": {"status": "disabled", "name": "", "peers": []},
            "versionInfo": {
                "version": SPEAKS,
                "revision": VERSION,
                "branch": f"tocsin {VERSION}",
                "buildUser": "",
                "buildDate": "",
                "goVersion": "",
            },
            "config": {"original": _CONFIG},
            "uptime": moment_text(self._since),
        }

    async def receivers(self, _: Actor, request: web.Request) -> Any:
        return [{"name": name} for name in (RECEIVER, *sorted(self._api.get_config().groups))]

    # alerts

    async def alerts(self, _: Actor, request: web.Request) -> Any:
        return [alert for alert, _ in await self._wanted(request)]

    async def groups(self, _: Actor, request: web.Request) -> Any:
        """A group is an incident; what belongs to none stands together."""
        found: dict[tuple[str, str], list[Any]] = {}
        for alert, incident in await self._wanted(request):
            found.setdefault((incident, alert["receivers"][0]["name"]), []).append(alert)
        return [
            {"labels": {"incident": incident} if incident else {}, "receiver": {"name": receiver}, "alerts": alerts}
            for (incident, receiver), alerts in sorted(found.items())
        ]

    async def _wanted(self, request: web.Request) -> list[tuple[dict[str, Any], str]]:
        """The alerts that the query asks for, each with the number of its incident."""
        asked, matchers = request.query, _filters(request)
        receiver = _pattern(asked["receiver"]) if asked.get("receiver") else None
        shown = {state: _flag(request, state) for state in ("active", "silenced", "inhibited", "unprocessed")}
        pairs = await self._alerts.open_alerts()
        incidents = await self._api.reads.incidents_by_id([e.incident_id for _, e in pairs])
        now = self._api.clock.now()
        wanted = []
        for pair in pairs:
            number, group = incidents.get(pair[1].incident_id, ("", RECEIVER))
            alert = self._alert(pair, group or RECEIVER, now)
            if not all_match(matchers, alert["labels"]) or not _shows(shown, alert["status"]):
                continue
            if receiver is not None and receiver.match(alert["receivers"][0]["name"]) is None:
                continue
            wanted.append((alert, number))
        return wanted

    def _alert(self, pair: AlertPair, receiver: str, now: datetime) -> dict[str, Any]:
        alert, episode = pair
        labels: Labels = json.loads(alert.labels)
        silence = silenced_by(labels, self._api.pipeline.desk.board.silences.values(), now)
        why = json.loads(episode.why)
        inhibited = why["code"] == "inhibited" and episode.decision == "suppressed"
        silenced_ids = [silence.id] if silence is not None else []
        inhibiting = [why["facts"].get("fingerprint", "")] if inhibited else []
        return {
            "annotations": json.loads(alert.annotations),
            "endsAt": moment_text(episode.expires_at or max(now, episode.last_at) + _OVER),
            "fingerprint": alert.fingerprint,
            "receivers": [{"name": receiver}],
            "startsAt": moment_text(alert.starts_at),
            "status": {
                "inhibitedBy": inhibiting,
                "silencedBy": silenced_ids,
                "mutedBy": [],
                "state": "suppressed" if inhibiting or silenced_ids else "active",
            },
            "updatedAt": moment_text(episode.last_at),
            "generatorURL": alert.generator_url,
            "labels": labels,
        }

    # silences

    async def silences(self, _: Actor, request: web.Request) -> Any:
        matchers = _filters(request)
        now = self._api.clock.now()
        found = await silences(self._api, now)
        return [_silence(s, now) for s in found if all_match(matchers, {m.name: m.value for m in s.matchers})]

    async def silence(self, _: Actor, request: web.Request) -> Any:
        found = await silence_by_id(self._api, request.match_info["id"])
        if found is None:
            raise Problem(404, "silence not found")
        return _silence(found, self._api.clock.now())

    async def post_silence(self, actor: Actor, request: web.Request) -> Any:
        """Under an `Idempotency-Key` it is put once; what refuses it is found anew."""
        raw = await read_raw(request)
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return await self._put_silence(actor, request, raw)

        async def once(mark: Mark, done: str | None) -> Answer:
            put = {"silenceID": done} if done is not None else await self._put_silence(actor, request, raw, mark)
            return Answer(200, json.dumps(put).encode())

        what = b"\n".join((request.method.encode(), request.path.encode(), raw))
        return json.loads((await self._api.answers.once(actor.id, key, what, self._api.clock.now(), once)).body)

    async def _put_silence(self, actor: Actor, request: web.Request, raw: bytes, mark: Mark | None = None) -> Any:
        """A fresh silence, or another end, start or comment of one that has not ended and matches the same."""
        sent = _read(read_json(request, raw))
        now = self._api.clock.now()
        starts_at, ends_at = parse_moment(sent.startsAt), parse_moment(sent.endsAt)
        if starts_at is None or ends_at is None or ends_at <= max(starts_at, now):
            raise Problem(400, "endsAt must be a moment to come, after startsAt")
        try:
            matchers = tuple(m.read() for m in sent.matchers)
        except BadMatcher as error:
            raise Problem(400, str(error)) from None
        if all_match(matchers, {}):
            raise Problem(400, "at least one matcher must not match the empty string")
        old = await silence_by_id(self._api, sent.id) if sent.id else None
        if sent.id and old is None:
            raise Problem(404, "silence not found")
        if old is not None and old.window:
            raise Problem(400, f"it is the window {old.window} of rules.yaml: end it, or make a silence beside it")
        same = old is not None and old.state(now) != "expired" and set(old.matchers) == set(matchers)
        silence = Silence(
            id=old.id if same and old is not None else str(uuid.uuid4()),
            matchers=matchers,
            starts_at=old.starts_at if same and old is not None and old.state(now) == "active" else max(starts_at, now),
            ends_at=ends_at,
            created_by=actor.id,
            comment=_clean(sent.comment),
            created_at=old.created_at if same and old is not None else now,
        )
        if old is not None and not same and old.state(now) != "expired":
            await end_silence(self._api, old.id, actor)
        await put_silence(self._api, silence, actor, replace(mark, about=silence.id) if mark is not None else None)
        return {"silenceID": silence.id}

    async def delete_silence(self, actor: Actor, request: web.Request) -> None:
        await end_silence(self._api, request.match_info["id"], actor)


def _read(sent: Any) -> SentSilence:
    try:
        return SentSilence.model_validate(sent)
    except ValidationError as error:
        raise Problem(400, str(Wrong(error, SentSilence))) from None


def _silence(silence: Silence, now: datetime) -> dict[str, Any]:
    return {
        "id": silence.id,
        "status": {"state": silence.state(now)},
        "updatedAt": moment_text(silence.created_at),
        "comment": silence.comment,
        "createdBy": silence.created_by,
        "endsAt": moment_text(silence.ends_at),
        "startsAt": moment_text(silence.starts_at),
        "matchers": [
            {"name": m.name, "value": m.value, "isRegex": m.op.endswith("~"), "isEqual": not m.op.startswith("!")}
            for m in silence.matchers
        ],
    }


def _filters(request: web.Request) -> Sequence[Matcher]:
    try:
        return [Matcher.parse(text) for text in request.query.getall("filter", [])]
    except (BadMatcher, UnicodeError) as error:
        raise Problem(400, str(error).encode("utf-8", "replace").decode()) from None


def _pattern(text: str) -> Any:
    try:
        return compile_pattern(text)
    except (BadMatcher, UnicodeError) as error:
        raise Problem(400, str(error).encode("utf-8", "replace").decode()) from None


def _flag(request: web.Request, name: str) -> bool:
    sent = request.query.get(name, "true").lower()
    if sent not in ("true", "false", "1", "0"):
        raise Problem(400, f"{name} is true or false")
    return sent in ("true", "1")


def _shows(shown: Mapping[str, bool], status: Mapping[str, Any]) -> bool:
    if status["silencedBy"] and not shown["silenced"]:
        return False
    if status["inhibitedBy"] and not shown["inhibited"]:
        return False
    return shown["active"] or status["state"] != "active"
