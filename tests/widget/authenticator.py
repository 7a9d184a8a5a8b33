"""A passkey authenticator in software: makes and uses one credential, as a security key does."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import bytes_to_base64url

PRESENT, WITH_CREDENTIAL = 0x01, 0x40


class Authenticator:
    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.id = secrets.token_bytes(16)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._count = 0

    def create(self, options: dict[str, Any]) -> str:
        """The answer to `navigator.credentials.create`, as JSON."""
        numbers = self._key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        credential = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(public)
        data = self._data(options["rp"]["id"], PRESENT | WITH_CREDENTIAL) + credential
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        response = {"attestationObject": bytes_to_base64url(attestation), "transports": ["internal"]}
        return self._answer("webauthn.create", options["challenge"], response)

    def get(self, options: dict[str, Any]) -> str:
        """The answer to `navigator.credentials.get`, as JSON."""
        data = self._data(options["rpId"], PRESENT)
        client = self._client("webauthn.get", options["challenge"])
        signature = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        response = {"authenticatorData": bytes_to_base64url(data), "signature": bytes_to_base64url(signature)}
        return self._answer("webauthn.get", options["challenge"], response)

    def _data(self, domain: str, flags: int) -> bytes:
        self._count += 1
        return hashlib.sha256(domain.encode()).digest() + bytes([flags]) + self._count.to_bytes(4, "big")

    def _client(self, type: str, challenge: str) -> bytes:
        return json.dumps({"type": type, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, type: str, challenge: str, response: dict[str, Any]) -> str:
        id = bytes_to_base64url(self.id)
        client = bytes_to_base64url(self._client(type, challenge))
        return json.dumps(
            {"id": id, "rawId": id, "type": "public-key", "response": {"clientDataJSON": client, **response}}
        )
