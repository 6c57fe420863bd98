"""The routes of configuration items: the register, and what people write over it (procedure R98, R103)."""

from typing import TYPE_CHECKING

from agent.configuration.faults import suggest
from agent.http import case_bodies as bodies
from agent.http import case_views as views
from agent.http.calls import Call, Result, Route
from agent.http.cursors import after, cursor_of
from agent.http.problems import Problem, not_found
from agent.http.queries import Paged
from agent.http.reads.cases import CaseReads
from agent.http.views import Items
from agent.intents import ItemEdited
from collectors.moment import parse_moment
from correlation.incident import ITEM

if TYPE_CHECKING:
    from agent.http.api import Api

_ITEMS = "/api/v1/configuration-items"


def item_routes(api: "Api") -> list[Route]:
    """The routes of configuration items."""
    at = ConfigurationItems(api)
    return [
        Route(
            "GET", _ITEMS, "list_configuration_items", "Configuration items", at.items, Items[views.ItemShown], Paged
        ),
        Route(
            "POST",
            _ITEMS,
            "add_configuration_item",
            "Add one",
            at.add,
            views.ItemDetail,
            body=bodies.AddItem,
            status=201,
        ),
        Route("GET", f"{_ITEMS}/{{item}}", "get_configuration_item", "What it is", at.item, views.ItemDetail),
        Route(
            "PATCH",
            f"{_ITEMS}/{{item}}",
            "edit_configuration_item",
            "Write over it",
            at.edit,
            views.ItemDetail,
            body=bodies.EditItem,
        ),
    ]


class ConfigurationItems:
    """What these routes do."""

    def __init__(self, api: "Api") -> None:
        self._api = api
        self._reads = CaseReads(api.engine)

    async def items(self, call: Call) -> Result:
        asked: Paged = call.query
        names = sorted(self._api.pipeline.desk.register.items)
        start = after(asked.cursor, "items")
        shown = [self._shown(call, name) for name in names[start : start + asked.limit]]
        end = start + len(shown)
        following = cursor_of("items", None, end) if end < len(names) else None
        return Result(Items[views.ItemShown](items=shown, next=following))

    async def item(self, call: Call) -> Result:
        return await self._in_full(call, call.request.match_info["item"])

    async def add(self, call: Call) -> Result:
        sent = call.body(bodies.AddItem)
        if call.done is None:
            await self._submit(call, sent.id, sent, new=True)
        found = await self._in_full(call, sent.id)
        return Result(found.content, 201, {"Location": f"{_ITEMS}/{sent.id}"})

    async def edit(self, call: Call) -> Result:
        name = call.request.match_info["item"]
        known = self._api.pipeline.desk.register.items
        if name not in known:
            raise not_found(f"there is no configuration item {name!r}{suggest(name, known)}")
        await self._submit(call, name, call.body(bodies.EditItem), new=False)
        return await self._in_full(call, name)

    async def _submit(self, call: Call, name: str, sent: bodies.ItemValues, *, new: bool) -> None:
        until = parse_moment(sent.until or "")
        if until is not None and until <= call.now:
            raise Problem(409, "until must be a moment to come")
        intent = ItemEdited(
            name, sent.values(), sent.reason, call.actor, until, sent.incident, new, mark=call.marked(name)
        )
        await self._api.pipeline.submit(intent)

    async def _in_full(self, call: Call, name: str) -> Result:
        known = self._api.pipeline.desk.register.items
        if name not in known:
            raise not_found(f"there is no configuration item {name!r}{suggest(name, known)}")
        same = self._shown(call, name).model_dump()
        return Result(views.ItemDetail(**same, incidents=await self._reads.incidents_of(ITEM, name)))

    def _shown(self, call: Call, name: str) -> views.ItemShown:
        desk = self._api.pipeline.desk
        item = desk.register.items[name]
        edits = [edit for edit in desk.item_edits if edit.item.lower() == name.lower() and edit.holds(call.now)]
        return views.ItemShown(
            id=name,
            kind=item.kind,
            criticality=item.criticality,
            depends_on=list(item.depends_on),
            owner=item.owner,
            location=item.location,
            vendor=item.vendor,
            restricted=item.restricted,
            rule=item.rule,
            edits=[
                views.ItemEditShown(
                    changes=edit.values, author=edit.author, reason=edit.reason, at=edit.at, until=edit.until
                )
                for edit in edits
            ],
        )
