"""Signed addresses for large files. Each is valid without a token, for one purpose, one object and one hour.

On the real Hub such an address leads to storage on another host. Here it leads to the server's second port. So tests
notice a client that sends its token there or does not follow redirects.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from arith_puzzle.local_hub.errors import forbidden

SECONDS = 3600  # how long an address is valid


class Links:
    """Makes and checks signed addresses. The key is lost when the server stops."""

    def __init__(self):
        self._key = secrets.token_bytes(32)

    def _sign(self, purpose: str, where: str, facts: Mapping[str, str]) -> str:
        signed = "\n".join([purpose, where, *(f"{key}={facts[key]}" for key in sorted(facts))])
        return hmac.new(self._key, signed.encode(), "sha256").hexdigest()

    def make(self, purpose: str, where: str, **facts: object) -> str:
        """Path and query of a new address: `/<purpose>/<where>?<facts>`."""
        known = {key: str(value) for key, value in facts.items()} | {"expires": str(int(time.time()) + SECONDS)}
        signature = self._sign(purpose, where, known)
        return f"/{purpose}/{quote(where)}?{urlencode({**known, 'signature': signature})}"

    def check(self, purpose: str, where: str, query: Mapping[str, str]) -> dict[str, str]:
        """The facts in an address. Raises `HubError` 403 if its signature is wrong or it has expired."""
        known = {key: value for key, value in query.items() if key != "signature"}
        if not hmac.compare_digest(self._sign(purpose, where, known), query.get("signature", "")):
            raise forbidden("Not an address of this server")
        if int(known["expires"]) < time.time():
            raise forbidden("This address has expired: ask for another")
        return known
