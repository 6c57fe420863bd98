"""Options that several commands take; each is also an environment variable."""

import re
from importlib.util import find_spec

import click

from agent.clock import SystemClock
from collectors.moment import moment_text
from collectors.rule import parse_span

_STORE = re.compile(r"sqlite(?:\+aiosqlite)?:///.+|(postgres(?:ql)?(?:\+asyncpg)?://.*)", re.DOTALL)


def _store(context: click.Context, parameter: click.Parameter, url: str) -> str:
    """Where the store is, by a form that we know; what is no such form is a fault of usage."""
    found = _STORE.fullmatch(url)
    if found is None:
        raise click.UsageError(f"{url!r} is no storage URL: write sqlite:///./var/tocsin.db or postgresql://…")
    if found[1] and find_spec("asyncpg") is None:
        raise click.ClickException("PostgreSQL needs the package asyncpg: pip install 'tocsin[postgres]'")
    return url


config_dir = click.option(
    "--config.dir", "config_dir", default="./configs/site", show_default=True, envvar="TOCSIN_CONFIG_DIR"
)
pack = click.option("--pack", default=None, envvar="TOCSIN_PACK", help="Another pack than the one of tocsin.yaml.")
storage = click.option(
    "--storage.url",
    "storage_url",
    default="sqlite:///./var/tocsin.db",
    show_default=True,
    envvar="TOCSIN_STORAGE_URL",
    callback=_store,
    help="sqlite:///./var/tocsin.db or postgresql://…",
)


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
