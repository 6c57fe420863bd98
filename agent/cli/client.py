"""How a client command calls the API."""

import json
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

import click

from agent.cli.ending import FAILED, UNREACHABLE, leave

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
