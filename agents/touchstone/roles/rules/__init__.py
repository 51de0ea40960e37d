"""Decisions: pure functions from what an agent sees and remembers to what it does next. Nothing here talks to anything."""
