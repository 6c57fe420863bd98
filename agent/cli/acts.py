"""Every act of the API as a command of `tocsin incident`, made from the models of the API."""

from typing import Any, Literal, get_args, get_origin

import click
from pydantic.fields import FieldInfo

from agent.cli.client import Api, shown, with_api
from agent.cli.incidents import checked_number
from agent.http.bodies import ACTS, SUMMARIES, ActBody
from correlation.incident import Action

_SHORT = {Action.ACKNOWLEDGE: "ack"}


def _act_command(action: Action, body: type[ActBody]) -> click.Command:
    """A command for one act; its options are the fields of the body."""

    def act(url: str, token: str, as_json: bool, number: str, **given: Any) -> None:
        sent = {_sent_name(body, name): value for name, value in given.items() if value is not None}
        found = Api(url, token).call("POST", f"/api/v1/incidents/{checked_number(number)}/{action}", sent)
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


def act_commands() -> list[click.Command]:
    """A command for each act of the API."""
    return [_act_command(action, body) for action, body in ACTS.items()]
