"""How a client command calls the API, and how it ends."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from http.client import HTTPException
from typing import Any, NoReturn, TypeVar
from unicodedata import east_asian_width
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

import click

from agent.clock import SystemClock
from collectors.moment import moment_text
from collectors.rule import parse_span

FAILED, CONFIGURATION, UNREACHABLE = 1, 3, 4
DEADLINE_S = 30.0

F = TypeVar("F", bound=Callable[..., Any])


def with_api(command: F) -> F:
    """Give a command the options that say where the API is and who calls; it gets them as `api`."""
    options = [
        click.option(
            "--url",
            default="http://127.0.0.1:9099",
            envvar="TOCSIN_URL",
            show_default=True,
            help="Where the daemon listens; also TOCSIN_URL.",
        ),
        click.option(
            "--token", default="", envvar="TOCSIN_TOKEN", help="Your token (`tocsin token create`); also TOCSIN_TOKEN."
        ),
        click.option("--json", "as_json", is_flag=True, help="Print what the API answered."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


class Instant(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.3 on, and not before
    """A moment of the API, `now`, or a span: `2h` ahead where the option is of what comes, else two hours ago."""

    name = "moment"

    def __init__(self, *, ahead: bool) -> None:
        self._ahead = ahead
        self.hint = f"2026-03-02T09:00:00Z, now, or 2h {'from now' if ahead else 'ago'}"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if "T" in value:
            return value  # the API says what is wrong with it
        try:
            span = parse_span("0" if value == "now" else value)
            now = SystemClock().now()
            return str(moment_text(now + span if self._ahead else now - span))
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no moment: write 2026-03-02T09:00:00Z, now, or a span such as 2h", param, ctx)


def leave(text: str, code: int = FAILED) -> NoReturn:
    """Say why, and end with this code."""
    click.echo(f"tocsin: {text}", err=True)
    sys.exit(code)


class Api:
    """The API as one person calls it."""

    def __init__(self, url: str, token: str) -> None:
        if urlsplit(url).scheme not in ("http", "https"):
            raise click.UsageError(f"{url!r} is no address: write http://host:port")
        self._url, self._token = url.rstrip("/"), token

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, Any] | None = None,
        more: Mapping[str, str] | None = None,
    ) -> Request:
        """A request as this person; `more` are further headers."""
        asked = urlencode([(k, v) for k, v in (query or {}).items() if v not in (None, ())], doseq=True)
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json", **(more or {})}
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        return Request(f"{self._url}{path}{'?' + asked if asked else ''}", data=data, headers=headers, method=method)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, Any] | None = None,
        *,
        more: Mapping[str, str] | None = None,
        deadline_s: float | None = DEADLINE_S,
    ) -> Any:
        """Return what the API answers; end the program where it refuses (1) or cannot be reached (4)."""
        with self.open(self.request(method, path, body, query, more), deadline_s) as response:
            return json.loads(response.read())

    def open(self, request: Request, deadline_s: float | None) -> Any:
        try:
            return urlopen(request, timeout=deadline_s)
        except HTTPError as error:
            leave(_refusal(error), UNREACHABLE if error.code in (502, 503, 504) else FAILED)
        except (URLError, OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            leave(f"{self._url} cannot be reached: {reason}; is `tocsin serve` running? (--url)", UNREACHABLE)


def _refusal(error: HTTPError) -> str:
    """A problem as a sentence."""
    try:
        problem = json.loads(error.read())
        text = str(problem["detail"])
    except (ValueError, KeyError, TypeError, OSError):
        return f"the API answered {error.code}"
    if error.code == 401:
        return f"{text} (--token or TOCSIN_TOKEN; `tocsin token create --person NAME` makes one)"
    missing = problem.get("missing") if error.code == 422 else None
    if isinstance(missing, list) and missing:
        return f"{text} ({', '.join('--' + str(name).replace('_', '-') for name in missing)})"
    return text


def shown(value: Any) -> None:
    """Print an answer as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows under their heads, in columns; a Chinese character is two columns wide."""
    lines = [list(heads), *([_cell(value) for value in row] for row in rows)]
    widths = [max(_width(line[place]) for line in lines) for place in range(len(heads))]
    for line in lines:
        cells = [cell + " " * (widths[place] - _width(cell)) for place, cell in enumerate(line)]
        click.echo("  ".join(cells).rstrip())


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return printable(text)


def printable(text: str) -> str:
    """The text without what would move the cursor or colour a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def cut_to(text: str, most: int) -> str:
    """The text in at most so many columns of a terminal; what is cut off ends in `…`."""
    if _width(text) <= most:
        return text
    kept, columns = "", 1
    for character in text:
        columns += _width(character)
        if columns > most:
            break
        kept += character
    return kept + "…"


def _width(text: str) -> int:
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)
