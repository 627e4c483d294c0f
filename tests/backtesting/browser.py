"""A real browser that looks at a page, where there is one."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import zlib
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
)

HOSTILE = (
    "</script></title><!--<script>--><script>document.title='broken out'</script>"
    "<img src=x onerror=\"document.title='broken out'\">"
)
"""What a venue would write to run something in the page of a reader."""

Pixel = tuple[int, int, int]


def found() -> str:
    for name in NAMES:
        if (path := shutil.which(name)) is not None:
            return path
    pytest.skip("there is no browser to look with")


def looked_at(page: Path, *, width: int = 1000, height: int = 900) -> list[list[Pixel]]:
    """The page as it is painted, row by row."""
    picture = page.with_suffix(".png")
    subprocess.run(
        [
            found(),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--force-color-profile=srgb",
            # Whatever it would fetch is not found.
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={page.parent / 'profile'}",
            f"--window-size={width},{height}",
            f"--screenshot={picture}",
            page.as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return _pixels(picture.read_bytes())


def dom(page: Path, *, width: int = 1000) -> str:
    """The page as the browser understood it, in a window of this width."""
    done = subprocess.run(
        [
            found(),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            # Whatever it would fetch is not found.
            "--host-resolver-rules=MAP * ~NOTFOUND",
            # What scripts of the page do later is waited for, in the browser's own time.
            "--virtual-time-budget=10000",
            f"--user-data-dir={page.parent / 'profile'}",
            f"--window-size={width},900",
            "--dump-dom",
            page.as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return done.stdout.decode()


def measured(html: str, width: int, script: str, folder: Path) -> Any:
    """What a script of ours finds in a page of this width, as JSON would tell it.

    The page itself runs nothing, so that it is asked from one around it that may look in.
    A window is not made as narrow as a telephone, a frame is.
    """
    inside = escape(html.replace("default-src 'none'; ", ""))
    ask = f"const page = frame.contentDocument; return JSON.stringify({script})"
    around = (
        f'<body style="margin:0"><iframe style="border:0;width:{width}px;height:900px" '
        f'srcdoc="{inside}"></iframe><pre></pre><script>onload = () => {{'
        "const frame = document.querySelector('iframe');"
        f"document.querySelector('pre').textContent = (() => {{{ask}}})()}}</script>"
    )
    path = folder / "around.html"
    path.write_text(around)
    [found] = re.findall(r"<pre>(.*)</pre>", dom(path, width=max(width, 1000)))
    return json.loads(unescape(found))


def is_broken_out(seen: str) -> bool:
    """Whether anything of `HOSTILE` is more than text, in a page as `dom` gives it."""
    without_scripts = re.sub(r"<script.*?</script>", "", seen, flags=re.DOTALL)
    return "<title>broken out" in seen or "<img" in without_scripts


def _pixels(png: bytes) -> list[list[Pixel]]:
    assert png.startswith(b"\x89PNG")
    chunks, at = [], 8
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at : at + 8])
        chunks.append((kind, png[at + 8 : at + 8 + size]))
        at += 12 + size
    width, height, depth, colours = struct.unpack(">IIBB", chunks[0][1][:10])
    assert depth == 8
    step = {2: 3, 6: 4}[colours]
    raw = zlib.decompress(b"".join(data for kind, data in chunks if kind == b"IDAT"))
    rows, before, long = [], bytearray(width * step), width * step + 1
    for number in range(height):
        line = raw[number * long : (number + 1) * long]
        before = _unfiltered(line[0], bytearray(line[1:]), before, step)
        rows.append(
            [
                (before[n], before[n + 1], before[n + 2])
                for n in range(0, width * step, step)
            ]
        )
    return rows


def _unfiltered(kind: int, line: bytearray, above: bytearray, step: int) -> bytearray:
    for n in range(len(line)):
        left = line[n - step] if n >= step else 0
        corner = above[n - step] if n >= step else 0
        line[n] = (line[n] + _guess(kind, left, above[n], corner)) & 255
    return line


def _guess(kind: int, left: int, above: int, corner: int) -> int:
    if kind < 4:
        return (0, left, above, (left + above) // 2)[kind]
    middle = left + above - corner
    return min((left, above, corner), key=lambda x: abs(middle - x))
