"""What refuses an act of a person."""


class Refusal(Exception):
    """The act is refused and changes nothing; the text is what the person is told.

    What a decider raises beside these is a fault of ours. `agent/http/problems.py` has the status of each.
    """
