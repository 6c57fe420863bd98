"""`tocsin incident …`: list and show incidents, and every act of the API as a command."""

import re
from typing import Any, Literal, get_args, get_origin

import click
from pydantic.fields import FieldInfo

from agent.cli.client import Api, shown, table, with_api
from agent.http.bodies import ACTS, SUMMARIES, ActBody
from correlation.incident import Action

_SHORT = {Action.ACKNOWLEDGE: "ack"}


@click.group()
def incident() -> None:
    """Read incidents, and act on them."""


@incident.command("list")
@click.option("--state", multiple=True, help="One of the twelve states, `active` or `open` (default: active).")
@click.option("--severity", multiple=True, type=int)
@click.option("--group")
@click.option("-q", "words", help="Words of title, number, symptom or service.")
@click.option("--since", help="Opened at or after this moment (2026-03-02T09:00:00Z).")
@click.option("--sort", type=click.Choice(["due", "opened", "updated"]), default="due", show_default=True)
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@with_api
def list_incidents(
    url: str,
    token: str,
    as_json: bool,
    state: tuple[str, ...],
    severity: tuple[int, ...],
    group: str | None,
    words: str | None,
    since: str | None,
    sort: str,
    limit: int,
) -> None:
    """What there is, what is due next first."""
    query = {
        "state": state or ("active",),
        "severity": severity,
        "group": group,
        "q": words,
        "since": since,
        "sort": sort,
        "limit": limit,
    }
    found = Api(url, token).call("GET", "/api/v1/incidents", query=query)
    if as_json:
        shown(found)
        return
    rows = [
        (
            i["number"],
            i["severity"],
            i["state"],
            i["group"],
            i["assignee"],
            _moment(i["next_step"]["due_at"]) if i["next_step"] else "-",
            i["title"][:60],
        )
        for i in found["items"]
    ]
    table(("NUMBER", "SEV", "STATE", "GROUP", "ASSIGNEE", "NEXT STEP", "TITLE"), rows)
    if found["next"]:
        click.echo("there is more: --limit")


@incident.command()
@click.argument("number")
@with_api
def show(url: str, token: str, as_json: bool, number: str) -> None:
    """One incident: what it is, what helps, what happened."""
    api = Api(url, token)
    found = api.call("GET", f"/api/v1/incidents/{_number(number)}")
    if as_json:
        shown(found)
        return
    click.echo(f"{found['number']}  {found['title']}")
    click.echo(
        f"severity {found['severity']}, {found['state']}, group {found['group']}, {found['assignee'] or 'nobody'}"
    )
    for name in ("opened_at", "response_due_at", "resolve_due_at", "acknowledged_at", "resolved_at"):
        if found[name]:
            click.echo(f"{name:<16} {_moment(found[name])}")
    if found["next_step"]:
        step = found["next_step"]
        click.echo(
            f"next step        {step['step']} at {_moment(step['due_at'])} to {', '.join(step['targets']) or '-'}"
        )
    for error in found["known_errors"]:
        click.echo(f"\nknown error {error['id']} ({error['confidence']}): {error['title']}\n{error['workaround']}")
    click.echo()
    rows = [(a["status"], a["labels"].get("alertname", ""), a["startsAt"], a["why"]["text"]) for a in found["alerts"]]
    table(("ALERT", "NAME", "STARTS", "WHY"), rows)
    click.echo()
    happened = api.call("GET", f"/api/v1/incidents/{number}/timeline", query={"limit": 500})
    table(("AT", "WHO", "WHAT"), [(_moment(h["at"]), h["actor"], h["text"]) for h in happened["items"]])


def _number(number: str) -> str:
    if not re.fullmatch(r"INC-[0-9A-Za-z-]{1,40}", number):
        raise click.UsageError(f"{number!r} is no number of an incident: INC-20260302-0001")
    return number


def _moment(text: str) -> str:
    return text[:19].replace("T", " ") + "Z"


# acts


def _act_command(action: Action, body: type[ActBody]) -> click.Command:
    """A command for one act; its options are the fields of the body."""

    def act(url: str, token: str, as_json: bool, number: str, **given: Any) -> None:
        sent = {_sent_name(body, name): value for name, value in given.items() if value is not None}
        found = Api(url, token).call("POST", f"/api/v1/incidents/{_number(number)}/{action}", sent)
        if as_json:
            shown(found)
        else:
            click.echo(f"{found['number']}  {found['state']}  {found['assignee'] or 'nobody'}  {found['title']}")

    options = [_option(name, field) for name, field in body.model_fields.items()]
    command = click.command(_SHORT.get(action, str(action)), help=f"{SUMMARIES[action]}.")(
        click.argument("number")(with_api(act))
    )
    command.params.extend(options)
    return command


def _sent_name(body: type[ActBody], name: str) -> str:
    return body.model_fields[name].alias or name


def _option(name: str, field: FieldInfo) -> click.Option:
    """The option of a field: `--next-action`, a flag for a yes or no, a choice where only some words are taken."""
    flag = "--" + (field.alias or name).replace("_", "-")
    kind = _kind(field.annotation)
    told: dict[str, Any] = {"required": field.is_required(), "default": None, "help": field.description}
    if kind is bool:
        return click.Option([f"{flag}/--no-{flag[2:]}", name], **told)
    if get_origin(kind) is Literal:
        return click.Option([flag, name], type=click.Choice([str(word) for word in get_args(kind)]), **told)
    return click.Option([flag, name], type=int if kind is int else str, **told)


def _kind(annotation: Any) -> Any:
    """The type behind `X | None` and `Annotated[X, …]`."""
    if isinstance(annotation, type) or get_origin(annotation) is Literal:
        return annotation
    return _kind(next(part for part in get_args(annotation) if part is not type(None)))


for _action, _body in ACTS.items():
    incident.add_command(_act_command(_action, _body))
