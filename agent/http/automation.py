"""The routes of automation: what known errors would have done, what was run, and who says yes or no to it."""

from typing import TYPE_CHECKING

from agent.http import case_bodies as bodies
from agent.http.calls import Call, Result, Route
from agent.http.cursors import before
from agent.http.list_views import RunView
from agent.http.problems import Problem, not_found
from agent.http.queries import RunsQuery
from agent.http.reads.lists import ListReads
from agent.http.views import Items, Why
from agent.intents import RunDecided
from agent.wording.sentences import text
from knowledge.run import Run, RunState
from knowledge.store import RUN_FIELDS, RunRow, run_from

if TYPE_CHECKING:
    from agent.http.api import Api

_ALL = "/api/v1/automation-runs"
_ONE = f"{_ALL}/{{run}}"


def automation_routes(api: "Api") -> list[Route]:
    at = Automation(api)
    return [
        Route("GET", _ALL, "list_automation_runs", "Actions of known errors", at.list, Items[RunView], RunsQuery),
        Route("GET", _ONE, "get_automation_run", "What became of one", at.get, RunView),
        Route(
            "POST",
            f"{_ONE}/approve",
            "approve_automation_run",
            "Have it run",
            at.approve,
            RunView,
            body=bodies.ApproveRun,
        ),
        Route(
            "POST",
            f"{_ONE}/decline",
            "decline_automation_run",
            "Not this time",
            at.decline,
            RunView,
            body=bodies.Because,
        ),
    ]


class Automation:
    """What these routes do."""

    def __init__(self, api: "Api") -> None:
        self._api, self._reads = api, ListReads(api.engine)

    async def list(self, call: Call) -> Result:
        asked: RunsQuery = call.query
        rows, following = await self._reads.runs(
            asked.incident, [str(s) for s in asked.state], before(asked.cursor, "runs"), asked.limit
        )
        return Result(Items[RunView](items=[self._shown(call, _run(row)) for row in rows], next=following))

    async def get(self, call: Call) -> Result:
        row = await self._reads.run(_id(call))
        if row is None:
            raise not_found(f"there is no run {_id(call)}")
        return Result(self._shown(call, _run(row)))

    async def approve(self, call: Call) -> Result:
        sent = call.body(bodies.ApproveRun)
        return await self._decided(call, approve=True, dry_run=bool(sent.dry_run), reason=sent.reason or "")

    async def decline(self, call: Call) -> Result:
        return await self._decided(call, approve=False, reason=call.body(bodies.Because).reason)

    async def _decided(self, call: Call, *, approve: bool, reason: str, dry_run: bool = False) -> Result:
        if call.done is not None:
            return await self.get(call)
        mark = call.marked(str(_id(call)))
        run = await self._api.pipeline.submit(RunDecided(_id(call), approve, call.actor, dry_run, reason, mark=mark))
        shown = self._shown(call, run)
        if approve and run.state is RunState.PROPOSED and shown.why is not None:
            raise Problem(409, _not_now(shown.why.text, call.language), allowed=["approve", "decline"])
        return Result(shown)

    def _shown(self, call: Call, run: Run) -> RunView:
        rule = self._api.get_config().automation.actions.get(run.action)
        why = run.why
        return RunView(
            id=run.id,
            incident=run.number,
            known_error=run.known_error,
            action=run.action,
            target=run.target,
            argv=run.argv,
            state=run.state,
            approve=rule.approve if rule is not None else None,
            proposed_at=run.proposed_at,
            decided_by=run.decided_by,
            decided_at=run.decided_at,
            started_at=run.started_at,
            ended_at=run.ended_at,
            exit_code=run.exit_code,
            why=Why(code=why.code, facts=why.facts, text=text(why.code, why.facts, call.language)) if why else None,
            output=run.output,
            verify_at=run.verify_at,
            verified=run.verified,
        )


def _not_now(why: str, language: str) -> str:
    return f"现在不执行：{why}" if language == "zh" else f"it is not run now: {why}"


def _id(call: Call) -> int:
    return int(call.request.match_info["run"])


def _run(row: RunRow) -> Run:
    return run_from(tuple(getattr(row, name) for name in RUN_FIELDS))
