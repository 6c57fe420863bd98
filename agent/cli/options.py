"""Options that several commands take; each is also an environment variable."""

import re
from importlib.util import find_spec

import click

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
