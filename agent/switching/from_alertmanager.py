"""An alertmanager.yml becomes the beginning of a site: routes, inhibitions, receivers; and what is left to a person."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from agent.switching.alertmanager_times import Muted, has_times
from collectors.labels import BadMatcher, Matcher

_UNFIT = re.compile(r"[^a-z0-9_.-]+")
_INTAKE = "/webhooks/alertmanager/"
_PIECE = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^,"])+')


class NoAlertmanagerFile(ValueError):
    """What was read is no configuration of an Alertmanager; the text says what to name."""


class _GoesOn(NamedTuple):
    """A route of ours that goes on, and the one that it was made of."""

    ours: Mapping[str, Any]
    theirs: Mapping[str, Any]


@dataclass
class Site:
    """What was taken over: the files of a site, the secrets they name, and a line for each thing that was not."""

    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    routes: list[dict[str, Any]] = field(default_factory=list)
    ours: frozenset[str] = frozenset()
    """The receivers by which that Alertmanager sends to a Tocsin: to take them over would be to page ourselves."""
    nobodys: frozenset[str] = frozenset()
    """The receivers without a channel: what goes there is dropped."""
    muted: Muted = field(default_factory=Muted)
    going_on: list["_GoesOn"] = field(default_factory=list)
    """The routes told besides that have times, until what takes the rest of their alerts stands behind them."""

    def leave(self, what: str, why: str) -> None:
        """Note once what is not taken over, and what to do."""
        line = f"{what}: {why}"
        self.left += [line] if line not in self.left else []

    def secret(self, name: str, said: Mapping[str, Any], key: str) -> str:
        """Keep a secret beside the site; return the path of its file, or that of the file it stands in already."""
        if said.get(f"{key}_file"):
            return str(said[f"{key}_file"])
        return self.keep(name, str(said[key]))

    def keep(self, name: str, secret: str) -> str:
        """Keep a secret under a name of its own; return the path of its file."""
        names = (name, *(f"{name}-{count}" for count in range(2, 1000)))
        free = next(n for n in names if self.secrets.get(n, secret) == secret)
        self.secrets[free] = secret
        return f"secrets/{free}"


def site_of(written: Any, api_urls: Sequence[str] = ()) -> Site:
    """The site that tells the same receivers: each is a group, and a person who stands for it until people are written.

    `written` is the file as read. Raises NoAlertmanagerFile.
    """
    route = written.get("route") if isinstance(written, Mapping) else None
    if not isinstance(route, Mapping) or not isinstance(route.get("receiver"), str):
        raise NoAlertmanagerFile("it has no route with a receiver: name the alertmanager.yml itself")
    site = Site(ours=_ourselves(written), nobodys=_nobodys(written))
    notifiers, people = _receivers(written, site)
    first = name_of(route["receiver"])
    if first not in people:
        site.leave(f"receiver {first}", "it tells nobody here, so nobody is in fallback: write who is told at last")
    else:
        people[first]["roles"] = ["l1", "desk", "pm"]
    _take_routes(route, (), site)
    windows = site.muted.windows(written, site.leave)
    inhibit = [_inhibition(rule, at, site) for at, rule in enumerate(_list(written, "inhibit_rules"), 1)]
    source = {"type": "alertmanager", "token": "${AM_TOKEN}", **({"api_urls": list(api_urls)} if api_urls else {})}
    site.files = {
        "tocsin.yaml": {
            "pack": "on-call-only",
            "sources": {"am": source},
            "notifiers": notifiers,
            "fallback": [first] if first in people else [],
        },
        "people.yaml": {"groups": {r["group"]: {} for r in site.routes if "group" in r}, "people": people},
        "rules.yaml": {
            "routes": site.routes,
            "inhibit": [rule for rule in inhibit if rule],
            **({"windows": windows} if windows else {}),
        },
    }
    _note_the_rest(written, route, site)
    return site


def name_of(text: str) -> str:
    """A name as it is written here, of one that Alertmanager takes."""
    return _UNFIT.sub("-", text.lower()).strip("-._") or "receiver"


# routes


def _take_routes(route: Mapping[str, Any], above: tuple[str, ...], site: Site, *, goes_on: bool = False) -> None:
    """The routes below one, then itself: of nested ones the innermost that matches says the group.

    One with `continue` is told besides what follows it, and takes what nothing after it takes.
    """
    going_on: list[tuple[Mapping[str, Any], list[_GoesOn]]] = []
    for one in (r for r in _list(route, "routes") if isinstance(r, Mapping)):
        below = {**one, "receiver": str(one.get("receiver") or route["receiver"])}
        if below["receiver"] in site.ours:
            site.leave(f"route to {below['receiver']}", "it sends to Tocsin: nothing to do")
            continue
        if one.get("continue") is True and not goes_on and _list(one, "routes"):
            why = "what its own routes take is told to its receiver too"
            site.leave(f"route to {below['receiver']}, continue", why)
        before = len(site.going_on)
        _take_below(below, above, site, goes_on=goes_on or one.get("continue") is True)
        if one.get("continue") is True and not goes_on:
            going_on.insert(0, (below, site.going_on[before:]))
    for later, told in going_on:
        site.going_on = [one for one in site.going_on if one not in told]
        _take_below(later, above, site)
    name = name_of(str(route["receiver"]))
    taken = {"id": f"{len(site.routes) + 1}-{name}", "match": list(above)}
    if str(route["receiver"]) in site.nobodys:
        site.leave(
            f"receiver {name}", "it has no channel, so that nobody is told: `pages: false` of its routes says it"
        )
        if not goes_on:
            _take_before_nobody(above, site)
            site.routes.append({"id": f"{len(site.routes) + 1}-{name}", "match": list(above), "pages": False})
        return
    site.routes.append({**taken, "group": name, **({"continue": True} if goes_on else {})})
    if not goes_on:
        site.muted.take(route, str(taken["id"]))
        return
    site.muted.go_on(route)
    if has_times(route):
        site.going_on.append(_GoesOn(site.routes[-1], route))


def _take_before_nobody(match: Sequence[str], site: Site) -> None:
    """What goes to nobody here is taken by the last route that went on to this one: at the hours of that route."""
    for one in reversed(site.going_on):
        group = one.ours["group"]
        taken = {"id": f"{len(site.routes) + 1}-{group}", "match": list(dict.fromkeys((*one.ours["match"], *match)))}
        site.routes.append({**taken, "group": group})
        site.muted.take(one.theirs, str(taken["id"]))


def _take_below(route: Mapping[str, Any], above: tuple[str, ...], site: Site, *, goes_on: bool = False) -> None:
    try:
        _take_routes(route, (*above, *_conditions(route)), site, goes_on=goes_on)
    except BadMatcher as error:
        site.leave(f"route to {route['receiver']}", str(error))


def _conditions(route: Mapping[str, Any]) -> list[str]:
    """What a route matches, in the old form and the new. Raises BadMatcher."""
    return [
        *_pairs(route.get("match"), "="),
        *_pairs(route.get("match_re"), "=~"),
        *_matchers(route.get("matchers")),
    ]


def _pairs(match: Any, op: str) -> list[str]:
    return [_text(Matcher(str(k), op, str(v))) for k, v in match.items()] if isinstance(match, Mapping) else []


def _matchers(written: Any) -> list[str]:
    """`[a="b", …]` or `{a="b", c=~"d"}`, as texts of ours. Raises BadMatcher."""
    texts = [written] if isinstance(written, str) else written or []
    pieces = [p.strip() for t in texts for p in _PIECE.findall(str(t).strip().removeprefix("{").removesuffix("}"))]
    return [_text(Matcher.parse(p)) for p in pieces if p]


def _text(matcher: Matcher) -> str:
    value = matcher.value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{matcher.name}{matcher.op}"{value}"'


def _inhibition(rule: Any, at: int, site: Site) -> dict[str, Any] | None:
    said = rule if isinstance(rule, Mapping) else {}
    if "sources" in said:
        site.leave(f"inhibit_rules[{at}]", "it has several sources: write one rule of rules.yaml for each")
        return None
    try:
        source, target = (
            [
                *_pairs(said.get(f"{side}_match"), "="),
                *_pairs(said.get(f"{side}_match_re"), "=~"),
                *_matchers(said.get(f"{side}_matchers")),
            ]
            for side in ("source", "target")
        )
    except BadMatcher as error:
        site.leave(f"inhibit_rules[{at}]", str(error))
        return None
    equal = [str(label) for label in said.get("equal") or []]
    return {"id": name_of(str(said.get("name") or f"inhibit-{at}")), "source": source, "target": target, "equal": equal}


# receivers


def _receivers(written: Mapping[str, Any], site: Site) -> tuple[dict[str, Any], dict[str, Any]]:
    """The channels of all receivers, and for each receiver somebody of its group who is told by them."""
    common = written.get("global") or {}
    notifiers: dict[str, Any] = {}
    people: dict[str, Any] = {}
    for receiver in _list(written, "receivers"):
        name = name_of(str(receiver.get("name", ""))) if isinstance(receiver, Mapping) else ""
        if name and receiver["name"] in site.ours:
            continue
        contacts: list[dict[str, Any]] = []
        for kind, channels in (receiver if name else {}).items():
            for said in channels if kind.endswith("_configs") and isinstance(channels, list) else []:
                made = _CHANNELS.get(kind, _unknown)(name, {**common, **said}, site)
                if made is None:
                    site.leave(f"receiver {name}, {kind}", "write its channel by hand: docs/plugins.md, Notifiers")
                    continue
                channel, to = made
                if "{{" in to:
                    site.leave(f"receiver {name}, {kind}", f"{to!r} is a template: write who it is for each group")
                    continue
                called = next((n for n, c in notifiers.items() if c == channel), _free(name, kind, notifiers))
                notifiers[called] = channel
                # An Alertmanager tells all channels of a receiver at once.
                for address in to.split(",") if kind == "email_configs" else [to]:
                    contact = {"notifier": called, "to": address.strip()}
                    told_of_ends = {"send_resolved": True} if said.get("send_resolved", kind in _TELL_ENDS) else {}
                    contacts.append({**contact, **({"after": "0s"} if contacts else {}), **told_of_ends})
        if contacts:
            people[name] = {"name": str(receiver["name"]), "roles": ["l1"], "groups": [name], "contacts": contacts}
    return notifiers, people


def _ourselves(written: Mapping[str, Any]) -> frozenset[str]:
    sent_to = (
        (receiver.get("name"), str(said.get("url", "")))
        for receiver in _list(written, "receivers")
        for said in _list(receiver, "webhook_configs")
        if isinstance(said, Mapping)
    )
    return frozenset(str(name) for name, url in sent_to if _INTAKE in url)


def _nobodys(written: Mapping[str, Any]) -> frozenset[str]:
    receivers = [one for one in _list(written, "receivers") if isinstance(one, Mapping)]
    return frozenset(str(one.get("name")) for one in receivers if not any(_list(one, kind) for kind in one))


def _free(receiver: str, kind: str, taken: Mapping[str, Any]) -> str:
    name = f"{receiver}-{kind.removesuffix('_configs')}"
    return next(n for n in (name, *(f"{name}-{count}" for count in range(2, 1000))) if n not in taken)


_Made = tuple[dict[str, Any], str] | None


def _unknown(name: str, said: Mapping[str, Any], site: Site) -> _Made:
    return None


def _email(name: str, said: Mapping[str, Any], site: Site) -> _Made:
    host, _, port = str(said.get("smarthost") or said.get("smtp_smarthost") or "").rpartition(":")
    sender = said.get("from") or said.get("smtp_from")
    if not host or not port.isdigit() or not sender or not said.get("to"):
        return None
    starttls = said.get("require_tls", said.get("smtp_require_tls", True)) is not False
    tls = "implicit" if port == "465" else "starttls" if starttls else "none"
    channel = {"type": "email", "host": host, "port": int(port), "sender": str(sender), "tls": tls}
    login = {**said, **{k.removeprefix("smtp_"): v for k, v in said.items() if k.startswith("smtp_auth_")}, **said}
    if login.get("auth_username"):
        channel["username"] = str(login["auth_username"])
        if login.get("auth_password") or login.get("auth_password_file"):
            channel["password_file"] = site.secret("smtp", login, "auth_password")
    return channel, str(said["to"])


def _webhook(name: str, said: Mapping[str, Any], site: Site) -> _Made:
    if not (said.get("url") or said.get("url_file")):
        return None
    site.leave(f"receiver {name}, webhook_configs", "it gets our JSON now (docs/plugins.md): change what reads it")
    return {"type": "webhook", "url_file": site.secret(f"{name}-webhook", said, "url")}, name


def _slack(name: str, said: Mapping[str, Any], site: Site) -> _Made:
    key = "api_url" if said.get("api_url") or said.get("api_url_file") else "slack_api_url"
    if not (said.get(key) or said.get(f"{key}_file")):
        return None
    body = {"channel": "{to}", "text": "{text}"}
    return {"type": "webhook", "url_file": site.secret("slack", said, key), "body": body}, str(
        said.get("channel", name)
    )


def _discord(name: str, said: Mapping[str, Any], site: Site) -> _Made:
    if not (said.get("webhook_url") or said.get("webhook_url_file")):
        return None
    url = site.secret(f"{name}-discord", said, "webhook_url")
    return {"type": "webhook", "url_file": url, "body": {"content": "{text}"}, "most_bytes": 1900}, name


def _telegram(name: str, said: Mapping[str, Any], site: Site) -> _Made:
    if not said.get("bot_token") or not said.get("chat_id"):
        return None
    url = site.keep("telegram", f"https://api.telegram.org/bot{said['bot_token']}/sendMessage")
    body = {"chat_id": "{to}", "text": "{text}"}
    channel = {"type": "webhook", "url_file": url, "body": body, "most_bytes": 4000}
    return channel, str(said["chat_id"])


_CHANNELS = {
    "email_configs": _email,
    "webhook_configs": _webhook,
    "slack_configs": _slack,
    "discord_configs": _discord,
    "telegram_configs": _telegram,
}


_TELL_ENDS = frozenset({"webhook_configs", "discord_configs", "telegram_configs"})
"""The channels by which an Alertmanager sends what has resolved unless they say otherwise."""


# what is left


def _note_the_rest(written: Mapping[str, Any], route: Mapping[str, Any], site: Site) -> None:
    every = list(_every(route))
    if any(r.get("group_by") for r in every):
        why = "what is one incident is found by evidence; the group is a hint (docs/correlation.md)"
        site.leave("group_by", f"{why}. To make it certain write `join` rules in rules.yaml")
    if any(r.get(key) for r in every for key in ("group_wait", "group_interval", "repeat_interval")):
        why = "the timetable says who is told when, and what nobody acknowledges is told again: `unacked_repeat`"
        site.leave("group_wait, group_interval, repeat_interval", f"{why} of escalation.yaml")
    if any(r.get("continue") is True and str(r.get("receiver")) not in site.ours for r in every):
        why = "its group is told once, when the incident opens: the timetable is for the group that has it"
        site.leave("continue", why)
    if written.get("templates"):
        site.leave("templates", "texts are ours; a notifier's `body` says what is sent of them")
    site.leave(
        "people", "each receiver stands in people.yaml as if it were somebody: write your people and oncall.yaml"
    )


def _every(route: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield route
    for below in _list(route, "routes"):
        if isinstance(below, Mapping):
            yield from _every(below)


def _list(value: Any, key: str) -> list[Any]:
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, list) else []
