"""What a page tells programs: the incident, why, and what may help, as JSON can hold it."""

from typing import Any, NamedTuple

from collectors.moment import moment_text
from escalation.page_facts import MOST_ALERTS, MOST_KNOWN, MOST_NEAR, MOST_STEPS, PageFacts
from escalation.words import Language, block, bounded, one_line

_TITLE = 200


class Same(NamedTuple):
    """What is the same in all pages of one moment about an incident."""

    incident: Any
    alerts: Any
    known_errors: Any


def same_of(facts: PageFacts) -> Same:
    """Cut to size what all pages of this moment say."""
    return Same(bounded(_incident(facts)), bounded(list(facts.alerts[:MOST_ALERTS])), bounded(_errors(facts)))


def payload(facts: PageFacts, same: Same, reason: str, text: str, language: Language) -> dict[str, Any]:
    """The page as a JSON object; `reason` and `text` are what people read. Each field has at most 4000 characters."""
    return {
        "incident": same.incident,
        "step": bounded(facts.step),
        "target": bounded(facts.target),
        "role": bounded(facts.role),
        "reason": bounded({**facts.reason, "text": reason}),
        "supersedes": bounded(list(facts.supersedes[:MOST_STEPS])),
        "repeat_unconfirmed": facts.unconfirmed,
        "alert_count": facts.alert_count,
        "alerts": same.alerts,
        "known_errors": same.known_errors,
        "nearest": bounded(_near(facts)),
        "links": bounded(dict(facts.links)),
        "language": language,
        "text": text,
    }


def _errors(facts: PageFacts) -> list[dict[str, Any]]:
    return [
        {
            "id": known.id,
            "title": one_line(known.title, _TITLE),
            "workaround": block(known.workaround),
            "safety_note": block(known.safety_note),
            "why": one_line(known.why),
            "confidence": known.confidence,
        }
        for known in facts.known_errors[:MOST_KNOWN]
    ]


def _near(facts: PageFacts) -> list[dict[str, str]]:
    return [
        {
            "number": near.number,
            "title": one_line(near.title, _TITLE),
            "resolution": block(near.resolution),
            "why": one_line(near.why),
            "link": near.link,
        }
        for near in facts.nearest[:MOST_NEAR]
    ]


def _incident(facts: PageFacts) -> dict[str, Any]:
    return {
        "number": facts.number,
        "title": one_line(facts.title, _TITLE),
        "state": facts.state,
        "severity": facts.severity,
        "category": facts.category,
        "group": facts.group,
        "assignee": facts.assignee,
        "opened_at": moment_text(facts.opened_at),
        "resolved_at": moment_text(facts.resolved_at),
        "response_due_at": moment_text(facts.response_due_at),
        "resolve_due_at": moment_text(facts.resolve_due_at),
    }
