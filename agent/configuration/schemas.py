"""The JSON schema of each file of a site, for editors."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from agent.configuration import plugins
from agent.configuration.site import FILES


def schema() -> dict[str, Any]:
    """Return for each file its JSON schema, for editors; plugins bring theirs."""
    found = {name: _schema_of(model) for name, model in FILES.items()}
    found["thresholds.yaml"] = _unwrapped(found["thresholds.yaml"], "thresholds")
    for file, key, kind in (
        ("tocsin.yaml", "notifiers", "notifier"),
        ("inspections.yaml", "inspections", "inspection"),
    ):
        configs = [plugins.load(kind, name).Config for name in plugins.known(kind)]
        found[file] = _with_plugins(found[file], key, configs)
    return found


def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema of a file; matchers and other own types are any value."""
    return model.model_json_schema(by_alias=True, schema_generator=_Schema)


class _Schema(GenerateJsonSchema):
    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> dict[str, Any]:
        return {}


def _unwrapped(schema: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the schema of a file that has no key above its content."""
    return {"$defs": schema.get("$defs", {}), "title": schema["title"], **schema["properties"][key]}


def _with_plugins(schema: dict[str, Any], key: str, configs: list[type[BaseModel]]) -> dict[str, Any]:
    """Return the schema with the configurations of plugins as the values of the mapping at `key`."""
    found: list[dict[str, Any]] = []
    definitions = dict(schema.get("$defs", {}))
    for config in configs:
        own = _schema_of(config)
        name = config.__module__.rpartition(".")[2]
        definitions |= own.pop("$defs", {})
        definitions[f"{key}.{name}"] = own
        found.append({"$ref": f"#/$defs/{key}.{name}"})
    of_key = {**schema["properties"][key], "additionalProperties": {"anyOf": found}}
    return {**schema, "$defs": definitions, "properties": {**schema["properties"], key: of_key}}
