"""The rules of consent: numbers, permission, projection, preferences; and the ledger, the one door to every change."""
