"""A page is composed when it is sent, from the incident as it then is."""

from datetime import datetime

from agent.config import Config
from correlation.board import Board
from correlation.incident import Incident
from escalation.delivery import Message, PageToSend
from escalation.store import Page


def compose_page(page: Page, incident: Incident | None, config: Config, board: Board, now: datetime) -> PageToSend:
    return PageToSend(page.id, page.key, incident.number if incident else "", page.step, page.person, page.address, page.attempts, page.notifier, Message(page.step))
