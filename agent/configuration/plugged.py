"""Where the files of a site name plugins: each is configured by its own model, and checks what it alone can."""

from collections.abc import Mapping
from typing import Any

from agent.configuration import plugins
from agent.configuration.build import build
from agent.configuration.faults import Findings, Path, fault_at
from agent.configuration.layers import Layered


def built(kind: str, layered: Layered, key: str, found: Findings) -> dict[str, Any]:
    """The configuration of each plugin of a kind under a key, by its name; None where it is faulty."""
    configs: dict[str, Any] = {}
    for name, written in layered.section(key).items():
        module = _plugin(found, kind, layered, (key, name), written)
        if module is not None:
            config, faults = build(module.Config, written, layered.marks, at=(key, name), hidden=layered.hidden)
            found.add(faults)
            configs[name] = config
    return configs


def _plugin(found: Findings, kind: str, layered: Layered, path: Path, written: Any) -> Any:
    named = written.get("type") if isinstance(written, dict) else None
    if not isinstance(named, str):
        message = f"the key 'type' is missing: write one of {', '.join(plugins.known(kind))}"
        found.faults.append(fault_at(layered.marks, path, message, key=True))
        return None
    try:
        return plugins.load(kind, named)
    except plugins.UnknownPlugin as error:
        found.faults.append(fault_at(layered.marks, (*path, "type"), str(error)))
        return None


def check_sources(layered: Layered, found: Findings) -> None:
    """Note of each source of tocsin.yaml a type that is none, and a mapping that does not do what its tests say."""
    for name, written in layered.section("sources").items():
        if isinstance(written, dict) and "type" in written:
            module = _plugin(found, "webhook", layered, ("sources", name), written)
            if hasattr(module, "AlertMapping"):
                _mapping(found, module, layered, ("sources", name), written)


def _mapping(found: Findings, module: Any, layered: Layered, path: Path, written: Mapping[str, Any]) -> None:
    """A mapping must be one, and do what its own tests say."""
    mapping, tests = written.get("mapping") or {}, written.get("tests") or []
    faults = build(module.AlertMapping, mapping, layered.marks, at=(*path, "mapping"))[1]
    faults += build(list[module.MappingTest], tests, layered.marks, at=(*path, "tests"))[1]
    if not faults:
        failed = module.check(mapping, tests)
        faults = [fault_at(layered.marks, (*path, "tests"), text, key=True) for text in failed]
    found.add(faults)


def check_strategies(layers: Mapping[str, Layered], found: Findings) -> None:
    """Note the join rules whose type is no strategy, or one that takes no rule."""
    for file in ("rules.yaml", "correlation.yaml"):
        layered = layers[file]
        rules = layered.value.get("join") if isinstance(layered.value, dict) else None
        for place, rule in enumerate(rules if isinstance(rules, list) else ()):
            if isinstance(rule, dict) and "type" in rule:
                module = _plugin(found, "strategy", layered, ("join", place), rule)
                if module is not None and not getattr(module.Join, "by_rule", False):
                    message = (
                        f"{rule['type']!r} is always asked and takes no join rule: write labels, or leave type out"
                    )
                    found.faults.append(fault_at(layered.marks, ("join", place, "type"), message))
