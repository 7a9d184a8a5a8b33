"""Links to the preference center, found by the hash of their token: the token itself is stored nowhere (law 11)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection

from bot.model.preference_link import PreferenceLink
from bot.model.subscription import MessageType
from bot.store import Store

TOKEN = re.compile(r"(/[pl]/)[A-Za-z0-9_-]{14,}")


def without_token(address: str) -> str:
    """The address of one of our pages, with the token of a link in a text masked."""
    return TOKEN.sub(r"\1…", address)


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def find_links(store: Store, hashes: Collection[str]) -> dict[str, PreferenceLink]:
    """By hash: links sent in texts and links created separately."""
    carried = {
        hash: PreferenceLink(
            id=hash,
            contact=delivery.contact,
            channel=MessageType.SMS,
            text=delivery.id,
            created_at=delivery.created_at,
            expires_at=delivery.link.expires_at,
            revoked_at=delivery.link.revoked_at,
        )
        for hash, delivery in (await store.deliveries.with_links(hashes)).items()
        if delivery.link
    }
    apart = await store.preference_links.get_many(hash for hash in hashes if hash not in carried)
    return carried | apart
