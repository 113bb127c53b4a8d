"""Collections: the endpoints at `/api/collections[/<namespace>/<slug>[/items[/<item>]]]`."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response

from arith_puzzle.local_hub.calls import Call
from arith_puzzle.local_hub.names import PLURAL


def _listing(call: Call) -> Response:
    found = call.hub.collections.listing(call.user, call.many("owner"), call.many("item"))
    return call.page(found, 100)


def _slug(call: Call) -> str:
    return "/".join(call.args[:2])


def _item_exists(call: Call) -> Callable[[str, str], bool]:
    """The check of a new item: a repo must be readable for the user. A paper is not checked: papers are elsewhere."""

    def exists(item_type: str, item_id: str) -> bool:
        if item_type == "paper":
            return True
        repo = call.hub.store.open(PLURAL[item_type], item_id)
        return repo is not None and call.can_read(repo)

    return exists


_ONE = ("collections", "*", "*")
# `call.args` are namespace, slug and item.
ROUTES: dict[tuple[str, ...], Callable[[Call], object]] = {
    ("GET", "collections"): _listing,
    ("POST", "collections"): lambda call: call.hub.collections.create(call.user, call.json()),
    ("GET", *_ONE): lambda call: call.hub.collections.get(call.user, _slug(call)),
    ("PATCH", *_ONE): lambda call: call.hub.collections.update(call.user, _slug(call), call.json()),
    ("DELETE", *_ONE): lambda call: call.hub.collections.delete(call.user, _slug(call)),
    ("POST", *_ONE, "items"): lambda call: call.hub.collections.add_item(
        call.user, _slug(call), call.json(), _item_exists(call)
    ),
    ("PATCH", *_ONE, "items", "*"): lambda call: call.hub.collections.update_item(
        call.user, _slug(call), call.args[2], call.json()
    ),
    ("DELETE", *_ONE, "items", "*"): lambda call: call.hub.collections.delete_item(
        call.user, _slug(call), call.args[2]
    ),
}
