"""An incident as a page for a phone: what it is, what helps, which alerts, and what happened last."""

import base64
import hashlib
import html
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from urllib.parse import urlsplit

from agent.configuration.layers import shared
from agent.http.prose import prose
from agent.http.render.stored import Firing
from agent.http.views import At, FoundError, Happened, IncidentAlert, IncidentView, NextStep
from agent.wording.foremost import because, named, of_the_root_first
from escalation.words import Language, besides, cut, listed, local_text, state_text, told, web_address

ALERTS_SHOWN, LINES_SHOWN = 20, 15
STYLE = (shared("web") / "page.css").read_text("utf-8")
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_MOST_TOLD = 200
"""Characters that are shown of what should be an address and is none."""
_ADDRESS = re.compile(r"https?://[^\s<>\"']+")
_WORDS: dict[str, tuple[str, str]] = {
    "severity": ("Severity", "严重程度"),
    "nobody": ("nobody has it", "尚无人接手"),
    "has_it": ("with", "处理人"),
    "merged": ("The same trouble as", "属于同一故障，已并入"),
    "root": ("Likely root", "可能的根源"),
    "opened": ("Opened", "登记时间"),
    "fires_since": ("Firing since", "告警始于"),
    "cleared": ("All alerts cleared", "告警全部恢复"),
    "response_due": ("Response due", "响应期限"),
    "resolve_due": ("Resolution due", "解决期限"),
    "next_step": ("Next step", "下一步升级"),
    "held": ("Waits until", "步骤暂缓至"),
    "untold": ("Told last", "最后一次上报"),
    "group": ("Group", "处理组"),
    "known_error": ("Known error", "已知错误"),
    "safety": ("Safety", "安全提示"),
    "unknown": ("No known error fits.", "没有匹配的已知错误。"),
    "looked_for": ("None yet: they are still looked through.", "暂无：仍在查找。"),
    "alerts": ("Alerts", "告警"),
    "firing": ("firing", "正在告警"),
    "resolved": ("resolved", "已恢复"),
    "more": ("and more", "其余略"),
    "happened": ("What happened", "时间线"),
    "to": ("to", "通知"),
    "at_source": ("At its source", "在监控系统中查看"),
}


def page(language: str, title: str, body: Iterable[str]) -> str:
    """A whole page; `body` is HTML, `title` is not."""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style></head><body>{''.join(body)}</body></html>"
    )


def tag(name: str, text: str, style: str = "") -> str:
    """An element that holds a text; whatever comes from outside is escaped."""
    return f"<{name}{f' class={style}' if style else ''}>{html.escape(text)}</{name}>"


def goes_on_at(one: IncidentView, step: NextStep) -> datetime:
    """When the next step is taken: what is held back comes when that ends, though it was due before."""
    return max(step.due_at, one.held.until) if one.held is not None else step.due_at


