"""Writes each page as one line of the log: for a demo, and for a site that is dry."""

from typing import Literal

import structlog

from escalation.delivery import ChannelConfig, PageToSend


class Config(ChannelConfig):
    type: Literal["log"]


class Notify:
    def __init__(self, config: Config) -> None:
        self._log = structlog.get_logger("page")

    async def send(self, page: PageToSend) -> str | None:
        self._log.info(
            "page",
            incident=page.incident,
            step=page.step,
            target=page.target,
            to=page.to,
            key=page.key,
            attempt=page.attempt,
            text=page.message.short,
        )
        return None

    async def close(self) -> None:
        pass
