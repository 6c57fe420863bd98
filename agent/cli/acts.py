"""Every act of the API as a command of `tocsin incident`, made from the models of the API."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from agent.cli.client import DEADLINE_S, Api, with_api
from agent.cli.incidents import checked_number
from agent.cli.options import Instant
from agent.cli.printing import printable, shown
from agent.http.act_bodies import ACTS, SUMMARIES, ActBody
from agent.http.bodies import MOMENT, Moment
from agent.http.record_bodies import Edit, Report
from correlation.incident import Action

_SHORT = {Action.ACKNOWLEDGE: "ack"}
_AHEAD = frozenset({"until", "resume_at", "eta", "next_action_eta"})
"""The moments of bodies that are still to come."""


def _act_command(action: Action, body: type[ActBody]) -> click.Command:
    """A command for one act; its options are the fields of the body."""

    def act(url: str, token: str, as_json: bool, number: str, words: str | None = None, **given: Any) -> None:
        given |= {"text": words} if words is not None else {}
        path = f"/api/v1/incidents/{checked_number(number)}/{action}"
        _say(Api(url, token).call("POST", path, _given(body, given)), as_json)

    options = [_option(name, field) for name, field in body.model_fields.items()]
    command = click.command(_SHORT.get(action, str(action)), help=f"{SUMMARIES[action]}.")(
        click.argument("number")(with_api(act))
    )
    command.params.extend(options)
    if action is Action.NOTE:
        _takes_words(command)
    return command


def _takes_words(command: click.Command) -> None:
    """What is written into the timeline may stand behind the number, or in `--text`."""
    command.params.append(click.Argument(["words"], required=False))
    text = next(option for option in command.params if option.name == "text")
    text.required = False


def _sent_name(body: type[BaseModel], name: str) -> str:
    return body.model_fields[name].alias or name


def _option(name: str, field: FieldInfo, *, required: bool = True) -> click.Option:
    """The option of a field: `--next-action`, a flag for a yes or no, a choice where only some words are taken."""
    flag = "--" + (field.alias or name).replace("_", "-")
    kind = _kind(field.annotation)
    told: dict[str, Any] = {"help": field.description}
    # A default of None beside `required` counts as given: then nothing is missed here.
    told |= {"required": True} if required and field.is_required() else {"default": None}
    if _is_moment(field):
        moment = Instant(ahead=name in _AHEAD)
        says = f"{field.description} ({moment.hint})" if field.description else f"{moment.hint}."
        return click.Option([flag, name], type=moment, **told | {"help": says})
    if kind is bool:
        return click.Option([f"{flag}/--no-{flag[2:]}", name], **told)
    if get_origin(kind) is Literal:
        return click.Option([flag, name], type=click.Choice([str(word) for word in get_args(kind)]), **told)
    if get_origin(kind) is list:
        return click.Option([flag, name], type=str, multiple=True, **told)
    if get_origin(kind) is dict:
        words = "|".join(str(word) for word in get_args(get_args(kind)[0]))
        return click.Option([flag, name], type=Pair(), multiple=True, metavar=f"{words}=PERSON", **told)
    return click.Option([flag, name], type=int if kind is int else str, **told)


def _is_moment(field: FieldInfo) -> bool:
    constrained = any(getattr(part, "pattern", None) == MOMENT for part in field.metadata)
    return constrained or Moment in get_args(field.annotation)


class Pair(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.3 on, and not before
    """NAME=VALUE."""

    name = "pair"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        name, sign, said = str(value).partition("=")
        if not sign or not name.strip() or not said.strip():
            self.fail(f"{value!r} is no pair: write NAME=VALUE, once for each", param, ctx)
        return name.strip(), said.strip()


def _kind(annotation: Any) -> Any:
    """The type behind `X | None` and `Annotated[X, …]`."""
    if isinstance(annotation, type) or get_origin(annotation) in (Literal, list, dict):
        return annotation
    return _kind(next(part for part in get_args(annotation) if part is not type(None)))


@click.argument("title")
@with_api
def _report(url: str, token: str, as_json: bool, title: str, **given: Any) -> None:
    _say(Api(url, token).call("POST", "/api/v1/incidents", {"title": title, **_given(Report, given)}), as_json)


@click.argument("number")
@with_api
def _edit(url: str, token: str, as_json: bool, number: str, **given: Any) -> None:
    api, path = Api(url, token), f"/api/v1/incidents/{checked_number(number)}"
    version = api.call("GET", path)["version"]
    request = api.request("PATCH", path, _given(Edit, given), more={"If-Match": f'"{version}"'})
    with api.open(request, DEADLINE_S) as response:
        _say(json.loads(response.read()), as_json)


def _say(found: Any, as_json: bool) -> None:
    if as_json:
        shown(found)
    else:
        stands = f"merged into {found['merged_into']}" if found["merged_into"] else found["assignee"] or "nobody"
        click.echo(printable(f"{found['number']}  {found['state']}  {stands}  {found['title']}"))


def _given(body: type[BaseModel], given: Mapping[str, Any]) -> dict[str, Any]:
    """What was written, as it is sent."""
    written = {name: _plain(body.model_fields[name], value) for name, value in given.items()}
    return {_sent_name(body, name): value for name, value in written.items() if value not in (None, [], {})}


def _plain(field: FieldInfo, value: Any) -> Any:
    """An option that is given several times is a list, or, of pairs, an object."""
    if not isinstance(value, tuple):
        return value
    return dict(value) if get_origin(_kind(field.annotation)) is dict else list(value)


def _from(call: Callable[..., None], name: str, says: str, body: type[BaseModel], *left_out: str) -> click.Command:
    """A command whose options are the fields of a body."""
    command = click.command(name, help=says)(call)
    fields = [(n, field) for n, field in body.model_fields.items() if n not in left_out]
    command.params.extend(_option(n, field, required=False) for n, field in fields)
    return command


def act_commands() -> list[click.Command]:
    """A command for each act of the API, and those that report and complete the record."""
    return [
        _from(_report, "report", "Report an incident.", Report, "title"),
        _from(_edit, "edit", "Complete the record.", Edit),
        *(_act_command(action, body) for action, body in ACTS.items()),
    ]
