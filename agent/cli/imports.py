"""`tocsin import`: what others have written becomes known errors and aliases; nothing is written into the site."""

import re
from datetime import timedelta
from pathlib import Path

import click

from agent.cli.client import FAILED, leave

_ALERT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_INDEX = ("_index.md", "README.md", "index.md")
_EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("import")
def import_() -> None:
    """Take over rules and runbooks of other tools."""


@import_.command("rules", short_help="Print the texts of Prometheus rule files.")
@click.argument("files", nargs=-1, required=True, type=_EXISTING)
@click.option("--waits", "for_correlation", is_flag=True, help="Print how long they wait instead, as correlation.yaml.")
def rules(files: tuple[Path, ...], for_correlation: bool) -> None:
    """Print the texts of Prometheus rule files as `knowledge/aliases.yaml`, or their `for:` as `correlation.yaml`."""
    import yaml

    from collectors.rule import format_span
    from knowledge.importing import aliases_of, waits_of

    aliases: dict[str, list[str]] = {}
    waits: dict[str, timedelta] = {}
    bad = []
    for path in files:
        try:
            read = list(yaml.safe_load_all(path.read_text("utf-8")))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            bad.append(f"{path}: is no YAML: {' '.join(str(error).split())}")
            continue
        for alert, span in (pair for document in read for pair in waits_of(document)):
            waits[alert] = max(span, waits.get(alert, span))
        for alert, text in (pair for document in read for pair in aliases_of(document)):
            texts = aliases.setdefault(alert, [])
            texts += [text] if text not in texts else []
    waits_written = {alert: format_span(span) for alert, span in waits.items()}
    made = {"waits": waits_written} if for_correlation else {"aliases": aliases}
    click.echo(yaml.safe_dump(made, allow_unicode=True, width=120, sort_keys=True), nl=False)
    if bad:
        leave("\n".join(bad), FAILED)


@import_.command("runbooks", short_help="Write a known error for each runbook.")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--to", "target", required=True, type=click.Path(file_okay=False, path_type=Path), help="A folder.")
def runbooks(folder: Path, target: Path) -> None:
    """Write a known error for each runbook of a folder; the name of its file is that of the alert.

    A file that is there already is left as it is. One that cannot be taken is named, and the others are written.
    """
    from knowledge.importing import BadRunbook, known_error_of

    target.mkdir(parents=True, exist_ok=True)
    written, bad = 0, []
    for path in sorted(p for p in folder.rglob("*.md") if p.name not in _INDEX):
        try:
            if not _ALERT.fullmatch(path.stem):
                raise BadRunbook("its name is no alert's: letters, digits, `.`, `_` and `-`")
            made = known_error_of(path.stem, path.read_text("utf-8"))
            with (target / path.name).open("x", encoding="utf-8") as file:
                file.write(made)
            written += 1
        except FileExistsError:
            bad.append(f"{path}: {target / path.name} is there already: remove it, or keep it")
        except (BadRunbook, UnicodeDecodeError) as error:
            bad.append(f"{path}:1: {error}")
    click.echo(f"{written} known error(s) written to {target}; read them, then move them into knowledge/")
    if bad:
        leave("\n".join(bad), FAILED)
