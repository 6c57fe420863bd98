"""A notifier that another took the place of is closed after its last page."""

import asyncio

from agent.loops.channels import Sending


class Channel:
    def __init__(self) -> None:
        self.closed = False

    async def close(self) -> None:
        self.closed = True


async def test_one_that_sends_nothing_is_closed_at_once() -> None:
    channel = Channel()
    await Sending().close_after_last(channel)
    assert channel.closed


async def test_one_that_sends_is_closed_after_its_last_page_and_not_after_that_of_another() -> None:
    sending, channel, other = Sending(), Channel(), Channel()
    with sending.by(other):
        with sending.by(channel):
            with sending.by(channel):
                closing = asyncio.create_task(sending.close_after_last(channel))
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert not channel.closed
        await closing
    assert channel.closed
