"""How fast Polymarket is asked: buckets of an address, and those of a signer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ...flow import Response
from ...policy import TokenBucket
from ...venue import Call, Venue
from . import limits

__all__ = ["Pace"]

_KEPT: Final = 0.1


def _kept(group: str) -> float:
    """The share of a group of endpoints that is kept for cancels.

    Of those that they share with others, where a cancel would else take the places of all who
    wait for a narrower limit.  It is the same whatever `cancel_share` is: the objects of an
    address count together.
    """
    return _KEPT if group in limits.SHARED else 0.0


class Pace(Venue):
    """Keeps to the limits that are published, and to what answers tell of the signer's."""

    tier = limits.STANDARD
    """The tier of the signer, as far as it is known."""
    signer = ""
    """The address that signs; "" without a key."""

    def bucket(self, name: str) -> TokenBucket:
        """The bucket of an address' group of endpoints, or one of the signer's two."""
        found = self.buckets.get(name)
        if found is None:
            policy = self.settings.limits
            is_signers = name not in limits.GROUPS
            chosen, granted = policy.buckets.get(name), self._granted(name)
            found = self.limiter.bucket(
                name,
                account=self.signer if is_signers else "",
                chosen=chosen,
                granted=granted,
                share=policy.cancel_share if is_signers else _kept(name),
            )
            if is_signers and self.tier != limits.STANDARD and not chosen:
                # Another object of the signer may have made it, and not know the tier.
                found.configure(*granted)
            self.buckets[name] = found
        return found

    def _granted(self, name: str) -> tuple[float, float]:
        """Tokens per second, and how many at once."""
        if name in limits.GROUPS:
            return limits.granted(name)
        found = {x.name: x for x in limits.bucket_limits(self.tier)}[name]
        return float(found.refill_rate), float(found.capacity)  # tokens, not money

    def adopt_tier(self, tier: str) -> None:
        """Keep to the limits of a tier from now on, where the caller set none."""
        if tier.lower() == self.tier or tier.lower() not in limits.TIERS:
            return
        self.tier = tier.lower()
        for name in (limits.ORDERS, limits.CANCELS):
            if name in self.buckets and name not in self.settings.limits.buckets:
                self.buckets[name].configure(*self._granted(name))

    def held_by(self, call: Call, response: Response) -> Mapping[str, bool]:
        """Only the group of endpoints that was asked; the signer's if that is told of.

        Each group has limits of its own: that one is used up says nothing of others, least
        of all of cancels.
        """
        names = [name for name, _ in call.charges]
        held = {name: call.urgent and name not in limits.SHARED for name in names[:1]}
        if limits.Standing.read(response.headers) is not None:
            signers = (limits.ORDERS, limits.CANCELS)
            held.update((name, call.urgent) for name in names if name in signers)
        return held

    def heed_limits(self, call: Call, response: Response) -> None:
        """Take over what an answer to a write tells of the signer's bucket."""
        standing = limits.Standing.read(response.headers)
        if standing is None:
            return
        if standing.tier is not None:
            self.adopt_tier(standing.tier)
        charged = {name for name, _ in call.charges}
        for name in charged & {limits.ORDERS, limits.CANCELS}:
            if standing.remaining is not None:
                self.bucket(name).lower(self.clock.monotonic(), standing.remaining)
