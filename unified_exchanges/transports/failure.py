"""What a transport says when no whole answer arrived: the same in both flavours.

The libraries' own exceptions carry the request's headers, and with them keys and
signatures.  So none of them is chained: their text is kept, cleansed and cut, and the
error is raised where neither its cause nor its context can lead back to them.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ..errors import BadRequest, ConnectionLost, NetworkError, RequestTimeout
from ..flow import Request

__all__ = ["explain", "invalid", "is_plain"]

_LONGEST = 200
_USER = re.compile(r"//[^/\s]+@")
_UNSENDABLE = re.compile(r"[^\x20-\x7e]")


def explain(
    request: Request, error: BaseException, *, sent: bool, late: bool
) -> NetworkError:
    """Turn a library's exception into ours, without a way back to it.

    ``sent`` is False when no byte of the request left; ``late`` means that time is up.
    """
    parts = urlsplit(request.url)
    executed = sent and not request.is_read
    asked = f"{request.method} {parts.path or '/'}"
    kind = RequestTimeout if late else ConnectionLost
    return kind(
        f"{asked}: {_story(request, parts.netloc, sent=sent, late=late)}"
        f" ({_text(request, error)}). {_advice(sent=sent, executed=executed)}",
        sent=sent,
        request=asked,
        maybe_executed=executed,
    )


def is_plain(request: Request) -> bool:
    """Whether the headers are plain ASCII, which neither library fully checks."""
    text = "".join(request.headers.values())
    return text.isascii() and text.isprintable()


def invalid(request: Request) -> BadRequest | None:
    """Say why a request cannot be written down as HTTP; None if it can."""
    bad = [
        name
        for name, value in request.headers.items()
        if _UNSENDABLE.search(name) or _UNSENDABLE.search(value)
    ]
    parts = urlsplit(request.url)
    asked = f"{request.method} {parts.path or '/'}"
    if bad:
        names = ", ".join(map(repr, bad))
        message = f"{asked}: not sent, as HTTP cannot carry the value of header {names}"
        return BadRequest(message, request=asked)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        message = f"{asked}: not sent, as {request.url!r} is not an http(s) URL"
        return BadRequest(message, request=asked)
    if _UNSENDABLE.search(request.url) or " " in request.url:
        message = f"{asked}: not sent, as its URL holds characters to be quoted"
        return BadRequest(message, request=asked)
    return None


def _story(request: Request, host: str, *, sent: bool, late: bool) -> str:
    if late and not sent:
        return f"no connection to {host} within {request.timeout:g} s"
    if late:
        return f"no whole answer from {host} within {request.timeout:g} s"
    if not sent:
        return f"no connection to {host}"
    return f"the connection to {host} broke before a whole answer arrived"


def _advice(*, sent: bool, executed: bool) -> str:
    if not sent:
        return "Nothing was sent"
    if executed:
        return "The venue may have executed it: look before acting"
    return "Reading again is safe"


def _text(request: Request, error: BaseException) -> str:
    while error.args and isinstance(error.args[-1], Exception):
        error = error.args[-1]
    text = " ".join(str(error).split()) or type(error).__name__
    # A proxy's password, which aiohttp shows with the proxy's address.
    text = _USER.sub("//…@", text)
    for value in request.headers.values():
        if len(value) > 5:  # noqa: PLR2004 - shorter ones are words, not secrets
            text = text.replace(value, "…")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
