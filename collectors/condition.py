"""One condition on a value, as ops write it, read in the direction of the key it stands for."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from collectors.rule import parse_span


class Known(NamedTuple):
    """What is known of a key: its alert, what it says, whether less is worse, and how far past warn it is well."""

    alertname: str
    says: str
    down: bool = False
    slack: float = 0.0


_PERCENT_SLACK = 2.0  # procedure 4.6, hysteresis: clear_below_warn_by
KNOWN = {
    "disk_used_pct": Known("DiskSpaceLow", "disk space used (%)", slack=_PERCENT_SLACK),
    "disk_free_pct": Known("DiskSpaceLow", "disk space free (%)", down=True, slack=_PERCENT_SLACK),
    "disk_full_in_s": Known("DiskFillingUp", "seconds until the disk is full", down=True, slack=3600),
    "inode_free_pct": Known("DiskInodesLow", "inodes free (%)", down=True, slack=_PERCENT_SLACK),
    "ups_charge_pct": Known("UpsChargeLow", "battery charge (%)", down=True, slack=_PERCENT_SLACK),
    "ups_runtime_s": Known("UpsRuntimeLow", "seconds the battery lasts", down=True, slack=60),
    "ups_load_pct": Known("UpsOverload", "UPS load (%)", slack=_PERCENT_SLACK),
    "ups_unreachable_s": Known("UpsCommLost", "seconds without data of the UPS"),
    "cpu_used_pct": Known("CpuHigh", "CPU used (%)", slack=_PERCENT_SLACK),
    "room_temp_c": Known("RoomTemperature", "room temperature (°C)", slack=1),
    "room_humidity_pct": Known("RoomHumidity", "room humidity (%)", slack=_PERCENT_SLACK),
    "http_latency_s": Known("HttpSlow", "seconds until the answer"),
    "tls_days_left": Known("TlsExpiring", "days until the certificate ends", down=True),
}


def known(key: str) -> Known:
    """What is known of a key; of another key: more is worse, its alert is the key in CamelCase.

    A percentage has the hysteresis of the procedure, any other unknown unit has none unless `clear` is written.
    """
    camel = "".join(part[:1].upper() + part[1:] for part in key.replace("-", "_").split("_"))
    return KNOWN.get(key) or Known(camel, key, slack=_PERCENT_SLACK if key.endswith("_pct") else 0.0)


_TESTS: dict[str, Callable[[float, float, float], bool]] = {
    "gte": lambda value, low, _: value >= low,
    "gt": lambda value, low, _: value > low,
    "lte": lambda value, low, _: value <= low,
    "lt": lambda value, low, _: value < low,
    "eq": lambda value, low, _: value == low,
    "outside": lambda value, low, high: value < low or value > high,
}
_EASED = {"gte": -1.0, "gt": -1.0, "lte": 1.0, "lt": 1.0}
_HOW_TO = "write a number, {gte: 85}, {gt: 32}, {lte: 10}, {lt: 50}, {eq: true} or {outside: [21, 25]}"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on a value. `op` "" is a bare number: it is read in the direction of the key it stands for."""

    op: str
    low: float
    high: float = math.nan
    given: Mapping[str, "Condition"] = field(default_factory=dict)

    @classmethod
    def parse(cls, written: Any) -> "Condition":
        """Read a bare number or `{gte: 85}`; a span (`24h`) counts as its seconds; raises ValueError.

        `given: {disk_free_pct: {lt: 40}}` beside the comparison asks for other values of the same reading.
        """
        if isinstance(written, Condition):
            return written
        if not isinstance(written, Mapping):
            return cls("", _number(written))
        terms = dict(written)
        given = {str(key): cls.parse(term) for key, term in dict(terms.pop("given", {})).items()}
        if len(terms) != 1:
            raise ValueError(f"{written!r} is no condition: {_HOW_TO}")
        ((op, value),) = terms.items()
        if op == "outside":
            return cls("outside", *_range(value), given=given)
        if op not in _TESTS:
            raise ValueError(f"{op!r} compares nothing: {_HOW_TO}")
        return cls(str(op), _number(value), given=given)

    def of(self, key: str) -> "Condition":
        """The same condition in the direction of a key: less is worse for `ups_charge_pct`, more for others."""
        return self if self.op else Condition("lt" if known(key).down else "gte", self.low, given=self.given)

    def eased(self, key: str) -> "Condition":
        """The condition that must stop to hold before its level is left: moved by the hysteresis of the key."""
        by = known(key).slack
        given = {name: term.of(name).eased(name) for name, term in self.given.items()}
        if self.op == "outside":
            by = min(by, (self.high - self.low) / 4)
            return Condition("outside", self.low + by, self.high - by, given)
        return Condition(self.op, self.low + by * _EASED.get(self.op, 0.0), given=given)

    def holds(self, value: float, given: Mapping[str, float] | None = None) -> bool:
        """Whether it holds. A NaN, or a value of `given` that is missing, never holds."""
        known_values = given or {}
        return _TESTS[self.op or "gte"](value, self.low, self.high) and all(
            term.of(name).holds(known_values.get(name, math.nan)) for name, term in self.given.items()
        )

    def written(self) -> Any:
        """The condition as it is written in YAML."""
        if not self.op:
            return self.low
        term: dict[str, Any] = {self.op: [self.low, self.high] if self.op == "outside" else self.low}
        return term | ({"given": {name: c.written() for name, c in self.given.items()}} if self.given else {})

    def __str__(self) -> str:
        signs = {"gte": "≥", "gt": ">", "lte": "≤", "lt": "<", "eq": "="}
        return f"outside {self.low:g}–{self.high:g}" if self.op == "outside" else f"{signs[self.op]} {self.low:g}"


def _number(written: Any) -> float:
    if isinstance(written, bool | int | float):
        number = float(written)
    elif isinstance(written, str) and written.endswith("%"):
        raise ValueError(f"{written!r} is no number: write it without the sign, {written[:-1].strip()}")
    elif isinstance(written, str):
        number = parse_span(written).total_seconds()
    else:
        raise ValueError(f"{written!r} is no number: {_HOW_TO}")
    if math.isnan(number):
        raise ValueError(f"no value compares with nan: {_HOW_TO}")
    return number


def _range(written: Any) -> tuple[float, float]:
    if not isinstance(written, list | tuple) or len(written) != 2:
        raise ValueError(f"{written!r} is no range: write outside: [21, 25]")
    low, high = map(_number, written)
    if low > high:
        raise ValueError(f"{written!r} is no range: write the smaller number first")
    return low, high


_NUMBER_SCHEMA: dict[str, Any] = {"type": ["number", "string"]}
_CONDITION_SCHEMA: dict[str, Any] = {
    "anyOf": [
        _NUMBER_SCHEMA,
        {
            "type": "object",
            "properties": {
                **dict.fromkeys(("gte", "gt", "lte", "lt"), _NUMBER_SCHEMA),
                "eq": {"type": ["number", "boolean", "string"]},
                "outside": {"type": "array", "items": _NUMBER_SCHEMA, "minItems": 2, "maxItems": 2},
                "given": {"type": "object"},
            },
            "additionalProperties": False,
        },
    ]
}
WrittenCondition = Annotated[
    Condition,
    PlainValidator(Condition.parse),
    PlainSerializer(Condition.written, when_used="json"),
    WithJsonSchema(_CONDITION_SCHEMA),
]