class IncidentPage:
    """One incident in the language and on the clock of one reader.

    `group` is what they call its group, `root` the alert that its others are taken to come of, `firing` since when
    alerts of it fire, `names` what people are called.
    """

    def __init__(
        self,
        incident: IncidentView,
        language: Language,
        zone: tzinfo | None,
        group: str,
        root: IncidentAlert | None = None,
        firing: Firing | None = None,
        names: Mapping[str, str] | None = None,
    ) -> None:
        self._incident, self._language, self._zone, self._group = incident, language, zone, group
        self._root, self._firing, self._names = root, firing or Firing(), names or {}

    def head(self) -> list[str]:
        """Number, severity, title, what it came of, and who has it."""
        found = self._incident
        state = state_text(found.state, self._language)
        holder = f"{self._say('has_it')} {self._called(found.assignee)}" if found.assignee else self._say("nobody")
        return [
            "<p>",
            tag("span", f"{self._say('severity')} {found.severity}", "sev"),
            tag("span", f" · {found.number}", "soft"),
            "</p>",
            tag("h1", found.title),
            *self._came_of(),
            self._merged(found.merged_into) if found.merged_into else tag("p", f"{state} · {holder}"),
        ]

    def _came_of(self) -> list[str]:
        if self._root is None or self._incident.root is None:
            return []
        why = self._incident.root.why
        root = self._told("root", named(self._root.labels, self._root.annotations))
        return [tag("p", root, "root"), tag("p", because(why.code, why.text), "soft")]

    def _merged(self, into: str) -> str:
        """Where its alerts are now."""
        link = f'<a href="/incidents/{html.escape(into)}">{html.escape(into)}</a>'
        return f"<p>{html.escape(self._say('merged'))} {link}</p>"

    def rest(self, happened: Sequence[Happened]) -> list[str]:
        """When it is due, what helps, its alerts, and `happened`, the newest first."""
        return [*self._dues(), *self._helps(), *self._alerts(), *self._happened(happened)]

    def _say(self, word: str) -> str:
        return _WORDS[word][self._language == "zh"]

    def _told(self, word: str, value: str) -> str:
        return told(self._say(word), value, self._language)

    def _called(self, person: str) -> str:
        return self._names.get(person, person)

    def _at(self, moment: datetime | At) -> str:
        return local_text(moment, self._zone)

    def _dues(self) -> list[str]:
        found = self._incident
        step = found.next_step
        people = listed(map(self._called, step.targets), self._language) if step else ""
        to = f" {self._say('to')} {people}" if people else ""
        facts = [
            ("group", self._group),
            ("opened", self._at(found.opened_at)),
            ("fires_since", self._firing.since and self._at(self._firing.since)),
            ("cleared", self._firing.cleared and self._at(self._firing.cleared)),
            ("response_due", found.response_due_at and self._at(found.response_due_at)),
            ("resolve_due", found.resolve_due_at and self._at(found.resolve_due_at)),
            ("untold", found.record.untold_since and self._at(found.record.untold_since)),
            ("held", found.held and told(self._at(found.held.until), found.held.why.text, self._language)),
            ("next_step", step and f"{self._at(goes_on_at(found, step))}{to}"),
        ]
        return ["<dl>", *(tag("dt", self._say(w)) + tag("dd", fact) for w, fact in facts if fact), "</dl>"]

    def _helps(self) -> list[str]:
        if not self._incident.known_errors:
            none = self._incident.no_known_error
            said = self._say("looked_for" if none is not None and none.pending else "unknown")
            return [tag("h2", self._say("known_error")), tag("p", said)]
        fitting = of_the_root_first(self._incident.known_errors, self._root.labels if self._root else {})
        return [part for found in fitting[:2] for part in self._known_error(found)]

    def _known_error(self, found: FoundError) -> list[str]:
        return [
            tag("h2", self._told("known_error", found.title)),
            tag("p", f"{found.confidence:.0%} · {found.why.text}", "soft"),
            *([f"<p class=safety>{self._told('safety', prose(found.safety_note))}</p>"] if found.safety_note else []),
            f"<p class=plain>{prose(found.workaround)}</p>",
        ]

    def _alerts(self) -> list[str]:
        alerts, record = self._incident.alerts, self._incident.record
        firing = besides(f"{record.open_alerts} {self._say('firing')}", self._language)
        counted = self._told("alerts", f"{record.alert_count}{firing}")
        shown = [self._alert(alert) for alert in self._root_first(alerts)[:ALERTS_SHOWN]]
        more = [tag("p", f"{self._say('more')} …", "soft")] if len(alerts) >= ALERTS_SHOWN < record.alert_count else []
        return [tag("h2", counted), *shown, *more]

    def _root_first(self, alerts: Sequence[IncidentAlert]) -> list[IncidentAlert]:
        root = self._root
        if root is None:
            return list(alerts)
        others = [a for a in alerts if (a.fingerprint, a.startsAt) != (root.fingerprint, root.startsAt)]
        return [root, *others]

    def _alert(self, alert: IncidentAlert) -> str:
        labels = {k: v for k, v in alert.labels.items() if k != "alertname"}
        said = [(k, v) for k, v in alert.annotations.items() if v != self._incident.title]
        return "".join(
            [
                '<div class="alert">',
                tag("p", f"{self._say(alert.status)} · {alert.labels.get('alertname', '')}"),
                tag("p", " ".join(f"{k}={v}" for k, v in labels.items()), "soft"),
                *(f"<p>{html.escape(k)}: {_linked(v)}</p>" for k, v in said[:8]),
                self._at_source(alert.generatorURL),
                "</div>",
            ]
        )

    def _at_source(self, written: str) -> str:
        """Where the alert is looked at: a link that names its host, for the rest is a query of several lines."""
        if not written:
            return ""
        address = web_address(written)
        shown = _link(address, urlsplit(address).netloc) if address else html.escape(cut(written, _MOST_TOLD))
        return f"<p>{self._told('at_source', shown)}</p>"

    def _happened(self, happened: Sequence[Happened]) -> list[str]:
        lines = (
            f"<li>{tag('time', f'{self._at(h.at)} · {self._called(h.actor)}')}{html.escape(h.text)}</li>"
            for h in happened
        )
        return [tag("h2", self._say("happened")), "<ol>", *lines, "</ol>"]


def _linked(text: str) -> str:
    """A text in which web addresses can be tapped: a runbook, a dashboard."""
    pieces, rest = [], 0
    for found in _ADDRESS.finditer(text):
        pieces += [html.escape(text[rest : found.start()]), _link(found[0], found[0])]
        rest = found.end()
    return "".join([*pieces, html.escape(text[rest:])])


def _link(address: str, text: str) -> str:
    return f'<a href="{html.escape(address)}" rel="noopener noreferrer">{html.escape(text)}</a>'
