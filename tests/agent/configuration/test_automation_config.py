"""What `check config` says of actions: where it stands, and what to write."""

from pathlib import Path

import pytest

from tests.agent.configuration.test_config import faults, smallest

ACTION = "argv: [/bin/cycle, '{instance}'], labels: {instance: '[a-z][a-z0-9-]*'}, approve: l2"
KNOWN = """---
id: host-hung
title: A host hangs
match: {alertname: HostHung}
action: cycle
---
## Workaround
cycle its power
"""


def automation(action: str) -> str:
    return f"pack: iso20000-default\nautomation:\n  enabled: true\n  actions:\n    cycle: {{{action}}}\n"


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("argv: [/bin/cycle]", "the key 'approve' is missing"),
        ("argv: [/bin/cycle], approve: wizard", "'wizard': write"),
        ("argv: [/bin/cycle], approve: customer", "'customer': write"),
        ("argv: [cycle], approve: l2", "'cycle': write the absolute path of the program"),
        ("argv: ['/bin/{instance}'], approve: l2", "write the absolute path of the program"),
        ("argv: [/bin/sh, -c, reboot], approve: l2", "no shell is ever run: name the program itself"),
        ("argv: [/usr/bin/env, sh], approve: l2", "no shell is ever run"),
        ("argv: [], approve: l2", "automation.actions.cycle.argv"),
        ("argv: [/bin/cycle, '{host}'], approve: l2", "the placeholder {host} has no pattern: write labels: {host:"),
        ("argv: [/bin/cycle], labels: {host: '[a-z]+'}, approve: l2", "no argument uses {host}"),
        ("argv: [/bin/cycle, '{host}'], labels: {host: '.*'}, approve: l2", "the pattern '.*' takes ''"),
        ("argv: [/bin/cycle, '{host}'], labels: {host: '.+'}, approve: l2", "the pattern '.+' takes '-'"),
        ("argv: [/bin/cycle, '{host}'], labels: {host: '[a-z.-]+'}, approve: l2", "takes '-': name the characters"),
        ("argv: [/bin/cycle, '{host}'], labels: {host: '(a{1000}){1000}'}, approve: l2", "is refused (RE2 syntax)"),
        (f"{ACTION}, timeout: 2h", "automation.actions.cycle.timeout"),
        (f"{ACTION}, limit: {{runs: 0}}", "automation.actions.cycle.limit.runs"),
        (f"{ACTION}, stop: [{{reason: x}}]", "write alert, or category and severity of an incident"),
        (f"{ACTION}, stop: [{{reason: x, alert: {{site_re: '.*'}}}}]", "alert holds for every alert"),
        (f"{ACTION}, shell: true", "unknown key 'shell'"),
    ],
)
def test_an_action_that_may_not_stand_is_a_fault_with_its_line(tmp_path: Path, action: str, said: str) -> None:
    found = [fault for fault in faults(tmp_path, tocsin=automation(action)) if fault.startswith("tocsin.yaml:")]
    assert any(said in fault for fault in found), found


def test_an_action_that_is_not_on_the_allow_list_is_a_fault_of_its_known_error(tmp_path: Path) -> None:
    (tmp_path / "knowledge").mkdir()
    (tmp_path / "knowledge" / "hung.md").write_text(KNOWN.replace("action: cycle", "action: cycel"))
    found = faults(tmp_path, tocsin=automation(ACTION))
    said = "action: the action 'cycel' is not on the allow-list: write it under automation.actions of tocsin.yaml"
    assert f"knowledge/hung.md:2:1: {said} (allowed: cycle)" in found


def test_it_is_off_until_a_site_says_otherwise_and_a_pack_can_say_nothing(tmp_path: Path) -> None:
    config = smallest(tmp_path)
    assert (config.automation.enabled, config.automation.actions) == (False, {})
    assert [entry.action for entry in config.known_errors if entry.action] == []


def test_what_is_allowed_is_taken(tmp_path: Path) -> None:
    (tmp_path / "knowledge").mkdir()
    (tmp_path / "knowledge" / "hung.md").write_text(KNOWN)
    from agent.configuration.load import load
    from tests.agent.configuration.test_config import SMALLEST, site

    text = SMALLEST["tocsin.yaml"] + automation(ACTION).partition("\n")[2]
    site(tmp_path, **SMALLEST | {"tocsin.yaml": text})
    config = load(tmp_path, environ={"AM_TOKEN": "s3cret-token"})
    assert config.automation.actions["cycle"].approve == "l2"
    entry = config.known_errors.get("host-hung")
    assert entry is not None
    assert entry.action == "cycle"
