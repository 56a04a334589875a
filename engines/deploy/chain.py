"""Runs the stages of a deployment; a second call goes on where the first ended."""

from __future__ import annotations

import shutil
import time

from engines.deploy.bench import Bench, folder_of
from engines.deploy.stages import STAGES, require_sound
from engines.deploy.wish import Deployed, Pictures, Stage, Wish
from engines.library import models_folder
from inference.errors import JobCancelled
from inference.result import CancelledFn, Progress, ProgressFn


def deploy(
    wish: Wish, pictures: Pictures, progress: ProgressFn = lambda _: None, cancelled: CancelledFn = lambda: False
) -> Deployed:
    """Import, check, rewrite, quantize, build, verify, install.

    Args:
        pictures: Who turns studies into network inputs.

    Raises:
        InputRefused: The source cannot be read, or is of a kind that cannot run here.
        EngineError: A stage failed; what the stages before it made is kept for the next call.
        JobCancelled: `cancelled` became true; likewise.
    """
    bench = Bench(wish, folder_of(wish), pictures, cancelled)
    require_sound(bench)
    done = bench.done()
    for number, (name, work) in enumerate(STAGES):
        if cancelled():
            raise JobCancelled
        progress(Progress(name, number, len(STAGES)))
        if name not in {stage.name for stage in done}:
            begin = time.perf_counter()
            words = work(bench)
            done = (*done, Stage(name, words, time.perf_counter() - begin))
            bench.note(done)
    progress(Progress(STAGES[-1][0], len(STAGES), len(STAGES)))
    name = bench.bundle.task.name
    shutil.rmtree(bench.folder, ignore_errors=True)
    return Deployed(name, str(models_folder() / name), done)
