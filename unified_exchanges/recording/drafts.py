"""What happened as lines: cleansed, scanned, and withheld where a secret is suspected."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

import attrs
import msgspec

from ..description import Environment
from ..errors import BadRequest
from ..flow import Request, Response
from ..tap import Direction
from ..venue import Venue
from ..version import VERSION
from .cleansing import Cleansing
from .damage import damage, damage_in_path, damage_of
from .format import (
    FORMAT,
    Body,
    Closed,
    End,
    Flavour,
    Frame,
    Header,
    Opened,
    Rest,
    Unanswered,
    Withheld,
    encode,
)
from .outline import Word, asked_outline, outline_of, put_at, value_at

__all__ = ["Draft", "Drafts"]

_log = logging.getLogger(__name__)

_KEPT = ("content-type", "date", "retry-after")
_LIMITS = ("ratelimit", "x-ratelimit")


@attrs.frozen(slots=True, eq=False)
class Draft:
    """Lines that are made where they are written, and about how many bytes they hold."""

    size: int
    lines: Callable[[], list[bytes]]


class Drafts:
    """Makes the lines of one recording; for one thread at a time."""

    def __init__(self, venue: Venue, *, never: Iterable[str], flavour: Flavour) -> None:
        self.withheld = 0
        self._flavour: Flavour = flavour
        self._venue = venue
        facts = venue.facts
        self._cleansing = Cleansing(venue.settings.api_key, never, facts.key_fields)
        self._tells_keys = facts.key_answers
        self._outline, self._asks = facts.outline, facts.asked
        self._check_addresses()

    def header(self, at: int, mono: int) -> bytes:
        """The first line."""
        environment = self._venue.environment
        return encode(
            Header(
                format=FORMAT,
                venue=self._venue.id,
                environment=environment.name,
                library=VERSION,
                rest=environment.rest,
                at=at,
                mono=mono,
                flavour=self._flavour,
            )
        )

    def rest(
        self, request: Request, response: Response, began: int, at: int, mono: int
    ) -> list[bytes]:
        """A request and its answer."""
        asked = self._asked(request)
        if request.url.endswith(self._tells_keys):
            self._cleansing.learn_credentials(response.body)
        body, told = self._told(response.body)
        headers = {
            name: self._cleansing.clean_text(value)
            for name, value in _kept(response).items()
        }
        found = asked.found + [f"{place} of the answer" for place in told]
        found += self._cleansing.suspect_pairs(headers.items())
        if found:
            return self._withhold(
                "rest", f"{request.method} {asked.path}", found, at, mono
            )
        return [
            encode(
                Rest(
                    at=at,
                    mono=mono,
                    began=began,
                    elapsed=int(response.elapsed * 1e9),
                    method=request.method,
                    host=asked.host,
                    path=asked.path,
                    status=response.status,
                    query=asked.query,
                    headers=headers,
                    request=asked.body,
                    body=body,
                )
            )
        ]

    def unanswered(
        self,
        request: Request,
        error: str,
        reason: str,
        began: int,
        at: int,
        mono: int,
        *,
        sent: bool,
    ) -> list[bytes]:
        """A request without an answer."""
        asked = self._asked(request)
        reason = self._cleansing.clean_text(reason)
        found = asked.found + self._cleansing.suspects(reason.encode())
        if found:
            about = f"{request.method} {asked.path}"
            return self._withhold("unanswered", about, found, at, mono)
        return [
            encode(
                Unanswered(
                    at=at,
                    mono=mono,
                    began=began,
                    method=request.method,
                    host=asked.host,
                    path=asked.path,
                    error=error,
                    reason=reason,
                    sent=sent,
                    query=asked.query,
                    request=asked.body,
                )
            )
        ]

    def opened(self, connection: int, url: str, at: int, mono: int) -> list[bytes]:
        """A WebSocket that was opened; its query is left out."""
        given = url.partition("?")[0]
        plain = self._cleansing.clean_text(given)
        lines: list[bytes] = []
        found = self._cleansing.suspects(b"", plain)
        # By its path a reader knows what comes on it.
        if urlsplit(plain).path != urlsplit(given).path:
            found.append("a word of the address")
        if found:
            about = f"connection {connection}"
            lines = self._withhold("opened", about, found, at, mono)
            # That it was is told all the same, and where: what came on it follows.
            plain = _host(urlsplit(plain))
        opened = Opened(at=at, mono=mono, connection=connection, url=plain)
        return [*lines, encode(opened)]

    def frames(
        self,
        connection: int,
        direction: Direction,
        frames: Sequence[str | bytes],
        at: int,
        mono: int,
    ) -> list[bytes]:
        """Messages that came at once."""
        lines: list[bytes] = []
        for frame in frames:
            raw = frame.encode() if isinstance(frame, str) else frame
            if direction == "in":
                body, found = self._told(raw)
            else:
                self._cleansing.learn_credentials(raw)
                body, found = self._body(raw)
            if found:
                about = f"connection {connection}, {direction}"
                is_in = direction == "in"
                lines += self._withhold(
                    "frame",
                    about,
                    found,
                    at,
                    mono,
                    lost_on=connection if is_in else 0,
                    sent_on=0 if is_in else connection,
                    outline=self._outline_of(raw) if is_in else self._asked_of(raw),
                )
            else:
                lines.append(
                    encode(
                        Frame(
                            at=at,
                            mono=mono,
                            connection=connection,
                            direction=direction,
                            body=body,
                        )
                    )
                )
        return lines

    def closed(self, connection: int, reason: str, at: int, mono: int) -> list[bytes]:
        """A WebSocket that has ended."""
        reason = self._cleansing.clean_text(reason)
        lines: list[bytes] = []
        if found := self._cleansing.suspects(reason.encode()):
            about = f"connection {connection}"
            lines = self._withhold("closed", about, found, at, mono)
            # That it ended is told all the same: its books end there.
            reason = "withheld"
        end = Closed(at=at, mono=mono, connection=connection, reason=reason)
        return [*lines, encode(end)]

    def end(self, lines: int, at: int, mono: int) -> bytes:
        """The last line."""
        return encode(End(at=at, mono=mono, lines=lines, withheld=self.withheld))

    def _check_addresses(self) -> None:
        """Raise `BadRequest` for a secret in an address of the environment.

        It would be in the first line and in that of each request, by which a replay finds it.
        """
        environment = self._venue.environment
        stream = environment.stream or ""
        for base in (environment.rest, stream, *environment.services.values()):
            cleansed = self._cleansing.clean_text(base)
            if cleansed != base or self._cleansing.suspects(base.encode(), base):
                raise BadRequest(
                    "cannot record: an address of the environment holds what is in never=, "
                    "or looks like a secret, and every line of a recording names it; give "
                    "the exchange an address without it, such as that of a proxy of yours",
                    venue=self._venue.id,
                )

    def _asked(self, request: Request) -> _Asked:
        self._cleansing.learn(request.headers)
        parts = urlsplit(request.url)
        path = self._cleansing.clean_text(parts.path)
        query = self._cleansing.clean_query(request.query)
        given = request.body or b""
        self._cleansing.learn_credentials(given)
        cleansed = self._cleansing.clean(given)
        body = Body.of(cleansed, redacted=cleansed != given)
        found = self._cleansing.suspects(cleansed)
        found += damage(given, cleansed)
        found += self._cleansing.suspects(b"", f"?{urlencode(query)}")
        changed = zip(request.query, query, strict=True)
        if any(damage_of(x[1], y[1], y[0]) for x, y in changed):
            found.append("a number, an id or a word in the query")
        in_path = self._cleansing.suspects(b"", path)
        if missed := damage_in_path(parts.path, path):
            in_path.append(missed)
        if in_path:
            # The base of the addresses was looked at; below it nothing is named.
            path = _base(request.url, self._venue.environment)
        return _Asked(
            host=_host(parts), path=path, query=query, body=body, found=in_path + found
        )

    def _told(self, raw: bytes) -> tuple[Body, list[str]]:
        """What the venue said, without words that look random where they stand in texts."""
        body, found = self._body(raw)
        if not found:
            return body, found
        cleansed = self._cleansing.clean(raw)
        covered = self._cleansing.clean_words(cleansed)
        if covered == cleansed:
            return body, found
        found = self._cleansing.suspects(covered)
        found += damage(raw, cleansed)
        return Body.of(covered, redacted=True), found

    def _body(self, raw: bytes) -> tuple[Body, list[str]]:
        cleansed = self._cleansing.clean(raw)
        found = self._cleansing.suspects(cleansed)
        found += damage(raw, cleansed)
        return Body.of(
            cleansed, redacted=cleansed is not raw and cleansed != raw
        ), found

    def _withhold(
        self,
        line: str,
        about: str,
        where: list[str],
        at: int,
        mono: int,
        *,
        lost_on: int = 0,
        sent_on: int = 0,
        outline: bytes = b"",
    ) -> list[bytes]:
        self.withheld += 1
        places = list(dict.fromkeys(where))
        _log.warning(
            "a line of the recording was withheld, for it may hold a secret in %s of %s",
            "; in ".join(places),
            about,
        )
        withheld = Withheld(at, mono, line, about, places, lost_on, sent_on=sent_on)
        if outline:
            withheld = msgspec.structs.replace(withheld, outline=msgspec.Raw(outline))
        return [encode(withheld)]

    def _outline_of(self, message: bytes) -> bytes:
        """What of a message that is withheld says which one it was."""
        outline = outline_of(message, self._outline, self._kept_word)
        return self._plain(outline)

    def _asked_of(self, message: bytes) -> bytes:
        return self._plain(asked_outline(message, self._asks, self._kept_word))

    def _plain(self, outline: bytes) -> bytes:
        """An outline, or none where a secret goes from one of its fields into the next."""
        return outline if self._cleansing.clean(outline) == outline else b""

    def _kept_word(self, path: str, value: Word) -> Word | None:
        """A word of an outline, cleansed; None if it may hold a secret, or is no number now."""
        content: dict[str, Any] = {}
        put_at(content, path, value)
        given = json.dumps(content).encode()
        cleansed = self._cleansing.clean(given)
        if self._cleansing.suspects(cleansed):
            return None
        if cleansed == given:
            return value
        try:
            found = value_at(json.loads(cleansed), path)
        except ValueError:
            return None
        # Of a text what is left tells it from others: no other holds this secret.
        return found if isinstance(value, str) and isinstance(found, str) else None


@attrs.frozen(kw_only=True, slots=True)
class _Asked:
    """A request, cleansed, and where it may still hold a secret."""

    host: str
    path: str
    query: list[tuple[str, str]]
    body: Body
    found: list[str]


def _host(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _base(url: str, environment: Environment) -> str:
    """The path of the address of the venue that a request was made to."""
    bases = (environment.rest, *environment.services.values())
    fitting = [x for x in bases if url.startswith(f"{x}/")]
    return urlsplit(max(fitting, key=len, default="")).path


def _kept(response: Response) -> dict[str, str]:
    return {
        name: value
        for name, value in response.headers.items()
        if name in _KEPT or name.startswith(_LIMITS)
    }
