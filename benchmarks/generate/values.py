"""Words that several parts share: amounts by fault, templates, and times as Prometheus writes them."""

from collections.abc import Mapping
from datetime import UTC, datetime

Shares = dict[str, float]
"""How much of a condition each fault causes, by the fault's id. The order is that of the telling, and so are sums."""

Facts = Mapping[str, str]
"""What is known of the thing that a rule watches: name, host, rack, service, port, pod and url, where it has one."""

_NOTHING = dict.fromkeys(("name", "host", "rack", "service", "port", "pod", "url", "value"), "")


def filled(template: str, facts: Facts) -> str:
    """A template with its {places} filled; what is not known is empty."""
    return template.format_map({**_NOTHING, **facts})


def written(moment: float | None) -> str:
    """A time as Prometheus writes it, to the millisecond; none is the zero time of Go."""
    if moment is None:
        return "0001-01-01T00:00:00Z"
    text = datetime.fromtimestamp(round(moment, 3), UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return text.rstrip("0").rstrip(".") + "Z"
