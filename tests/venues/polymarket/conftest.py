"""Both flavours."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["blocking", "async"])
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)
