"""`tocsin import`: what others have written becomes known errors, aliases, a site; nothing that is there is changed."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from agent.cli.ending import FAILED, leave

_ALERT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_HELM = re.compile(r"^\s*\{\{", re.MULTILINE)
_INDEX = ("_index.md", "README.md", "index.md")
_EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("import")
def import_() -> None:
    """Take over what other tools hold: an alertmanager.yml, rules, runbooks."""


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
    from agent.configuration.reading import BadText, text_of

    try:
        return text_of(path, named=True)
    except BadText as bad:
        raise _BadFile(f"{path}:{bad.line}: {bad.said}") from None


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
    from agent.configuration.reading import MIB, BadText, text_of
    from knowledge.importing import BadRunbook, known_error_of

    target.mkdir(parents=True, exist_ok=True)
    written, bad = 0, []
    for path in sorted(p for p in folder.rglob("*.md") if p.name not in _INDEX):
        try:
            if not _ALERT.fullmatch(path.stem):
                raise BadRunbook("its name is no alert's: letters, digits, `.`, `_` and `-`")
            made = known_error_of(path.stem, text_of(path, MIB))
            with (target / path.name).open("x", encoding="utf-8") as file:
                file.write(made)
            written += 1
        except FileExistsError:
            bad.append(f"{path}: {target / path.name} is there already: remove it, or keep it")
        except BadText as error:
            bad.append(f"{path}:{error.line}: {error.said}")
        except BadRunbook as error:
            bad.append(f"{path}:1: {error}")
    click.echo(f"{written} known error(s) written to {target}; read them, then move them into knowledge/")
    if bad:
        leave("\n".join(bad), FAILED)


@import_.command("alertmanager", short_help="Write a site that pages as an alertmanager.yml does.")
@click.argument("file", type=_EXISTING)
@click.option("--to", "target", required=True, type=click.Path(file_okay=False, path_type=Path), help="A new folder.")
@click.option("--api-url", "api_urls", multiple=True, help="Where that Alertmanager listens; once for each of a pair.")
def alertmanager(file: Path, target: Path, api_urls: tuple[str, ...]) -> None:
    """Write the beginning of a site from FILE, and say what of it was not taken over.

    Routes, inhibitions and channels are taken over. The Alertmanager goes on as it is: `docs/switching.md`.
    """
    from agent.switching.from_alertmanager import NoAlertmanagerFile, site_of

    try:
        (written, *_) = _documents(file) or [None]
        site = site_of(written, api_urls)
    except _BadFile as error:
        leave(str(error), FAILED)
    except NoAlertmanagerFile as error:
        leave(f"{file}: {error}", FAILED)
    if target.exists() and any(target.iterdir()):
        leave(f"{target} is not empty: name a new folder", FAILED)
    _write_site(target, site.files, site.secrets)
    for line in site.left:
        click.echo(f"left to you: {line}")
    click.echo(f"{target}: written. Next: AM_TOKEN=… tocsin check config --config.dir {target}")


def _write_site(target: Path, files: dict[str, dict[str, Any]], secrets: dict[str, str]) -> None:
    """Write YAML files, and each secret into a file that its owner alone can read."""
    import yaml

    (target / "secrets").mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, said in files.items():
        text = yaml.safe_dump(said, allow_unicode=True, width=120, sort_keys=False)
        (target / name).write_text(text, encoding="utf-8")
    for name, secret in secrets.items():
        path = target / "secrets" / name
        path.touch(mode=0o600)
        path.write_text(secret + "\n", encoding="utf-8")
