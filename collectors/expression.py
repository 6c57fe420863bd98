"""What a Prometheus rule looks at: its expression, which every alert of a Prometheus carries in its link."""

from urllib.parse import parse_qs, urlsplit

from collectors.labels import one_text
from collectors.remembering import remembers

_NAMED = "g0.expr="
_LONGEST = 2_000


@remembers("expressions", 4096)
def expression_of(generator_url: str) -> str:
    """The PromQL in `generatorURL` (`…/graph?g0.expr=…`), cut at 2,000 characters; "" where it names none."""
    if _NAMED not in generator_url:
        return ""
    try:
        found = parse_qs(urlsplit(generator_url).query, max_num_fields=50).get(_NAMED[:-1], [""])[0]
    except ValueError:
        return ""
    return one_text(" ".join(found[:_LONGEST].split()))
