"""The record form of an incident (procedure 4.15): what is no column of its own, masked for whom it is not for."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agent.http import masking, views
from agent.http.masking import MASKED
from agent.http.reads.sums import Sums
from agent.http.render.stored import history_of, json_of
from agent.turn import AGENT
from collectors.moment import parse_moment
from correlation import form
from correlation.incident import ITEM, State
from correlation.tables import IncidentRow
from knowledge.store import LinkRow

if TYPE_CHECKING:
    from agent.http.render.reader import Reader


def record_of(reader: "Reader", row: IncidentRow, links: Sequence[LinkRow], sums: Sums) -> views.Record:
    """The record form of an incident, as far as this reader may see it."""
    kept = {k: v for k, v in json_of(row.resolution).items() if k != "acts"}
    judged = json_of(row.form)
    filled = _form(row, kept, links) | _summed(sums)
    filled |= {name: reader.why(judged[name]) if name in judged else None for name in (form.SCOPE, form.IS_CHANGE)}
    plain = {n: getattr(row, n) for n in views.Record.model_fields if n != "resolution" and n not in filled}
    plain |= filled
    if reader.is_masked(row.reporter):
        words = reader.hides_words(row.reporter)
        hidden = {"reporter", "recorder", *form.CONTACTS}
        hidden |= {"symptom", "next_action", *form.WORDS} if words else set()
        plain |= {name: MASKED for name in hidden if plain[name] not in (None, "", AGENT)}
        kept = masking.masked_facts(kept, words=words, reporter=row.reporter)
    return views.Record(**plain, resolution=kept)


def major_of(reader: "Reader", stored: Mapping[str, Any] | None, reporter: str | None) -> views.MajorView | None:
    """What was declared of a major incident."""
    if stored is None:
        return None
    if reader.is_masked(reporter):
        stored = masking.masked_facts(stored, words=reader.hides_words(reporter), reporter=reporter)
    return views.MajorView.model_validate({name: stored.get(name) for name in views.MajorView.model_fields})


def _form(row: IncidentRow, resolution: Mapping[str, Any], links: Sequence[LinkRow]) -> dict[str, Any]:
    """The fields of the record form that are no columns of their own."""
    filled, history = json_of(row.form), history_of(row)
    empty = {name: None if name == "service_affecting" else [] if name == "error_codes" else "" for name in form.FIELDS}
    return {
        **empty,
        **{name: value for name, value in filled.items() if name in form.FIELDS},
        **{name: parse_moment(filled.get(name) or "") for name in form.MOMENTS},
        "reported_at": row.opened_at,
        "recorded_at": parse_moment(filled.get("recorded_at") or "") or row.opened_at,
        "accepted_at": parse_moment((resolution.get("acceptance") or {}).get("at") or ""),
        "archived_at": form.entered_at(history, State.ARCHIVED),
        "proactive": form.is_proactive(row.source),
        form.BY_RULE: filled.get(form.BY_RULE),
        "solved_tier": row.tier if row.resolved_at is not None else None,
        "affected_items": [link.target for link in links if link.kind == ITEM],
    }


def _summed(sums: Sums) -> dict[str, Any]:
    return {
        "escalations": views.Escalations(functional=sums.functional, hierarchical=sums.hierarchical),
        "attachments": sums.attachments,
        "last_customer_update": sums.last_customer_update,
    }
