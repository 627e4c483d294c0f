"""The API key that belongs to the private key: derived or made, shared, and renewed."""

from __future__ import annotations

from copy import copy
from typing import Final

import attrs
import msgspec

from ... import fork
from ...errors import AuthenticationError, BadRequest, UnifiedExchangesError
from ...flow import Flow, Response, Sleep
from ...settings import Settings
from ...venue import Call
from ...venue.doubt import is_doubtful
from . import limits
from .api_key import ApiKey
from .credentials import Credentials
from .pace import Pace

__all__ = ["CREATE", "DERIVE", "OwnKey"]

DERIVE: Final = "/clob/auth/derive-api-key"
CREATE: Final = "/clob/auth/api-key"
_NEVER_TAKEN: Final = (
    ". No api_key= was given, and the one that was derived from the private key has been "
    "refused from the first: it is not derived again"
)
_TAKEN_BACK: Final = (
    ". No api_key= was given, and the venue has revoked the one that was derived"
)
_GLANCE: Final = 0.05
"""Seconds after which who waits for an API key that another asks for looks again."""


class _Asking:
    """Who asks for the API key now, and what the last who did so met."""

    def __init__(self) -> None:
        self.turn = fork.lock()
        self.count = 0
        """How often it was asked for to the end."""
        self.failure: UnifiedExchangesError | None = None

    def leave(self) -> None:
        """Let the next one ask; in a child that was forked meanwhile nobody does."""
        if self.turn.locked():
            self.turn.release()


class _KeyAnswer(msgspec.Struct):
    """An API key as the venue gives it."""

    key: str = msgspec.field(name="apiKey")
    secret: str
    passphrase: str

    def __repr__(self) -> str:
        return "<API key>"


_KEY: Final = msgspec.json.Decoder(_KeyAnswer)


class OwnKey(Pace):
    """Gets an API key for a private key that came without one."""

    credentials: Credentials | None

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._asking = _Asking()
        self.is_key_derived = False
        """Whether the API key was got here, and not given."""
        self.former_keys: tuple[str, ...] = ()
        """Names of API keys that the venue has taken back since."""
        self._accepted: ApiKey | None = None
        """The API key that the venue accepted last."""

    @property
    def key_id(self) -> str:
        """The API key, as orders and trades name their owner; "" before there is one."""
        api = self.credentials.api if self.credentials else None
        return api.key if api else ""

    def obtain_key(self, refused: ApiKey | None = None) -> Flow[None]:
        """Derive the API key that belongs to the private key, or have one made.

        With ``refused`` another in the place of that one. One caller asks, and the others
        wait for what it gets: the venue makes a key once, and refuses whoever asks for the
        same again.
        """
        held, asking = self.credentials, self._asking
        seen = asking.count
        while held is not None and held.api is refused:
            if not asking.turn.acquire(blocking=False):
                yield Sleep(_GLANCE)
                continue
            try:
                if held.api is not refused:
                    return
                if asking.count != seen and asking.failure is not None:
                    # What the other met would be met again, one after another.
                    raise copy(asking.failure)
                found = yield from self._ask_key()
                if refused is not None and found.key != refused.key:
                    self.former_keys += (refused.key,)
                held.api = found
                self.is_key_derived = True
            finally:
                asking.leave()

    def accept_key(self, used: ApiKey | None) -> None:
        """Take note that the venue did what was signed with that API key."""
        self._accepted = used

    def renew_key(self, used: ApiKey, error: AuthenticationError) -> Flow[None]:
        """Get another API key in the place of one that was refused; or raise the refusal.

        Only of one that was accepted before: so a venue that refuses every key is not
        asked for one with every call.
        """
        assert self.credentials is not None
        if self.credentials.api is used and self._accepted is not used:
            error.add(_NEVER_TAKEN)
            raise error
        try:
            yield from self.obtain_key(used)
        except UnifiedExchangesError as failure:
            error.add(f"{_TAKEN_BACK}, and no other could be had: {failure.message}")
            raise error from None

    def _ask_key(self) -> Flow[ApiKey]:
        asking = self._asking
        try:
            found = yield from self._key()
        except UnifiedExchangesError as error:
            asking.count, asking.failure = asking.count + 1, copy(error)
            raise
        asking.count, asking.failure = asking.count + 1, None
        return found

    def _key(self) -> Flow[ApiKey]:
        about = "the API key of the private key"
        derive = Call(
            method="GET", path=DERIVE, about=about, charges=limits.charges(DERIVE)
        )
        try:
            response = yield from self.send(derive)
        except (AuthenticationError, BadRequest) as error:
            if not self._may_create_key:
                error.add(
                    ". There may be none yet: make one on polymarket.com, or by an object "
                    "that may write (live=True), and pass api_key=, secret= and password="
                )
                raise
            # Made anew it would be the same: twice does no harm (docs, 2026-08).
            create = attrs.evolve(derive, method="POST", path=CREATE)
            response = yield from self._made_key(create, derive)
        try:
            told = _KEY.decode(response.body)
        except msgspec.MsgspecError:
            message = f"{about} came in words that cannot be read"
            raise AuthenticationError(message, venue=self.id) from None
        return ApiKey(told.key, told.secret, told.passphrase)

    def _made_key(self, create: Call, derive: Call) -> Flow[Response]:
        """The answer with a key that is made; one that is there by now is derived.

        Its answer may have been lost, or another process has had it made meanwhile.
        """
        try:
            return (yield from self.send(create))
        except UnifiedExchangesError as lost:
            if not (is_doubtful(lost) or isinstance(lost, BadRequest)):
                raise
            try:
                return (yield from self.send(derive))
            except (AuthenticationError, BadRequest):
                # It was not made after all.
                raise lost from None

    @property
    def _may_create_key(self) -> bool:
        settings = self.settings
        unlocked = settings.live or not self.environment.is_real_money
        return unlocked and not settings.dry_run and not self.guards.policy.read_only
