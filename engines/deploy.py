"""From a model made elsewhere to a task in the viewer, in one call; a second call goes on where the first ended.

from pathlib import Path
from engines.deploy import Wish, deploy
print(deploy(Wish(Path("nnUNetTrainer__nnUNetPlans__3d_fullres"), channels=("DWI", "ADC"))).text)
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from engines import installed
from engines.derive import model_for
from engines.importers.bundle import whole_folder
from engines.importers.nnunet import import_model
from engines.importers.wish import Wish as ImportWish
from engines.library import PROOF, Bundle, models_folder
from engines.verify import checks
from inference import cache
from inference.backends import registry
from inference.errors import EngineError, InputRefused, InsulaError, JobCancelled, PrecisionAbsent
from inference.result import CancelledFn, Precision, Progress, ProgressFn
from inference.table import build
from inference.task import read_task

# Raised whenever a stage does other work, so that what an older one kept is not taken for it.
RECIPE = "1"
BUNDLE, DONE = "bundle", "done.json"


@dataclass(frozen=True, slots=True)
class Wish:
    """What to deploy and how.

    Attributes:
        source: What `engines import` takes, or a bundle's folder.
        name: The task's name; empty: from the model.
        channels: What each channel shows; empty: told from the model.
        examples: Files of one real case, for int8 ranges.
        mirror: Average over mirrored inputs where training mirrored.
        trust: Open checkpoints that hold more than weights and plain data.
    """

    source: Path
    name: str = ""
    channels: tuple[str, ...] = ()
    examples: tuple[Path, ...] = ()
    mirror: bool = True
    trust: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage that is done: what it found, how long it took, and whether an earlier call had done it."""

    name: str
    sentence: str
    seconds: float
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Deployed:
    """The installed bundle and how it got there."""

    task: str
    folder: str
    stages: tuple[Stage, ...]

    @property
    def text(self) -> str:
        lines = [
            f"{stage.name:<8} {'kept' if stage.kept else f'{stage.seconds:.1f} s':>8}  {stage.sentence}"
            for stage in self.stages
        ]
        return "\n".join([*lines, f"`insula run STUDY --out DIR --task {self.task}` runs it; the window offers it."])


def deploy(wish: Wish, progress: ProgressFn = lambda _: None, cancelled: CancelledFn = lambda: False) -> Deployed:
    """Import, build, verify, install.

    Raises:
        InputRefused: The source cannot be read, or is of a kind that cannot run here.
        EngineError: A stage failed; what the stages before it made is kept for the next call.
        JobCancelled: `cancelled` became true; likewise.
    """
    bench = _Bench(wish, cache.folder() / "deploy" / _key(wish), cancelled)
    done = bench.done()
    for number, (name, work) in enumerate(_STAGES):
        if cancelled():
            raise JobCancelled
        progress(Progress(name, number, len(_STAGES)))
        if name not in {stage.name for stage in done}:
            begin = time.perf_counter()
            sentence = work(bench)
            done = (*done, Stage(name, sentence, time.perf_counter() - begin))
            bench.note(done)
    progress(Progress(_STAGES[-1][0], len(_STAGES), len(_STAGES)))
    bundle = bench.bundle
    shutil.rmtree(bench.folder, ignore_errors=True)
    return Deployed(bundle.task.name, str(models_folder() / bundle.task.name), done)


@dataclass(frozen=True, slots=True)
class _Bench:
    """Where one deployment is worked on."""

    wish: Wish
    folder: Path
    cancelled: CancelledFn

    @property
    def bundle(self) -> Bundle:
        return Bundle(read_task(self.folder / BUNDLE))

    def done(self) -> tuple[Stage, ...]:
        """Stages of an earlier call, as long as what they made is still there."""
        try:
            found = json.loads((self.folder / DONE).read_text(encoding="utf-8"))
            self.bundle.task.model_path.stat()
            return tuple(replace(build(Stage, stage, DONE), kept=True) for stage in found)
        except (OSError, ValueError, InsulaError):
            return ()

    def note(self, done: tuple[Stage, ...]) -> None:
        draft = self.folder / f".{DONE}"
        draft.write_text(json.dumps([asdict(stage) for stage in done]), encoding="utf-8")
        draft.replace(self.folder / DONE)


