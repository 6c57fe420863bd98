"""`tocsin oncall who|show`: who is paged now, and in the days to come."""

from datetime import datetime, timedelta

import click

from agent.cli.client import Api, shown, table, with_api


@click.group()
def oncall() -> None:
    """Who is on call."""


@oncall.command()
@click.option("--at", help="At this moment (2026-03-02T09:00:00Z) instead of now.")
@with_api
def who(url: str, token: str, as_json: bool, at: str | None) -> None:
    """Who is on call, first the one to page, then who comes next."""
    found = Api(url, token).call("GET", "/api/v1/oncall", query={"at": at})
    if as_json:
        shown(found)
        return
    table(
        ("SCHEDULE", "GROUP", "ROLE", "PEOPLE"),
        [(s["schedule"], s["group"], s["role"], s["people"]) for s in found["items"]],
    )


@oncall.command()
@click.option("--days", type=click.IntRange(1, 62), default=14, show_default=True)
@with_api
def show(url: str, token: str, as_json: bool, days: int) -> None:
    """Who will be first on call, by schedule, at this time of each of the next days."""
    api = Api(url, token)
    first = api.call("GET", "/api/v1/oncall")
    start = datetime.fromisoformat(first["at"])
    seen = [first]
    for day in range(1, days):
        at = (start + timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ")
        seen.append(api.call("GET", "/api/v1/oncall", query={"at": at}))
    if as_json:
        shown(seen)
        return
    names = [s["schedule"] for s in first["items"]]
    rows = [(moment["at"][:16].replace("T", " ") + "Z", *_firsts(moment, names)) for moment in seen]
    table(("AT", *names), rows)


def _firsts(moment: dict[str, list[dict[str, list[str]]]], names: list[str]) -> list[str]:
    people = {str(s["schedule"]): s["people"] for s in moment["items"]}
    return [people[name][0] if people.get(name) else "nobody" for name in names]
