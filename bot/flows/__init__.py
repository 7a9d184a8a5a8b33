"""The bots: scripts kept as data, a pure step function, durable runs."""
