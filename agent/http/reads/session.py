"""Where reads are made: on the readers' engine, which writes nothing."""

from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession


class Reading:
    """Reads about one subject. Each method is one transaction; rows stay usable after it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    def _session(self) -> AsyncSession:
        return AsyncSession(self._engine, expire_on_commit=False)
