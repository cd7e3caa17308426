"""The embedded knowledge store: one file, no server."""

from pitcall.adapters.knowledge.sqlite.store import SqliteKnowledge

__all__ = ["SqliteKnowledge"]
