"""Replaying recordings."""
