"""What follows from a consent: consumers of the ledger, and the path by which events reach them."""
