"""The channel of tests and rehearsals."""

import pytest

from escalation.delivery import Undeliverable
from escalation.notifiers.recording import Config, Notify
from tests.escalation.notifiers.receivers import page


async def test_it_keeps_what_it_is_given_and_fails_as_long_as_it_is_told_to() -> None:
    notify = Notify(Config(type="recording"))
    assert await notify.send(page(attempt=1)) == "recorded-1"
    notify.fails = Undeliverable("no", permanent=True)
    with pytest.raises(Undeliverable):
        await notify.send(page(attempt=2))
    notify.fails = None
    assert await notify.send(page(attempt=3)) == "recorded-2"
    await notify.close()
    assert [p.attempt for p in notify.pages] == [1, 3]
