"""`tocsin check alert`: what the configuration makes of one alert, before it goes live."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from agent.cli import options
from agent.cli.ending import read_config
from agent.cli.options import Instant
from agent.cli.printing import table
from collectors.rule import format_span

if TYPE_CHECKING:
    from agent.rehearsal.house import Sent

_MOST_S = 31 * 86_400


@click.command("alert", short_help="Say what one alert would be, and whom it would page when.")
@click.argument("labels", nargs=-1, required=True, metavar="LABEL=VALUE…")
@click.option("--at", type=Instant(ahead=True), default="now", help="When it fires: 2026-03-02T09:00:00Z, now, or 2h.")
@click.option("--for", "within", default="4h", show_default=True, help="For how long nobody does anything.")
@click.option("--beside", multiple=True, help="Labels of an alert that fires already: alertname=NodeDown,instance=a.")
@options.config_dir
@options.pack
def check_alert(
    labels: tuple[str, ...], at: str, within: str, beside: tuple[str, ...], config_dir: str, pack: str | None
) -> None:
    """Say what an alert with these labels would be, and whom it would page when, if nobody did anything.

    Nothing is sent, and no daemon is needed. What many alerts make of each other is for `tocsin rehearse`.
    """
    from agent import logs
    from agent.rehearsal.trial import tried
    from collectors.moment import parse_moment
    from collectors.rule import parse_span

    logs.set_up("error")
    told = _pairs(labels)
    others = [_pairs(tuple(text.split(","))) for text in beside]
    moment = parse_moment(at)
    if moment is None:
        raise click.UsageError(f"{at!r} is no moment: write 2026-03-02T09:00:00Z, now, or a span such as 2h")
    try:
        span = parse_span(within)
    except ValueError as error:
        raise click.UsageError(f"--for: {error}") from None
    if span.total_seconds() > _MOST_S:
        raise click.UsageError("--for: at most 31d")
    config = read_config(config_dir, pack)
    trial = asyncio.run(tried(config, told, moment, span, others))
    for line in trial.said:
        click.echo(line)
    if not trial.pages:
        click.echo("nobody is paged")
        return
    click.echo()
    table(("AT", "STEP", "WHO", "BY"), [_row(same) for same in _repeated(trial.pages)])


def _repeated(pages: Sequence["Sent"]) -> list[list["Sent"]]:
    """The pages by their time, the repetitions of a step that tell the same person by the same contact as one."""
    found: dict[tuple[str, ...], list[Sent]] = {}
    for place, page in enumerate(pages):
        step, repeats, _ = page.step.partition("#")
        alone = "" if repeats else str(place)
        found.setdefault((step, page.person, page.notifier, page.to, alone), []).append(page)
    return list(found.values())


def _row(same: Sequence["Sent"]) -> tuple[str, str, str, str]:
    first, last = same[0], same[-1]
    step = first.step
    if len(same) > 1:
        every = format_span((last.at - first.at) / (len(same) - 1))
        step = f"{first.step} … #{last.step.partition('#')[2]}, every {every}"
    by = first.notifier if first.to in ("", first.person) else f"{first.notifier} {first.to}"
    return f"{first.at:%Y-%m-%d %H:%M:%S}Z", step, first.person, by


def _pairs(texts: tuple[str, ...]) -> dict[str, str]:
    """Labels as they are written on a command line. Raises click.UsageError."""
    pairs = [text.strip().partition("=") for text in texts]
    wrong = next((name + sign for name, sign, _ in pairs if not name or not sign), None)
    if wrong is not None:
        raise click.UsageError(f"{wrong!r} is no label: write LABEL=VALUE, as alertname=DiskFull")
    return {name: value.strip('"') for name, _, value in pairs}
