"""Stateful interpreters, one process a context."""
