"""A page as a line of the log."""

from structlog.testing import capture_logs

from escalation.delivery import Message
from escalation.notifiers.log import Config, Notify
from tests.escalation.notifiers.receivers import page


async def test_each_page_is_one_line_that_says_whom_it_is_for() -> None:
    with capture_logs() as lines:
        notify = Notify(Config(type="log"))
        assert await notify.send(page(message=Message("subject", "text", "disk full\n", {}))) is None
        await notify.close()
    assert lines == [
        {
            "event": "page",
            "log_level": "info",
            "incident": "INC-20260302-0001",
            "step": "2/p75",
            "target": "ana",
            "to": "ana@example.org",
            "key": page().key,
            "attempt": 2,
            "text": "disk full\n",
        }
    ]
