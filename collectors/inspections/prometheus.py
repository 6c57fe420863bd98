"""A PromQL expression, judged by thresholds: each series of the answer is one reading."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, NoReturn

import aiohttp
from pydantic import Field, SecretStr

from collectors.condition import WrittenCondition
from collectors.rule import Span
from collectors.source import Finding, Reading, Unreachable
from collectors.thresholds import JudgedConfig, SeverityNumber, Threshold, Thresholds


class Config(JudgedConfig):
    """`url` is where Prometheus is (with its prefix, without `/api/v1`); `key` names the reading, by default as
    the inspection is named. `warn`, `crit`, `clear`, `for` and `severity` may stand here; thresholds.yaml is
    laid over them. More than `limit` series are refused, as each may become an alert.
    """

    type: Literal["prometheus"]
    url: str
    query: str
    key: str = ""
    alertname: str = ""
    token: SecretStr | None = None
    warn: WrittenCondition | None = None
    crit: WrittenCondition | None = None
    clear: WrittenCondition | None = None
    for_: Span = Field(default=timedelta(), alias="for")
    severity: dict[Literal["warn", "crit"], SeverityNumber] = {}
    limit: int = 500
    deadline: Span = timedelta(seconds=10)

    def own_thresholds(self, name: str) -> Thresholds:
        """What stands under `thresholds:`, and what is written beside the query under the key of the reading."""
        inline = {
            "warn": self.warn,
            "crit": self.crit,
            "clear": self.clear,
            "for": self.for_,
            "severity": self.severity,
        }
        written = {"for" if field == "for_" else field for field in self.model_fields_set}
        fields = {field: value for field, value in inline.items() if field in written}
        return {**self.thresholds, self.key or name: Threshold.model_validate(fields)} if fields else self.thresholds


_OURS = frozenset({"alertname", "inspection"})
"""Labels that the alert has of us: those of a series go beside them, as Prometheus does it where names clash."""


class Inspect:
    """One expression at one Prometheus."""

    tells_all = True
    """What it does not return is well, also after a restart: a series that is gone is told by nobody."""

    def __init__(self, name: str, config: Config) -> None:
        self._config = config
        self._key = config.key or name
        self._session: aiohttp.ClientSession | None = None

    async def read(self, now: datetime) -> list[Reading | Finding]:
        """Return a reading for each series; none where the answer is empty, which is well.

        The labels of a series are those of its alert. Raises Unreachable where Prometheus does not answer,
        refuses the expression, or answers with what is no instant vector or scalar.
        """
        data = await self._ask()
        kind, result = data.get("resultType"), data.get("result")
        if kind == "scalar" and isinstance(result, list):
            result = [{"metric": {}, "value": result}]
        elif kind != "vector" or not isinstance(result, list):
            self._refuse(f"answers {self._config.query!r} with a {kind}: ask for an instant vector or a scalar")
        if len(result) > self._config.limit:
            self._refuse(f"gives {len(result)} series for {self._config.query!r}: aggregate it, or raise `limit`")
        return [self._reading(series) for series in result if "value" in series]

    async def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _reading(self, series: Mapping[str, Any]) -> Reading:
        labels = {
            f"exported_{name}" if name in _OURS else name: value
            for name, value in series["metric"].items()
            if name != "__name__"
        }
        facts = {"query": self._config.query}
        return Reading(self._key, float(series["value"][1]), labels, facts, alertname=self._config.alertname)

    async def _ask(self) -> dict[str, Any]:
        if self._session is None:
            token = self._config.token
            headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
            timeout = aiohttp.ClientTimeout(total=self._config.deadline.total_seconds())
            self._session = aiohttp.ClientSession(headers=headers, timeout=timeout)
        url = f"{self._config.url.rstrip('/')}/api/v1/query"
        try:
            async with self._session.get(url, params={"query": self._config.query}) as response:
                body = await response.json(content_type=None)
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            self._refuse(f"does not answer as one ({str(error) or type(error).__name__}): check `url`", error)
        if not isinstance(body, dict) or body.get("status") != "success" or not isinstance(body.get("data"), dict):
            said = body.get("error", "no reason given") if isinstance(body, dict) else "this is no answer of its API"
            self._refuse(f"refuses {self._config.query!r}: {said}")
        data: dict[str, Any] = body["data"]
        return data

    def _refuse(self, said: str, cause: Exception | None = None) -> NoReturn:
        raise Unreachable(f"Prometheus at {self._config.url} {said}") from cause
