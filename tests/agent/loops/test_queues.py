"""What waits for a notifier: bounded in flight, the most severe first, each once."""

from agent.loops.queues import Queues


def numbers(queues: Queues, most: int) -> list[int]:
    return [place.page for place in queues.take(most)]


def test_no_more_than_there_is_room_for_and_each_notifier_has_its_own() -> None:
    queues = Queues()
    for page in range(5):
        queues.add(page, "mail", 3)
    queues.add(9, "hook", 3)
    assert numbers(queues, 2) == [0, 1, 9]
    for notifier in ("mail", "mail", "hook"):
        queues.depart(notifier)
    assert numbers(queues, 2) == []
    queues.land("mail")
    assert numbers(queues, 2) == [2]
    assert len(queues) == 2


def test_the_most_severe_goes_first_then_whoever_came_first() -> None:
    queues = Queues()
    for page, severity in ((1, 4), (2, 2), (3, 1), (4, 2)):
        queues.add(page, "mail", severity)
    assert numbers(queues, 64) == [3, 2, 4, 1]


def test_what_comes_now_goes_before_what_an_outage_has_made_late_and_never_before_what_is_more_severe() -> None:
    queues = Queues()
    for page in range(1000):
        queues.add(page, "mail", 1, is_late=True)
    queues.add(2000, "mail", 2)
    queues.add(2001, "mail", 1)
    assert numbers(queues, 1002) == [2001, *range(1000), 2000]


def test_a_page_waits_once_and_what_could_not_be_claimed_keeps_its_place() -> None:
    queues = Queues()
    for page in (1, 1, 2):
        queues.add(page, "mail", 3)
    taken = queues.take(1)
    queues.add(3, "mail", 3)
    queues.give_back(taken)
    assert numbers(queues, 64) == [1, 2, 3]
    queues.add(1, "mail", 3)
    assert numbers(queues, 64) == [1]
