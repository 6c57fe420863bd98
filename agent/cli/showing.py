"""What `tocsin incident show` and `why` print: what matters first, and of what is long the beginning."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agent.cli.printing import cut_to, printable
from agent.wording.foremost import because, is_root, named, of_the_root_first

ALERTS_SHOWN, LINES_SHOWN = 20, 40
"""Of an incident, unless all is asked for."""
_KINDS, _SEVERAL = 8, 2
_MOST_TOLD = 1000
"""Alerts of one incident, by the API."""


def moment(text: str) -> str:
    """A moment of the API, as a table shows it."""
    return text[:19].replace("T", " ") + "Z"


def standing(found: Mapping[str, Any]) -> Iterator[str]:
    """What an incident is, who has it, what it came of, and what is due."""
    yield f"{found['number']}  {found['title']}"
    yield f"severity {found['severity']}, {found['state']}, group {found['group']}, {found['assignee'] or 'nobody'}"
    if found["merged_into"]:
        yield f"merged into      {found['merged_into']}, which has its alerts now"
    root = next((alert for alert in found["alerts"] if is_root(found["root"], alert)), None)
    if found["root"] and len({alert["fingerprint"] for alert in found["alerts"]}) > 1:
        yield f"likely root      {named(root['labels'], root['annotations']) if root else found['root']['fingerprint']}"
        why = found["root"]["why"]
        yield f"  because        {because(why['code'], why['text'])}"
    for name in ("opened_at", "response_due_at", "resolve_due_at", "acknowledged_at", "resolved_at"):
        if found[name]:
            yield f"{name:<16} {moment(found[name])}"
    yield from _firing(found)
    if found["held"]:
        yield f"steps wait until {moment(found['held']['until'])}: {found['held']['why']['text']}"
    step = found["next_step"]
    if step:
        at = max(step["due_at"], found["held"]["until"]) if found["held"] else step["due_at"]
        yield f"next step        {step['step']} at {moment(at)} to {', '.join(step['targets']) or '-'}"
    if found["record"]["alert_count"] > 1:
        yield f"alerts           {_counted(found)}"


def _firing(found: Mapping[str, Any]) -> Iterator[str]:
    """Since when no alert of it fires any more, while it is still open."""
    if found["service_restored_at"] and not found["resolved_at"] and not found["record"]["open_alerts"]:
        yield f"alerts cleared   {moment(found['service_restored_at'])}"


def headline(found: Mapping[str, Any], most: int) -> str:
    """The title of an incident of a list, with the root where the title does not say it."""
    title = cut_to(found["title"], most)
    root = next((alert for alert in found["alerts"] if is_root(found["root"], alert)), None)
    if root is None or len({alert["fingerprint"] for alert in found["alerts"]}) < _SEVERAL:
        return title
    came_of = named(root["labels"], root["annotations"])
    return title if came_of.endswith(found["title"]) else f"{title}  (root: {cut_to(came_of, most)})"


def _counted(found: Mapping[str, Any]) -> str:
    """How many alerts there are, and of which kinds most of what is at hand is."""
    record, kinds = found["record"], Counter(a["labels"].get("alertname", "") for a in found["alerts"])
    most = ", ".join(f"{name} {count}" for name, count in kinds.most_common(_KINDS))
    return f"{record['alert_count']}, {record['open_alerts']} firing: {most}{', …' if len(kinds) > _KINDS else ''}"


def helping(found: Mapping[str, Any], *, everything: bool) -> Iterator[str]:
    """The known errors: in full the first, which fits the root where any does; the titles of the others."""
    root = next((alert for alert in found["alerts"] if is_root(found["root"], alert)), None)
    errors = of_the_root_first(found["known_errors"], root["labels"] if root else {})
    for error in errors if everything else errors[:1]:
        yield f"\n{_known(error)}"
        if error["safety_note"]:
            yield f"safety: {error['safety_note']}"
        yield error["workaround"]
    if len(errors) > 1 and not everything:
        yield "\nthese fit other alerts of it (tocsin known-error show ID):"
        yield from (f"  {_known(error)}" for error in errors[1:])
    if found["no_known_error"] is not None:
        yield from _nearest(found["no_known_error"])


def _known(error: Mapping[str, Any]) -> str:
    return f"known error {error['id']} ({error['confidence']:.2f}): {error['title']}"


def _nearest(none_fits: Mapping[str, Any]) -> Iterator[str]:
    """That no known error fits, and how what resembles it was solved."""
    yield f"\n{none_fits['text']}"
    for near in none_fits["nearest"]:
        yield f"  {near['number']} {near['title']} ({near['why']['text']}): {near['type']}, {near['resolution']}"


def alerts(found: Mapping[str, Any], *, everything: bool) -> Iterator[str]:
    """Each alert as the person who is paged needs it, the root first: labels, what the rule says, why it is here."""
    ordered = sorted(found["alerts"], key=lambda alert: not is_root(found["root"], alert))
    shown = ordered if everything else ordered[:ALERTS_SHOWN]
    for alert in shown:
        yield from _alert(alert)
    if left := len(ordered) - len(shown):
        there = f"{left} more" if len(ordered) < _MOST_TOLD else f"the others; the API tells of {_MOST_TOLD} at most"
        yield f"… and {there} (--all)"
        yield ""


def _alert(alert: Mapping[str, Any]) -> Iterator[str]:
    labels = dict(alert["labels"])
    name = labels.pop("alertname", "")
    about = " ".join(f"{key}={value}" for key, value in labels.items())
    yield printable(f"{alert['status']}  {name}  {about}  since {alert['startsAt']}")
    for key, value in alert["annotations"].items():
        yield printable(f"  {key}: {value}")
    if alert["generatorURL"]:
        yield printable(f"  generatorURL: {alert['generatorURL']}")
    yield printable(f"  why here: {alert['why']['text']}")
    yield f"  fingerprint: {alert['fingerprint']}"
    yield ""


def explained(found: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Why each alert is in its incident, what spoke for another one, and why one of them is the root."""
    known = {(a["fingerprint"], a["startsAt"]): a for a in found["alerts"]}
    yield f"{found['number']}  {found['title']}"
    yield ""
    for item in sorted(items, key=lambda one: one["root"] is None):
        alert = known.get((item["fingerprint"], item["startsAt"]))
        yield f"{named(alert['labels'], alert['annotations']) if alert else item['fingerprint']}"
        if item["root"] is not None:
            yield f"  root:     {item['root']['text']}"
        yield f"  why here: {item['why']['text']}"
        if item["rejected"] is not None:
            yield f"  why not elsewhere: {item['rejected']['text']}"
        yield f"  fingerprint: {item['fingerprint']}"
        yield ""
