"""How a peer is spoken to: a line of JSON for each call, and one for what became of it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import traceback
from typing import Any

__all__ = ["serve"]


def serve(library: type) -> None:
    """Make the library's object of the settings in the first line, and obey the rest."""
    voice = os.fdopen(os.dup(1), "w", buffering=1)
    # Whatever a library prints is no answer.
    sys.stdout = sys.stderr
    asyncio.run(_converse(library, voice))


async def _converse(library: type, voice: Any) -> None:
    settings = json.loads(await asyncio.to_thread(sys.stdin.readline))
    logging.basicConfig(
        filename=settings.pop("log"),
        level=logging.DEBUG,
        format="%(name)s %(levelname)s %(message)s %(args)r",
    )
    obeying: Any = None
    while True:
        line = await asyncio.to_thread(sys.stdin.readline)
        if not line:
            break
        asked = json.loads(line)
        try:
            if obeying is None:
                obeying = library(**settings)
            told = {"value": await getattr(obeying, asked.pop("do"))(**asked)}
        except Exception as error:  # noqa: BLE001 - that it raised is the observation
            told = {"raised": type(error).__name__, **_shown(error)}
        voice.write(json.dumps(told, default=str) + "\n")
    os._exit(0)


def _shown(error: BaseException) -> dict[str, str]:
    """All that an error shows to whoever prints, logs or stores it."""
    kept = []
    each: BaseException | None = error
    while each is not None:
        kept.append(f"{vars(each)!r}")
        kept += [repr(getattr(value, "headers", "")) for value in vars(each).values()]
        each = each.__cause__ or each.__context__
    text = f"{error}\n{error!r}\n{''.join(traceback.format_exception(error))}"
    return {"text": text, "attributes": "\n".join(kept)}
