"""Minutes of a busy, broken stream: run with ``pytest -m soak``, see ``test_soak``."""
