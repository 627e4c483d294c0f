"""Streams without I/O: what is asked of a venue, and what its frames mean."""
