"""The business's own things: who works there, what it offers, how it looks."""
