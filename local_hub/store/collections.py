"""Collections: titled lists of repos, kept in `root/collections.json`.

Every change rewrites the whole file, which is small: a local Hub has a handful of collections.
"""

from __future__ import annotations

import copy
import json
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from arith_puzzle.common.files import write_text
from arith_puzzle.local_hub.errors import HubError, bad_request
from arith_puzzle.local_hub.store.accounts import User, require_user, require_write
from arith_puzzle.local_hub.store.repo import now

MAX_TITLE = 59
MAX_DESCRIPTION = 150
MAX_NOTE = 500
ITEM_TYPES = ("model", "dataset", "space", "paper", "collection")
_LISTED_ITEMS = 4  # a listing shows the first four items of each collection


def _text(value: object, name: str, limit: int) -> str:
    if not isinstance(value, str) or len(value) > limit:
        raise bad_request(f"'{name}' must be a text of at most {limit} characters.")
    return value


def _slug(namespace: str, title: str, number: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "collection"
    return f"{namespace}/{words}-{number}"


def _id_of(slug: str) -> str:
    """The last part of a slug. It stays the same when the title changes."""
    return slug.rpartition("-")[2]


class Collections:
    """All collections of one Hub.

    The methods return copies, because their results are sent after the lock is released. They raise `HubError` if the
    collection or the item is missing, or the user has no right to the change. The constructor raises `ValueError` if
    the file is not JSON.
    """

    def __init__(self, root: Path):
        self._file = root / "collections.json"
        self._lock = threading.Lock()
        try:
            stored: dict[str, dict] = json.loads(self._file.read_bytes()) if self._file.exists() else {}
        except ValueError as error:
            raise ValueError(f"{self._file} is not JSON: {error}") from None
        self._all = {_id_of(found["slug"]): found for found in stored.values()}

    def _save(self) -> None:
        write_text(self._file, json.dumps(self._all, indent=1))

    def _readable(self, slug: str, user: User | None) -> dict:
        found = self._all.get(_id_of(slug))
        if (
            found is None
            or found["owner"]["name"] != slug.partition("/")[0]
            or (found["private"] and not (user and user.owns(found["owner"]["name"])))
        ):
            raise HubError(404, f"Collection not found: {slug}")
        return found

    def _writable(self, slug: str, user: User | None) -> dict:
        found = self._readable(slug, require_user(user))
        require_write(user, found["owner"]["name"])
        return found

    def create(self, user: User | None, payload: dict) -> dict:
        """Create a collection. Raises `HubError` 409 with its `slug` if the namespace has one of this title."""
        title = _text(payload.get("title"), "title", MAX_TITLE).strip()
        namespace = payload.get("namespace") or require_user(user).name
        description = _text(payload.get("description", ""), "description", MAX_DESCRIPTION)
        require_write(user, namespace)
        if not title:
            raise bad_request("A collection needs a 'title'.")
        with self._lock:
            for found in self._all.values():
                if found["title"] == title and found["owner"]["name"] == namespace:
                    raise HubError(409, "A collection with this title already exists", body={"slug": found["slug"]})
            number = secrets.token_hex(12)
            self._all[number] = {
                "slug": _slug(namespace, title, number),
                "title": title,
                "description": description,
                "owner": {"type": "user", "name": namespace, "fullname": namespace},
                "items": [],
                "lastUpdated": now(),
                "position": sum(1 for found in self._all.values() if found["owner"]["name"] == namespace),
                "private": bool(payload.get("private", False)),
                "theme": "blue",
                "upvotes": 0,
            }
            self._save()
            return copy.deepcopy(self._all[number])

    def get(self, user: User | None, slug: str) -> dict:
        with self._lock:
            return copy.deepcopy(self._readable(slug, user))

    def listing(self, user: User | None, owners: list[str], items: list[str]) -> list[dict]:
        """The collections that the user may read, the last changed first.

        Args:
            owners: only collections of these namespaces; empty: all.
            items: only collections with one of these items, such as `models/ns/name`; empty: all.
        """
        chosen = []
        with self._lock:
            all_ = copy.deepcopy(list(self._all.values()))
        for found in sorted(all_, key=lambda one: one["lastUpdated"], reverse=True):
            if found["private"] and not (user and user.owns(found["owner"]["name"])):
                continue
            if owners and found["owner"]["name"] not in owners:
                continue
            held = {f"{item['type']}s/{item['id']}" for item in found["items"]}
            if items and not held & set(items):
                continue
            del found["position"]  # the client numbers the entries of a listing itself
            chosen.append({**found, "items": found["items"][:_LISTED_ITEMS]})
        return chosen

    def update(self, user: User | None, slug: str, payload: dict) -> dict:
        """Change title, description, position, theme or privacy. A new title makes a new slug; old slugs stay valid."""
        with self._lock:
            found = self._writable(slug, user)
            changes: dict = {}
            if "title" in payload:
                changes["title"] = _text(payload["title"], "title", MAX_TITLE)
                changes["slug"] = _slug(found["owner"]["name"], changes["title"], _id_of(slug))
            if "description" in payload:
                changes["description"] = _text(payload["description"], "description", MAX_DESCRIPTION)
            if "theme" in payload:
                changes["theme"] = _text(payload["theme"], "theme", 20)
            for name, kind in (("position", int), ("private", bool)):
                if name in payload:
                    if type(payload[name]) is not kind:
                        raise bad_request(f"'{name}' must be of type {kind.__name__}.")
                    changes[name] = payload[name]
            found.update(changes, lastUpdated=now())
            self._save()
            return {"success": True, "data": copy.deepcopy(found)}

    def delete(self, user: User | None, slug: str) -> dict:
        with self._lock:
            self._writable(slug, user)
            del self._all[_id_of(slug)]
            self._save()
            return {"success": True}

    def add_item(self, user: User | None, slug: str, payload: dict, exists: Callable[[str, str], bool]) -> dict:
        """Add an item at the end.

        Raises `HubError` 404 if `exists(type, id)` is false, and 409 if the collection already has the item.
        """
        item = payload.get("item")
        if not isinstance(item, dict) or item.get("type") not in ITEM_TYPES or not isinstance(item.get("id"), str):
            raise bad_request(f"An item needs an 'id' and a 'type': {', '.join(ITEM_TYPES)}.")
        note = {"text": _text(payload["note"], "note", MAX_NOTE)} if payload.get("note") else None
        with self._lock:
            found = self._writable(slug, user)
            known = (
                _id_of(item["id"]) in self._all if item["type"] == "collection" else exists(item["type"], item["id"])
            )
            if not known:
                raise HubError(404, f"No {item['type']} named {item['id']}")
            if any((held["type"], held["id"]) == (item["type"], item["id"]) for held in found["items"]):
                raise HubError(409, "The collection already has this item")
            added = {
                "_id": secrets.token_hex(12),
                "id": item["id"],
                "type": item["type"],
                "position": len(found["items"]),
            }
            found["items"].append(added | ({"note": note} if note else {}))
            found["lastUpdated"] = now()
            self._save()
            return copy.deepcopy(found)

    def update_item(self, user: User | None, slug: str, item_id: str, payload: dict) -> dict:
        """Change the note or the position of an item. The other items move."""
        with self._lock:
            found = self._writable(slug, user)
            item = self._item(found, item_id)
            position = payload.get("position", item["position"])
            if type(position) is not int or not 0 <= position < len(found["items"]):
                raise bad_request(f"'position' must be between 0 and {len(found['items']) - 1}.")
            if "note" in payload:
                item["note"] = {"text": _text(payload["note"], "note", MAX_NOTE)}
            found["items"].remove(item)
            found["items"].insert(position, item)
            self._renumber(found)
            return {"success": True}

    def delete_item(self, user: User | None, slug: str, item_id: str) -> dict:
        with self._lock:
            found = self._writable(slug, user)
            found["items"].remove(self._item(found, item_id))
            self._renumber(found)
            return {"success": True}

    def rename_item(self, item_type: str, old: str, new: str | None) -> None:
        """Update every collection after a repo was renamed, or deleted (`new` is None)."""
        with self._lock:
            for found, item in list(self._holding(item_type, old)):
                if new is None:
                    found["items"].remove(item)
                else:
                    item["id"] = new
                self._renumber(found)

    def _holding(self, item_type: str, item_id: str) -> Iterator[tuple[dict, dict]]:
        for found in self._all.values():
            for item in found["items"]:
                if (item["type"], item["id"]) == (item_type, item_id):
                    yield found, item

    def _renumber(self, found: dict) -> None:
        for position, item in enumerate(found["items"]):
            item["position"] = position
        found["lastUpdated"] = now()
        self._save()

    @staticmethod
    def _item(found: dict, item_id: str) -> dict:
        for item in found["items"]:
            if item["_id"] == item_id:
                return item
        raise HubError(404, f"No item {item_id} in this collection")
