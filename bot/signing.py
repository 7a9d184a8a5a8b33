"""Signs values that come back to us."""

from __future__ import annotations

import hashlib

from itsdangerous import Signer, URLSafeTimedSerializer


class Signatures:
    """Each purpose has a key of its own: a value signed for one is not accepted for another."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def signer(self, purpose: str) -> Signer:
        return Signer(self._secret, salt=purpose, digest_method=hashlib.sha256)

    def serializer(self, purpose: str) -> URLSafeTimedSerializer:
        """For structured values that expire, in a form that fits a cookie."""
        return URLSafeTimedSerializer(self._secret, salt=purpose, signer_kwargs={"digest_method": hashlib.sha256})
