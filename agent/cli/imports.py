"""`tocsin import`: what others have written becomes known errors and aliases; nothing is written into the site."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from agent.cli.client import FAILED, leave

_ALERT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_HELM = re.compile(r"^\s*\{\{", re.MULTILINE)
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
            read = _documents(path)
        except _BadFile as error:
            bad.append(str(error))
            continue
        for alert, span in (pair for document in read for pair in waits_of(document)):
            waits[alert] = max(span, waits.get(alert, span))
        found = [pair for document in read for pair in aliases_of(document)]
        if not found:
            click.echo(f"{path}: no alerting rule is in it", err=True)
        for alert, text in found:
            texts = aliases.setdefault(alert, [])
            texts += [text] if text not in texts else []
    waits_written = {alert: format_span(span) for alert, span in waits.items()}
    made = {"waits": waits_written} if for_correlation else {"aliases": aliases}
    dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    click.echo(yaml.dump(made, Dumper=dumper, allow_unicode=True, width=120, sort_keys=True), nl=False)
    if bad:
        leave("\n".join(bad), FAILED)


class _BadFile(Exception):
    """A file that cannot be read; its text says which, and what to do."""


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise _BadFile(f"{path}:1: is no UTF-8: save it as UTF-8") from None
    except OSError as error:
        raise _BadFile(f"{path}:1: cannot be read: {error.strerror}") from None


def _documents(path: Path) -> list[Any]:
    """The documents of a YAML file. Raises _BadFile."""
    import yaml

    text = _text(path)
    try:
        return list(yaml.load_all(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        said = f"is no YAML: {error.problem}"
    except (yaml.YAMLError, ValueError) as error:  # a date that no calendar has is a ValueError
        line, said = 1, f"is no YAML: {' '.join(str(error).split())}"
    except RecursionError:
        line, said = 1, "is nested too deeply"
    if _HELM.search(text):
        said = "is a template: render it first (`helm template CHART > rules.yaml`), and import what comes of it"
    raise _BadFile(f"{path}:{line}: {said}")


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
            made = known_error_of(path.stem, _text(path))
            with (target / path.name).open("x", encoding="utf-8") as file:
                file.write(made)
            written += 1
        except FileExistsError:
            bad.append(f"{path}: {target / path.name} is there already: remove it, or keep it")
        except _BadFile as error:
            bad.append(str(error))
        except BadRunbook as error:
            bad.append(f"{path}:1: {error}")
    click.echo(f"{written} known error(s) written to {target}; read them, then move them into knowledge/")
    if bad:
        leave("\n".join(bad), FAILED)
