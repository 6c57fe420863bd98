"""The route that erases a person from what is stored."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from agent.erasing.walk import Erasing, identity
from agent.http.bodies import Body, Name
from agent.http.calls import Call, Result, Route
from agent.http.problems import Problem
from agent.http.views import View

if TYPE_CHECKING:
    from agent.http.api import Api


class ErasePerson(Body):
    """Whom to erase. The name stands in the body, for paths end up in the logs of proxies."""

    person: Name
    """The person's id in people.yaml, or the name or address under which they reported."""
    also: Annotated[list[Name], Field(max_length=50)] = []
    """Other names, addresses and numbers of theirs."""
    alerts: bool = False
    """Also look through what alerts carry and what their sources sent; a name that is a word there changes it."""


class Erased(View):
    erased_as: str | None
    """What stands for them since; null where nothing named them."""
    rows: dict[str, int]
    """How many rows of each table changed."""
    still_in: list[str]
    """Files of the configuration that name them: people's to change."""


def people_routes(api: "Api") -> list[Route]:
    """The routes of people."""
    erasing = Erasing(api.pipeline, api.engine)

    async def erase(call: Call) -> Result:
        sent = call.body(ErasePerson)
        if call.actor.id.casefold() in {name.casefold() for name in (sent.person, *sent.also)}:
            raise Problem(409, "nobody erases themselves: the record has to say who did it; ask another one of ops")
        config = api.get_config()
        who = identity(sent.person, sent.also, config)
        rows = await erasing.erase(who, call.actor.id, alerts=sent.alerts)
        still_in = ["people.yaml"] if sent.person in config.people else []
        return Result(Erased(erased_as=who.alias if rows else None, rows=rows, still_in=still_in))

    return [
        Route(
            "POST",
            "/api/v1/people/erase",
            "erase_person",
            "Erase a person",
            erase,
            Erased,
            body=ErasePerson,
            takes_long=True,
        ),
    ]
