"""The special brief of an incident as it stands (S5.1)."""

from typing import TYPE_CHECKING

from agent.http import case_views as views
from agent.http.acts import Incidents, incident_of
from agent.http.calls import Call, Result, Route
from agent.http.masking import MASKED
from agent.http.problems import not_found
from agent.http.reads.cases import CaseReads
from correlation.incident import ITEM, PROBLEM
from knowledge.brief import PLAIN, drafted, text_of

if TYPE_CHECKING:
    from agent.http.api import Api


def brief_routes(api: "Api") -> list[Route]:
    """The route of briefs."""
    reads = CaseReads(api.engine)

    async def brief(call: Call) -> Result:
        row = await api.reads.incident(call.number)
        if row is None:
            raise not_found(f"there is no incident {call.number}")
        incident, items = incident_of(row), api.pipeline.desk.register.items
        places = [items[name].location or "" for name in incident.linked(ITEM) if name in items]
        causes = [await reads.problem(number) for number in incident.linked(PROBLEM)]
        cause = next((p.root_cause for p in causes if p is not None and p.root_cause), "")
        fields = drafted(incident, [place for place in places if place], call.language, cause)
        if api.reader(call.actor, call.request, call.now).hides_words(row.reporter):
            fields = [f._replace(text=MASKED) if f.known and f.name not in PLAIN else f for f in fields]
        unknown = [field.name for field in fields if not field.known]
        return Result(
            views.BriefShown(
                number=row.number,
                major=bool(incident.major),
                complete=not unknown,
                unknown=unknown,
                fields=[views.BriefLine(**field._asdict()) for field in fields],
                text=text_of(fields),
            )
        )

    return [
        Route(
            "GET",
            "/api/v1/incidents/{number}/brief",
            "get_brief",
            "The special brief",
            brief,
            views.BriefShown,
            finds=Incidents(api).visible,
        )
    ]
