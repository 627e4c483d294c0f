"""How the documentation is built: Markdown, checked for broken references."""

from __future__ import annotations

from unified_exchanges.version import VERSION

project = "unified_exchanges"
author = "The unified_exchanges authors"
copyright = "2026, The unified_exchanges authors"  # noqa: A001 - sphinx's word
version = release = VERSION

extensions = ["myst_parser", "sphinx.ext.autodoc"]
html_theme = "furo"
html_title = f"{project} {VERSION}"
exclude_patterns = ["_build"]

myst_heading_anchors = 3
# Docstrings write `name` for code of this library.
default_role = "code"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_use_type_comments = False
python_use_unqualified_type_names = True

# Only references to our own public names are checked: nothing is fetched from elsewhere.
nitpick_ignore_regex = [
    ("py:.*", r"(?!unified_exchanges).*"),
    ("py:class", r".*\._\w+"),
    # Bases whose methods are shown where they are inherited; parameters of types.
    ("py:class", r".*\.((Async)?(Watching|Tracking)|OrderFlows)"),
    ("py:class", r".*\.(OrderView|OrderTracker)"),
    ("py:(class|obj)", r".*\.T(_co)?"),
    # What flows are made of concerns those who write venues.
    ("py:class", r"unified_exchanges\.flow\.\w+"),
    # What runs over a recording hear.
    ("py:class", r"unified_exchanges\.watching\.handed\.Handed"),
    # Parts of the engine on paper, and of what reads and writes recordings.
    ("py:class", r"unified_exchanges\.paper\.(lifecycle|orders|pit)\.\w+"),
    ("py:class", r".*\.(feed\.Feed|drafts\.Draft)"),
]
