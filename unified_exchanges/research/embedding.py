"""Texts of others in a picture, so that no page with it in a script is ended by them.

altair writes a picture into a page as JSON within a script, and escapes nothing: a name
with ``</script>`` in it would end the script, and the rest be run.  So no text in a picture
has a ``<``.  Where one would, it is told in a form that is read when the picture is drawn,
where ``<`` can be told by its number; what is drawn is the text as it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["embedded_rows", "embedded_text"]

_SIGN = "<"
_NUMBER = "\\u003c"


def embedded_rows(rows: Sequence[Mapping[str, str]]) -> list[Any] | str:
    r"""Rows as the values of inline data: as they are, or as JSON that vega will read.

    >>> embedded_rows([{"line": "kalshi:RAIN:yes"}])
    [{'line': 'kalshi:RAIN:yes'}]
    >>> print(embedded_rows([{"line": "</script>"}]))
    [{"line": "\u003c/script>"}]
    """
    told = json.dumps(rows)
    return told.replace(_SIGN, _NUMBER) if _SIGN in told else list(rows)


def embedded_text(alt: Any, text: str) -> Any:
    """A text as the title of something: as it is, or as an expression that gives it."""
    if _SIGN not in text:
        return text
    return alt.ExprRef(json.dumps(text).replace(_SIGN, _NUMBER))
