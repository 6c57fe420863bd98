"""Plain values become frozen models; what pydantic has to say becomes faults that say what to write."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from agent.configuration.faults import Fault, Mark, Path, fault_at, hide, suggest

T = TypeVar("T")


def build(
    model: type[T], value: Any, marks: Mapping[Path, Mark], *, at: Path = (), hidden: Mapping[str, str] | None = None
) -> tuple[T | None, list[Fault]]:
    """Return the validated object (None if there is any fault) and every fault with its place.

    `value` stands at path `at` of `marks`. Secrets of `hidden` are not shown in any message.
    """
    try:
        return TypeAdapter(model).validate_python(value), []
    except ValidationError as error:
        details: list[Any] = error.errors(include_url=False, include_context=True)
        return None, list(_faults(model, details, marks, at, hidden or {}))


def _faults(
    model: Any, details: list[Any], marks: Mapping[Path, Mark], at: Path, hidden: Mapping[str, str]
) -> Iterator[Fault]:
    alternatives: dict[Path, list[str]] = {}
    for detail in details:
        loc, kind = tuple(detail["loc"]), detail["type"]
        written = _written((*at, *(loc[:-1] if kind == "missing" else loc)), marks)
        if kind == "missing":
            yield fault_at(marks, written, f"the key {str(loc[-1])!r} is missing: write it here", key=True)
        elif kind == "extra_forbidden":
            name = str(written[-1])
            known = keys_at(model, written[len(at) : -1])
            yield fault_at(marks, written, f"unknown key {name!r}{suggest(name, known)}", key=True)
        else:
            alternatives.setdefault(written, []).append(_say(detail, hidden))
    for path, messages in alternatives.items():
        yield fault_at(marks, path, _either(messages))


def _either(messages: list[str]) -> str:
    """One sentence where a value fits none of several forms: `5: write a text or a list`."""
    first, *others = dict.fromkeys(messages)
    shown, write, _ = first.partition(": write ")
    return " or ".join([first, *(m.removeprefix(shown + write) if write else m for m in others)])


def _written(loc: Path, marks: Mapping[Path, Mark]) -> Path:
    """The part of a pydantic `loc` that was written: union tags and function names are not in the map."""
    path: Path = ()
    for part in loc:
        if (*path, part) in marks:
            path = (*path, part)
        elif isinstance(part, str) and part.isdigit() and (*path, int(part)) in marks:
            path = (*path, int(part))
    return path


def _say(detail: Any, hidden: Mapping[str, str]) -> str:
    kind, shown = detail["type"], _show(detail.get("input"), hidden)
    advice = _ADVICE.get(kind)
    if advice is not None:
        return f"{shown}: write {hide(advice(detail.get('ctx') or {}, detail.get('input')), hidden)}"
    text = hide(str(detail["msg"]).removeprefix("Value error, "), hidden)
    return text if kind == "value_error" else f"{shown}: {text[:1].lower()}{text[1:]}"


def _show(value: Any, hidden: Mapping[str, str]) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if value is None:
        return "nothing"
    text = hide(repr(value), hidden)
    return text if len(text) <= 60 else f"{text[:57]}…"


_Advice = Callable[[Mapping[str, Any], Any], str]


def _quoted(_: Mapping[str, Any], value: Any) -> str:
    return f'a text: "{value}"' if isinstance(value, int | float) else "a text"


def _one_of(ctx: Mapping[str, Any], value: Any) -> str:
    expected = str(ctx.get("expected", ""))
    words = re.findall(r"'([^']*)'", expected)
    near = difflib.get_close_matches(value, words, n=1) if isinstance(value, str) else []
    return f"one of {expected}" + (f" (did you mean {near[0]!r}?)" if near else "")


_ID = "^[a-z0-9][a-z0-9_.-]*$"


def _form(ctx: Mapping[str, Any], _: Any) -> str:
    """The form of a text; an id is told in words, for who writes one in Chinese or capitals asks why."""
    pattern = ctx.get("pattern")
    return (
        "an id of a-z, 0-9, _ . - (people read its `name` or `zh`)"
        if pattern == _ID
        else f"a text of the form {pattern}"
    )


def _fixed(text: str) -> _Advice:
    return lambda ctx, value: text.format(**ctx)


def _limit(limit: Any) -> str:
    """A limit as it is written; pydantic tells that of a span as Python would."""
    return re.sub(r"datetime\.timedelta\((?:seconds=)?(\d+)\)", r"\1s", str(limit))


_ADVICE: Mapping[str, _Advice] = {
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float", "int_parsing_size"), _fixed("a whole number")),
    **dict.fromkeys(("float_parsing", "float_type", "finite_number"), _fixed("a number")),
    **dict.fromkeys(("bool_parsing", "bool_type"), _fixed("true or false")),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), _fixed("a list: [one, two]")),
    **dict.fromkeys(
        ("dict_type", "model_type", "model_attributes_type", "dataclass_type"), _fixed("a mapping: {{key: value}}")
    ),
    **dict.fromkeys(("literal_error", "enum"), _one_of),
    **dict.fromkeys(
        ("timezone_aware", "datetime_parsing", "datetime_from_date_parsing", "datetime_type"),
        _fixed("a moment with its zone: 2026-03-02T09:00:00+08:00"),
    ),
    "string_type": _quoted,
    "string_too_short": _fixed("a text that is not empty"),
    "string_pattern_mismatch": _form,
    "too_short": _fixed("at least {min_length}"),
    "too_long": _fixed("at most {max_length}"),
    "greater_than": lambda ctx, _: f"more than {_limit(ctx['gt'])}",
    "greater_than_equal": lambda ctx, _: f"{_limit(ctx['ge'])} or more",
    "less_than": lambda ctx, _: f"less than {_limit(ctx['lt'])}",
    "less_than_equal": lambda ctx, _: f"{_limit(ctx['le'])} or less",
}


def keys_at(model: Any, path: Path) -> set[str]:
    """Return the keys that a mapping at `path` below a model may have; steps through unions, lists and mappings."""
    models = [model]
    for part in path:
        models = [inner for m in models for inner in _step(m, part)]
    return {field.alias or name for m in models for r in _rules(m) for name, field in r.model_fields.items()}


def _rules(annotation: Any) -> list[type[BaseModel]]:
    """The models an annotation may mean: itself, or the members of a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, UnionType, Annotated):
        return [r for a in get_args(annotation) for r in _rules(a)]
    return []


def _step(annotation: Any, part: str | int) -> list[Any]:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _step(args[0], part)
    if origin in (Union, UnionType):
        return [inner for a in args for inner in _step(a, part)]
    rules = _rules(annotation)
    if rules:
        return [f.annotation for r in rules for n, f in r.model_fields.items() if part in (n, f.alias)]
    return [args[-1]] if origin in (dict, Mapping) else [a for a in args if a is not Ellipsis]
