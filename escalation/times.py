"""Times of day as they are written."""

import re

_DAYTIME = re.compile(r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?(?:[01]\d|2[0-3]):[0-5]\d")


def daytime(text: str) -> str:
    """The text, if it is a time of day or of a week. Raises ValueError with a sentence that shows the right form."""
    if _DAYTIME.fullmatch(text) is None:
        raise ValueError(f'{text!r} is no time of day: write "09:00" or "Fri 15:00"')
    return text
