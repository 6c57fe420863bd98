"""Values of the configuration as they are written in YAML, without the secrets in them."""

import enum
import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, SecretStr

from agent.configuration.faults import hide
from collectors.condition import Condition
from collectors.rule import format_span
from collectors.thresholds import Threshold, lay_over

if TYPE_CHECKING:
    from agent.configuration.config import Config

MASK = "********"
_SECRET = re.compile(r"(?:.*[_-])?(?:token|password|secret|authorization|api[_-]?key)", re.IGNORECASE)
# A parameter has none of the characters of a regex in its name: `?` before a `(` asks for no address.
_ADDRESS_SECRET = re.compile(
    r"(?<=://)()([^/@\s]+)(?=@)"
    r"|(?<=[?&])([^=&\s(){}|\\^*+?]*(?:token|key|secret|sign)[^=&\s(){}|\\^*+?]*=)([^&\s]+)"
)
_PLAIN_HEADERS = frozenset({"accept", "accept-language", "content-type", "priority", "title", "tags", "user-agent"})
"""Headers that hold no secret; of any other it is not known."""
_SCHEME = re.compile(r"(?:Bearer|Basic|Token) +", re.IGNORECASE)


def plain(value: Any, hidden: Mapping[str, str] | None = None) -> Any:
    """Return models, spans, matchers and conditions as plain values; what is a secret by its key is masked."""
    return _plain(value, hidden or {})


def _plain(value: Any, hidden: Mapping[str, str]) -> Any:
    if isinstance(value, BaseModel):
        fields = {field.serialization_alias or field.alias or n: n for n, field in type(value).model_fields.items()}
        value = {alias: getattr(value, name) for alias, name in fields.items()}
    if isinstance(value, Mapping):
        return {
            _key(k): _headers(v, hidden)
            if k == "headers" and isinstance(v, Mapping)
            else _masked(_plain(v, hidden), hidden)
            if _is_secret(k)
            else _plain(v, hidden)
            for k, v in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(v, hidden) for v in value]
    return _leaf(value, hidden)


def _headers(value: Mapping[str, Any], hidden: Mapping[str, str]) -> dict[str, Any]:
    """Headers by which programs are let in have any name: only what is known to be none is shown."""
    shown = {name: _plain(v, hidden) for name, v in value.items()}
    return {name: v if name.lower() in _PLAIN_HEADERS else _masked(v, hidden) for name, v in shown.items()}


def _leaf(value: Any, hidden: Mapping[str, str]) -> Any:
    if isinstance(value, timedelta):
        return format_span(value)
    if isinstance(value, Condition):
        return value.written()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, SecretStr):
        return _masked(hide(value.get_secret_value(), hidden), hidden)
    if isinstance(value, str):
        return _ADDRESS_SECRET.sub(
            lambda f: f"{f[1] or f[3] or ''}{_masked(f[2] or f[4], hidden)}", hide(value, hidden)
        )
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _key(key: Any) -> Any:
    return key.value if isinstance(key, enum.Enum) else key


def _is_secret(key: Any) -> bool:
    return isinstance(key, str) and _SECRET.fullmatch(key) is not None


def _masked(value: Any, hidden: Mapping[str, str]) -> Any:
    """What stands for a secret is shown (`${AM_TOKEN}`, `Bearer ${AM_TOKEN}`), what was written out is not."""
    if isinstance(value, list):
        return [_masked(v, hidden) for v in value]
    if not isinstance(value, str):
        return value
    stands = "|".join(map(re.escape, sorted(set(hidden.values()), key=len, reverse=True)))
    pieces = re.split(f"({stands})", hidden.get(value, value)) if stands else [value]
    # Every second piece is what stands in the file; between them is what was written out.
    return "".join(p if n % 2 or not p or (n == 0 and _SCHEME.fullmatch(p)) else MASK for n, p in enumerate(pieces))


def effective(config: "Config") -> dict[str, Any]:
    """Return for each file what holds, defaults included and secrets masked; plain values, as YAML writes them."""
    shown = {name: plain(file, config.hidden) for name, file in config.files.items()}
    shown["tocsin.yaml"]["notifiers"] = plain(config.notifiers, config.hidden)
    shown["tocsin.yaml"]["pack"] = config.pack
    shown["inspections.yaml"]["inspections"] = plain(config.inspections, config.hidden)
    shown["thresholds.yaml"] = {
        name: plain(lay_over(config.pack_thresholds.get(name, Threshold()), config.thresholds.get(name, Threshold())))
        for name in {**config.pack_thresholds, **config.thresholds}
    }
    return shown


def effective_text(config: "Config") -> str:
    """The effective configuration as text: secrets masked, keys in a steady order."""
    return json.dumps(effective(config), sort_keys=True, ensure_ascii=False, indent=1)


def origins(config: "Config") -> list[str]:
    """Return for every value that is written somewhere a line: the `file:line` that won, its path, and the value."""
    found = []
    for name, shown in effective(config).items():
        values = dict(_nodes(shown, ""))
        for path, place in config.provenance.get(name, {}).items():
            value = values.get(path, values.get(path.rpartition(".")[0], ""))
            found.append(f"{place}: {path} = {json.dumps(value, ensure_ascii=False)}")
    return found


def _nodes(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, value
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _nodes(inner, f"{path}.{key}" if path else str(key))