def _import(bench: _Bench) -> str:
    wish, target = bench.wish, bench.folder / BUNDLE
    shutil.rmtree(target, ignore_errors=True)
    if (wish.source / "manifest.toml").is_file():
        whole_folder(target, lambda draft: installed.copied(wish.source, draft))
        return "It is a bundle already."
    asked = ImportWish(
        name=wish.name, channels=wish.channels, examples=wish.examples, mirror=wish.mirror, trust=wish.trust
    )
    import_model(wish.source, target, asked, cancelled=bench.cancelled)
    task = bench.bundle.task
    return f"{task.title}: {', '.join(channel.name for channel in task.channels)} to {', '.join(task.output.labels)}."


def _build(bench: _Bench) -> str:
    """Derive the graph of each precision that an engine here runs."""
    bundle, made, refused = bench.bundle, [], []
    for precision in dict.fromkeys(precision for _, precision in registry.offers(False)):
        if bench.cancelled():
            raise JobCancelled
        try:
            model_for(bundle.model, bundle.sha256, precision, bundle.vector)
            made.append(precision.value)
        except PrecisionAbsent as error:
            refused.append(f"{precision.value}: {error.message}")
    return f"Graphs for {', '.join(made)}. {' '.join(refused)}".strip()


def _verify(bench: _Bench) -> str:
    """fp32 must pass; another precision that fails is written down, and the viewer refuses it."""
    found = [check for check in checks(bench.bundle) if not check["refused"]]
    failed = {check["precision"]: f"{check['backend']}: {check['sentence']}" for check in found if not check["passed"]}
    if Precision.FP32.value in failed:
        raise EngineError(f"The model failed its test in fp32 ({failed[Precision.FP32.value]}).", "Export it again.")
    (bench.folder / BUNDLE / PROOF).write_text(json.dumps({"refused": failed}, indent=2), encoding="utf-8")
    passed = dict.fromkeys(check["precision"] for check in found if check["precision"] not in failed)
    return " ".join([f"Passed: {', '.join(passed)}.", *(f"{name} refused: {why}." for name, why in failed.items())])


def _install(bench: _Bench) -> str:
    return f"Installed as {installed.install(bench.folder / BUNDLE).task.name}."


_STAGES: tuple[tuple[str, Callable[[_Bench], str]], ...] = (
    ("import", _import),
    ("build", _build),
    ("verify", _verify),
    ("install", _install),
)


def _key(wish: Wish) -> str:
    """Changes with every file of the source and every word of the wish.

    Raises:
        InputRefused: The source is not there.
    """
    files = [wish.source] if wish.source.is_file() else sorted(p for p in wish.source.rglob("*") if p.is_file())
    if not files:
        raise InputRefused(f"There is no model at {wish.source}.", "Give a model's file or folder.")
    seen = [f"{file.relative_to(wish.source.parent)}:{cache.sha256(file)}" for file in files]
    given = [cache.sha256(file) for file in wish.examples if file.is_file()]
    words = json.dumps({**asdict(wish), "source": "", "examples": given}, default=str)
    return cache.key(RECIPE, words, *seen)


def words_of(wish: Wish) -> str:
    """A wish as the one line that `main` reads."""
    return json.dumps(asdict(wish), default=str) + "\n"


def _wish(table: dict[str, Any]) -> Wish:
    paths = {"source": Path(table["source"]), "examples": tuple(Path(file) for file in table["examples"])}
    return build(Wish, {**table, **paths}, "the wish")


def main() -> int:
    """A wish as JSON on standard input; progress and the answer as lines of JSON on standard output."""

    def say(kind: str, value: object) -> None:
        print(json.dumps({kind: value}), flush=True)

    try:
        wish = _wish(json.loads(sys.stdin.readline()))
        say("answer", asdict(deploy(wish, lambda step: say("progress", asdict(step)))))
    except InsulaError as error:
        say("error", {"code": error.code, "message": error.message, "hint": error.hint})
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
