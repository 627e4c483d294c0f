"""Keccak-256 of the simulated venue: its own, so that it can disagree with a client's.

The original padding of Keccak, which Ethereum kept, not that of SHA-3 (FIPS 202). Where
pycryptodome is installed it does the work; both are compared in the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

__all__ = ["keccak256", "pure_keccak256"]

_RATE = 136
_LANES = _RATE // 8
_MASK = (1 << 64) - 1


def _round_constants() -> tuple[int, ...]:
    """The constants of step iota, from the register that defines them."""
    constants = []
    register = 1
    for _ in range(24):
        constant = 0
        for power in range(7):
            if register & 1:
                constant |= 1 << ((1 << power) - 1)
            register <<= 1
            if register & 0x100:
                register ^= 0x171
        constants.append(constant)
    return tuple(constants)


def _walk() -> tuple[tuple[int, int], ...]:
    """Where pi carries each lane, and how far rho turns it, along one walk."""
    steps = []
    x, y = 1, 0
    for turn in range(24):
        x, y = y, (2 * x + 3 * y) % 5
        steps.append((x + 5 * y, (turn + 1) * (turn + 2) // 2 % 64))
    return tuple(steps)


_CONSTANTS = _round_constants()
_WALK = _walk()
_ROWS = tuple(range(0, 25, 5))
_COLUMNS = tuple(range(5))


def _turned(lane: int, by: int) -> int:
    return (lane << by | lane >> (64 - by)) & _MASK


def _permute(state: list[int]) -> None:
    for constant in _CONSTANTS:
        sums = [
            state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20]
            for x in _COLUMNS
        ]
        for x in _COLUMNS:
            mixed = sums[x - 1] ^ _turned(sums[(x + 1) % 5], 1)
            for row in _ROWS:
                state[x + row] ^= mixed
        carried = state[1]
        for place, by in _WALK:
            carried, state[place] = state[place], _turned(carried, by)
        for row in _ROWS:
            a, b, c, d, e = state[row : row + 5]
            state[row] = a ^ (~b & c)
            state[row + 1] = b ^ (~c & d)
            state[row + 2] = c ^ (~d & e)
            state[row + 3] = d ^ (~e & a)
            state[row + 4] = e ^ (~a & b)
        state[0] ^= constant


def pure_keccak256(data: bytes) -> bytes:
    """The 32-byte digest, in plain Python.

    >>> pure_keccak256(b"").hex()[:16]
    'c5d2460186f7233c'
    """
    lacking = _RATE - len(data) % _RATE
    padded = bytearray(data) + bytes(lacking)
    padded[len(data)] |= 0x01
    padded[-1] |= 0x80
    state = [0] * 25
    for start in range(0, len(padded), _RATE):
        for lane in range(_LANES):
            place = start + 8 * lane
            state[lane] ^= int.from_bytes(padded[place : place + 8], "little")
        _permute(state)
    return b"".join(lane.to_bytes(8, "little") for lane in state[:4])


def _fastest() -> Callable[[bytes], bytes]:
    if find_spec("Crypto") is None:
        return pure_keccak256
    module = import_module("Crypto.Hash.keccak")

    def compiled(data: bytes) -> bytes:
        digest: bytes = module.new(digest_bits=256, data=data).digest()
        return digest

    return compiled


keccak256: Callable[[bytes], bytes] = _fastest()
"""The digest by the fastest way there is."""
