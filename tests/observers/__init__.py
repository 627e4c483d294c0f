"""Adapters, each with its real library."""
