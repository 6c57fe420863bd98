"""Options that several commands take; each is also an environment variable (OUTSIDE §1)."""

import click

config_dir = click.option(
    "--config.dir", "config_dir", default="./configs/site", show_default=True, envvar="TOCSIN_CONFIG_DIR"
)
storage = click.option(
    "--storage.url",
    "storage_url",
    default="sqlite:///./var/tocsin.db",
    show_default=True,
    envvar="TOCSIN_STORAGE_URL",
    help="sqlite:///./var/tocsin.db or postgresql://…",
)
