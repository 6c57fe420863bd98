"""Keeps what it is given: for tests and rehearsals."""

from typing import Literal

from escalation.delivery import ChannelConfig, PageToSend, Undeliverable


class Config(ChannelConfig):
    type: Literal["recording"]


class Notify:
    """`fails` is raised for each page until it is taken back."""

    def __init__(self, config: Config) -> None:
        self.pages: list[PageToSend] = []
        self.fails: Undeliverable | None = None

    async def send(self, page: PageToSend) -> str | None:
        if self.fails is not None:
            raise self.fails
        self.pages.append(page)
        return f"recorded-{len(self.pages)}"

    async def close(self) -> None:
        pass
