"""What the daemon says when it is up: where it listens, the first token, and what to try next."""

import click

from agent.daemon import Daemon

_ALERT = (
    '{"version":"4","status":"firing","alerts":[{"status":"firing","startsAt":"2026-01-01T00:00:00Z",'
    '"labels":{"alertname":"NodeFilesystemAlmostOutOfSpace","instance":"db-1:9100","mountpoint":"/srv",'
    '"severity":"critical"},"annotations":{"summary":"/srv on db-1 is nearly full"}}]}'
)


def greet(daemon: Daemon, port: int, *, full: bool) -> None:
    """Print where it listens; on an empty store the first token, once; with `full` the console, three lines to try."""
    url = f"http://127.0.0.1:{port}"
    click.echo(f"listening on {daemon.options.listen.rpartition(':')[0]}:{port}")
    if daemon.first_token is not None:
        click.echo(f"token: {daemon.first_token}")
    if not full:
        return
    token = daemon.first_token or "$TOKEN"
    if daemon.first_token is None:
        store = daemon.options.storage_url
        click.echo(f"another token: TOKEN=$(.venv/bin/tocsin token create --person admin --storage.url {store})")
    click.echo(f"console: {url}/ (sign in with the token)")
    click.echo("try:")
    click.echo(f"  curl -d '{_ALERT}' {url}/webhooks/alertmanager/demo")
    click.echo(f'  curl -H "Authorization: Bearer {token}" {url}/api/v1/incidents')
    click.echo(f"  .venv/bin/tocsin incident ack --url {url} --token {token} NUMBER")
