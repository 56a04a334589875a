"""Deploys a model with what the viewer can read. In three lines:

    from pathlib import Path
    from viewer.deploy import Wish, deploy
    print(deploy(Wish(Path("model"), target="orin-trt8.6", calibration=Path("studies"))).text)

As a program (`python -m viewer.deploy`) it takes a wish as JSON on standard input and tells progress and answer as
lines of JSON on standard output; the window runs it so, since a fault of a library must not end the window.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engines.deploy import chain
from engines.deploy.wish import Deployed, Wish
from inference.errors import InsulaError
from inference.result import CancelledFn, ProgressFn
from inference.table import build
from viewer.study_pictures import study_pictures

__all__ = ["Deployed", "Wish", "deploy"]


def deploy(wish: Wish, progress: ProgressFn = lambda _: None, cancelled: CancelledFn = lambda: False) -> Deployed:
    """See `engines.deploy.chain.deploy`."""
    return chain.deploy(wish, study_pictures, progress, cancelled)


def wish_of(table: dict[str, Any]) -> Wish:
    """A wish from JSON; left-out fields have their defaults.

    Raises:
        ManifestInvalid: A field is unknown, missing or of the wrong kind.
    """
    paths = {name: Path(table[name]) for name in ("source", "calibration") if table.get(name)}
    return build(Wish, {**table, **paths, "examples": tuple(map(Path, table.get("examples", ())))}, "the wish")


def main() -> int:
    def say(kind: str, value: object) -> None:
        print(json.dumps({kind: value}), flush=True)

    try:
        wish = wish_of(json.loads(sys.stdin.readline()))
        say("answer", asdict(deploy(wish, lambda step: say("progress", asdict(step)))))
    except InsulaError as error:
        say("error", {"code": error.code, "message": error.message, "hint": error.hint})
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
