"""One whole volume through one engine in a process of its own: `python -m engines.volume_case BUNDLE PRECISION ...`."""

from __future__ import annotations

import argparse
import time
from contextlib import closing
from pathlib import Path

import numpy as np

from engines.derive import graph_of
from engines.library import Bundle, find
from inference.backends import registry
from inference.nnunet.plan import read_plan
from inference.nnunet.predict import Network, predict
from inference.result import Precision


def peak_mb() -> float:
    """Most memory that this process has held, in MB of 10^6 bytes."""
    status = Path("/proc/self/status")
    if status.is_file():  # what getrusage says there includes the process this one was started from
        (line,) = (row for row in status.read_text(encoding="ascii").splitlines() if row.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def run(bundle: Bundle, precision: Precision, backend: str, case: Path, answer: Path) -> None:
    """Load, label one image, and store the mask, the seconds and the peak."""
    with np.load(case) as stored:
        channels, (k, j, i) = stored["channels"], (float(mm) for mm in stored["spacing"])
    plan = read_plan(bundle.task.plan_path)
    begin = time.perf_counter()
    choice = registry.choose(backend, precision, "CPU")
    graph = graph_of(bundle, precision, choice.backend.name)
    with closing(choice.backend.load(graph, precision, choice.device)) as engine:
        loaded = time.perf_counter()
        network = Network(lambda tile: engine.infer({"input": tile})["logits"], engine.cancel)
        said = predict(channels, (k, j, i), plan, network)
        seconds = time.perf_counter() - loaded
    np.savez_compressed(
        answer,
        labels=said.labels,
        seconds=seconds,
        load_s=loaded - begin,
        around_s=said.prepare_s + said.finish_s,
        peak_mb=peak_mb(),
        version=choice.backend.version,
        device=choice.device,
        kind=choice.support.kind.value,
    )


def main() -> None:
    """Run, or with --derive only make the precision's graph."""
    parser = argparse.ArgumentParser()
    parser.add_argument("bundle")
    parser.add_argument("precision", type=Precision)
    parser.add_argument("backend")
    parser.add_argument("case", type=Path)
    parser.add_argument("answer", type=Path)
    parser.add_argument("--derive", action="store_true")
    words = parser.parse_args()
    bundle = find(words.bundle)
    if words.derive:
        graph_of(bundle, words.precision, words.backend)
    else:
        run(bundle, words.precision, words.backend, words.case, words.answer)


if __name__ == "__main__":
    main()
