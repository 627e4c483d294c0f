"""Keccak-256, the hash of Ethereum, in pure Python: where no library of hashes has it.

It is SHA-3's permutation with the padding of before the standard (Bertoni and others, *The
Keccak reference* 3.0, 2011), which `hashlib` lacks over OpenSSL before 3.2.

A step of arithmetic costs Python nearly the same for 64 bits as for 1,600.  So the whole
state is one integer, in which the lane at ``x, y`` takes 64 bits from ``64 * (x + 5 * y)``,
and each operation is one on all 25 lanes.  Pi moves no lane: instead each round knows where
its lanes lie by then, and looks for neighbours there.  After 24 rounds all are back.  This
takes some 30 % less time than the same rounds lane by lane (measured 2026-11).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

__all__ = ["keccak_256"]

_Place: TypeAlias = tuple[int, int]
_Move: TypeAlias = tuple[int, int, int, int]
_Turn: TypeAlias = tuple[int, int, int, int, int]
_Round: TypeAlias = tuple[
    int, _Move, _Move, _Move, tuple[int, int, int], tuple[_Turn, ...], _Move, _Move
]

_RATE = 136
"""Bytes taken in before each permutation: 200 less twice the digest's 32."""

_SIDE = 5
_LANE = 64
_SIZE = _LANE * _SIDE * _SIDE
_LANE_ONES = (1 << _LANE) - 1
_ONES = (1 << _SIZE) - 1
_DIGEST_ONES = (1 << 256) - 1
_PLACES = tuple((x, y) for y in range(_SIDE) for x in range(_SIDE))
_STEPS = 24


def keccak_256(data: bytes) -> bytes:
    """The 32 bytes of Keccak-256, which is not the SHA3-256 of `hashlib`.

    >>> keccak_256(b"").hex()
    'c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470'
    """
    padded = bytearray(data)
    padded += bytes(_RATE - len(data) % _RATE)
    padded[len(data)] = 0x01
    padded[-1] |= 0x80
    state = 0
    for start in range(0, len(padded), _RATE):
        state ^= int.from_bytes(padded[start : start + _RATE], "little")
        state = _permuted(state)
    return (state & _DIGEST_ONES).to_bytes(32, "little")


def _permuted(state: int) -> int:
    low, rest = _LOWEST, _ONES ^ _LOWEST
    for constant, by_1, by_2, by_4, columns, turns, next_1, next_2 in _ROUNDS:
        # Theta: a lane takes in the parities of the two columns beside its own.
        twice = state | state << 1600
        inner, near, outer, far = by_1
        pairs = state ^ twice >> inner & near ^ twice >> outer & far
        inner, near, outer, far = by_4
        parity = pairs ^ twice >> inner & near ^ twice >> outer & far
        twice = pairs | pairs << 1600
        inner, near, outer, far = by_2
        parity ^= twice >> inner & near ^ twice >> outer & far
        twice = parity | parity << 1600
        before, after, after_low = columns
        state ^= twice >> before ^ twice >> after & rest ^ twice >> after_low & low
        # Rho: a lane turns by its own count, for all one binary digit at a time.
        for stay, left, up, right, down in turns:
            state = state & stay | (state & left) << up | (state & right) >> down
        # Chi: a lane meets the next two of its row.  Iota: rounds differ.
        twice = state | state << 1600
        inner, near, outer, far = next_1
        first = twice >> inner & near | twice >> outer & far
        inner, near, outer, far = next_2
        second = twice >> inner & near | twice >> outer & far
        state ^= second ^ first & second ^ constant
    return state


# -- the rounds ------------------------------------------------------------------------


def _lanes(places: Iterable[_Place], bits: int = _LANE_ONES) -> int:
    """The given bits of a lane in each of these places."""
    return sum(bits << _LANE * (x + _SIDE * y) for x, y in places)


def _constants() -> Iterator[int]:
    """What iota adds, from the shift register of the reference."""
    register = 1
    for _ in range(_STEPS):
        constant = 0
        for power in range(7):
            constant |= (register & 1) << (1 << power) - 1
            register = register << 1 ^ (register >> 7) * 0x171
        yield constant


def _counts() -> dict[_Place, int]:
    """How far rho turns the lane at ``x, y``."""
    counts = {(0, 0): 0}
    x, y = 1, 0
    for step in range(_STEPS):
        counts[x, y] = (step + 1) * (step + 2) // 2 % _LANE
        x, y = y, (2 * x + 3 * y) % _SIDE
    return counts


def _move(place: _Place, times: int = 1) -> _Move:
    """Bring each lane to where the one lies that is so many places before it.

    In a state that is written twice these are two shifts: one for lanes that stay within
    five of a plane, one for those that come in again at its other end.
    """
    right, up = (times * step % _SIDE for step in place)
    outer = _lanes((x, y) for x, y in _PLACES if x + right >= _SIDE)
    inner = right + _SIDE * up
    return (
        _LANE * inner,
        _ONES ^ outer,
        _LANE * ((inner - _SIDE) % len(_PLACES)),
        outer,
    )


def _columns(row: _Place, column: _Place) -> tuple[int, int, int]:
    """Shifts that bring a column's parity to the next, and to the one before.

    By then every lane holds its column's, so that any lane of the next will do: the one
    straight above, or in the same plane where columns are upright.
    """
    axis = 0 if column[0] else 1
    back = row[axis] * pow(column[axis], -1, _SIDE)
    right, up = ((row[i] - back * column[i]) % _SIDE for i in (0, 1))
    after = _LANE * (right + _SIDE * up)
    return _SIZE - after, after - 1, after + _LANE - 1


def _turns(lying: dict[_Place, int]) -> Iterator[_Turn]:
    """The steps of rho: what stays, what goes left, and what comes in on the right."""
    for power in range(6):
        amount = 1 << power
        turned = [place for place, count in lying.items() if count & amount]
        right = _lanes(turned, _LANE_ONES ^ _LANE_ONES >> amount)
        left = _lanes(turned, _LANE_ONES >> amount)
        yield _ONES ^ left ^ right, left, amount, right, _LANE - amount


def _rounds() -> Iterator[_Round]:
    counts = _counts()
    # Where the lanes lie that belong at 1, 0 and at 0, 1.
    row, column = (1, 0), (0, 1)
    for constant in _constants():
        lying = {
            (
                (x * row[0] + y * column[0]) % _SIDE,
                (x * row[1] + y * column[1]) % _SIDE,
            ): count
            for (x, y), count in counts.items()
        }
        by_1, by_2, by_4 = (_move(column, times) for times in (1, 2, 4))
        columns = _columns(row, column)
        # Pi, backwards: 1, 0 came from 1, 1 and 0, 1 from 3, 0.
        row, column = (
            ((row[0] + column[0]) % _SIDE, (row[1] + column[1]) % _SIDE),
            (3 * row[0] % _SIDE, 3 * row[1] % _SIDE),
        )
        yield (
            constant,
            by_1,
            by_2,
            by_4,
            columns,
            tuple(_turns(lying)),
            _move(row),
            _move(row, 2),
        )


_LOWEST = _lanes(_PLACES, 1)
_ROUNDS = tuple(_rounds())
