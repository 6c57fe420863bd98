"""How `tocsin incident statistics` prints what the API counted."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from agent.cli.printing import table

_SAID = ("used", "helped_partly", "did_not_work", "not_applicable")
_BY = ("state", "severity", "kind", "source", "category", "group")


def in_figures(found: Mapping[str, Any]) -> None:
    """Print the answer of /api/v1/statistics in tables."""
    click.echo(f"{found['total']} incident(s) opened from {found['since']} until {found['until']}")
    if not found["complete"]:
        click.echo("there were more: the newest of the period are counted")
    rows = [(f"{name} {value}", count) for name in _BY for value, count in found[f"by_{name}"].items()]
    click.echo()
    table(("BY", "INCIDENTS"), rows)
    click.echo()
    kept = [(name, found[name]) for name in ("response", "resolution")]
    table(
        ("TARGET", "MET", "MISSED", "RUNNING", "PAUSED", "RATE"),
        [(name, k["met"], k["missed"], k["running"], k["paused"], _rate(k["rate"])) for name, k in kept],
    )
    click.echo()
    solved, changed = found["solved"], found["reclassified"]
    by_tier = ", ".join(f"{tier} {count}" for tier, count in solved["by_tier"].items()) or "nobody"
    click.echo(f"solved: {solved['total']}, {solved['recovered']} by themselves, the others by {by_tier}")
    click.echo(f"first line: {_rate(solved['first_line_rate'])} of what people solved")
    click.echo(
        f"reopened {found['reopened']}, fired again {found['relapsed']}, returned as misrouted {found['returned']}"
    )
    click.echo(f"final category differs from the first: {changed['changed']} of {changed['reviewed']}")
    for pair in changed["pairs"]:
        click.echo(f"  {pair['initial'] or '-'} -> {pair['final'] or '-'}: {pair['count']}")
    said = found.get("known_errors")
    if said is not None and said["judged"]:
        of = ", ".join(f"{name.replace('_', ' ')} {said[name]}" for name in _SAID)
        click.echo(f"known errors, whenever: {of}; {_rate(said['precision'])} helped, {said['demoted']} demoted")
    if found["spans"]:
        click.echo()
        _columns(("from_at", "opened", "solved", "response_missed", "resolution_missed", "reopened"), found["spans"])
    click.echo("\nnow:")
    live = ("severity", "active", "waiting", "unassigned", "response_missed", "resolution_missed", "paused")
    _columns(live, found["live"])


def _columns(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    table([name.upper().replace("_", " ") for name in names], [[row[name] for name in names] for row in rows])


def _rate(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.1%}"
