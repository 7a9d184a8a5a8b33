"""Importing contacts from a table: reading it, what its columns mean, who each row is about, and taking it back."""
