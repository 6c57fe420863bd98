"""`tocsin oncall …`: who is paged now and in the days to come, and who stands in for whom."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from agent.cli.client import Api, with_api
from agent.cli.options import Instant
from agent.cli.printing import shown, table
from collectors.rule import parse_span

_FURTHEST = timedelta(days=366)
_AHEAD = Instant(ahead=True)
_BASE = "/api/v1/oncall"


def _span(_: click.Context, __: click.Parameter, text: str | None) -> timedelta | None:
    try:
        return None if text is None else parse_span(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.group()
def oncall() -> None:
    """Who is on call, and who stands in."""


@oncall.command()
@click.option("--at", type=_AHEAD, help=f"At {_AHEAD.hint}.")
@with_api
def who(url: str, token: str, as_json: bool, at: str | None) -> None:
    """Who is on call, first the one to page, then who comes next."""
    found = Api(url, token).call("GET", _BASE, query={"at": at})
    if as_json:
        shown(found)
        return
    table(
        ("SCHEDULE", "GROUP", "ROLE", "PEOPLE"),
        [(s["schedule"], s["group"], s["role"], s["people"]) for s in found["items"]],
    )


@oncall.command()
@click.option("--next", "span", callback=_span, help="How far ahead: 14d, 36h.  [default: 14d]")
@click.option("--days", type=click.IntRange(1, 62), help="The same in days.")
@click.option("--schedule", help="This schedule only.")
@with_api
def show(url: str, token: str, as_json: bool, span: timedelta | None, days: int | None, schedule: str | None) -> None:
    """Who is first on call, shift by shift; `nobody` is a gap."""
    if span is not None and span > _FURTHEST:
        raise click.UsageError(f"--next reaches {_FURTHEST.days}d ahead at most")
    api = Api(url, token)
    begins = datetime.fromisoformat(api.call("GET", _BASE)["at"])
    until = begins + (span or timedelta(days=days or 14))
    query = {"schedule": schedule, "since": _moment(begins), "until": _moment(until)}
    found = api.call("GET", f"{_BASE}/shifts", query=query)
    if as_json:
        shown(found)
        return
    rows = [(s["schedule"], _short(s["from"]), _short(s["until"]), s["person"] or "nobody") for s in found["items"]]
    table(("SCHEDULE", "FROM", "UNTIL", "PERSON"), rows)


@oncall.command()
@click.option("--schedule", help="This schedule only.")
@with_api
def overrides(url: str, token: str, as_json: bool, schedule: str | None) -> None:
    """What is laid over the rota, now and to come."""
    _told(Api(url, token).call("GET", f"{_BASE}/overrides", query={"schedule": schedule}), as_json)


@oncall.command()
@click.argument("schedule")
@click.option("--person", required=True, help="Who stands in.")
@click.option("--replaces", help="For whom; left out: whoever is first.")
@click.option("--from", "begins", type=_AHEAD, help="From this moment; left out: now.")
@click.option("--until", type=_AHEAD, help=f"Until {_AHEAD.hint}; left out: until it is ended.")
@click.option("--reason", required=True)
@with_api
def override(url: str, token: str, as_json: bool, schedule: str, begins: str | None, **given: str | None) -> None:
    """Somebody stands in: one of the two people says so, or pm."""
    sent = {"schedule": schedule, "from": begins, **given}
    found = Api(url, token).call("POST", f"{_BASE}/overrides", {k: v for k, v in sent.items() if v is not None})
    _told({"items": [found]} if not as_json else found, as_json)


@oncall.command()
@click.argument("schedule")
@click.option("--person", required=True, help="Who gives a stretch away.")
@click.option("--from", "begins", type=_AHEAD, required=True)
@click.option("--until", type=_AHEAD, required=True)
@click.option("--with", "with_", required=True, help="Who takes it, and gives another one.")
@click.option("--with-from", type=_AHEAD, required=True)
@click.option("--with-until", type=_AHEAD, required=True)
@click.option("--reason", required=True)
@with_api
def swap(url: str, token: str, as_json: bool, schedule: str, begins: str, with_: str, **given: str) -> None:
    """Two people swap: one of them says so, or pm."""
    sent = {"schedule": schedule, "from": begins, "with": with_, **given}
    _told(Api(url, token).call("POST", f"{_BASE}/swaps", sent), as_json)


@oncall.command()
@click.argument("id")
@with_api
def end(url: str, token: str, as_json: bool, id: str) -> None:
    """Take an override or a swap back, from now on."""
    found = Api(url, token).call("DELETE", f"{_BASE}/overrides/{id}")
    _told({"items": [found]} if not as_json else found, as_json)


@oncall.command("import")
@click.argument("schedule")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--until", type=_AHEAD, help="What lies beyond is left out; default: a year from now.")
@click.option("--reason", required=True)
@with_api
def import_(url: str, token: str, as_json: bool, schedule: str, file: Path, until: str | None, reason: str) -> None:
    """Lay an iCalendar file over a schedule (pm, or who is in it)."""
    sent = {"schedule": schedule, "calendar": file.read_text("utf-8-sig"), "reason": reason}
    found = Api(url, token).call("POST", f"{_BASE}/import", {**sent, "until": until} if until else sent)
    _told(found, as_json)


@oncall.command()
@click.option("--schedule", help="This schedule only.")
@with_api
def calendar(url: str, token: str, as_json: bool, schedule: str | None) -> None:
    """The address under which a calendar program can subscribe to the rota. Keep it to yourself."""
    found = Api(url, token).call("GET", f"{_BASE}/calendar", query={"schedule": schedule})
    if as_json:
        shown(found)
    else:
        click.echo(found["url"])


def _told(found: Any, as_json: bool) -> None:
    if as_json:
        shown(found)
        return
    rows = [
        (o["id"], o["schedule"], o["person"], o["replaces"], _short(o["from"]), _short(o["until"]), o["reason"])
        for o in found["items"]
    ]
    table(("ID", "SCHEDULE", "PERSON", "REPLACES", "FROM", "UNTIL", "REASON"), rows)


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _short(moment: str | None) -> str:
    return "" if moment is None else moment[:16].replace("T", " ") + "Z"
