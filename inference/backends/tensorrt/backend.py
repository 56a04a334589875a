"""The backend `tensorrt`: what it offers on this machine, and how a wish becomes an engine."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

from inference.backends import graph
from inference.backends.base import Support
from inference.backends.tensorrt import build, cuda, files, library, listeners
from inference.backends.tensorrt.engine import TensorRtEngine
from inference.backends.tensorrt.graphs import Source
from inference.backends.tensorrt.inspection import CORES, LOADABLES, inspect, require_no_fallback
from inference.backends.tensorrt.library import Typing, tensorrt
from inference.backends.tensorrt.placement import Unit, on
from inference.backends.tensorrt.session import NotDeserialised, Session
from inference.backends.tensorrt.wish import Wish
from inference.errors import BackendMissing, PrecisionAbsent
from inference.result import CancelledFn, Precision, PrecisionKind, ProgressFn

NAME = "tensorrt"
# Compute capabilities with fast arithmetic of a format: single ones, and the first from which all have it
# (CUDA programming guide, arithmetic throughput). The others would run it at a fraction of the speed of fp32.
_FAST: dict[Precision, tuple[set[tuple[int, int]], tuple[int, int]]] = {
    Precision.FP32: (set(), (0, 0)),
    Precision.FP16: ({(5, 3), (6, 0), (6, 2)}, (7, 0)),
    Precision.INT8: ({(6, 1)}, (7, 0)),
    Precision.BF16: (set(), (8, 0)),
}
_NOTES = {
    Precision.FP32: "TF32 is off",
    Precision.BF16: "normalisation stays in single precision",
    Precision.FP16: "normalisation stays in single precision",
    Precision.INT8: "what has no 8-bit range runs in half precision, normalisation in single precision",
}
_ON_DLA = {
    Precision.FP16: "only what the DLA can run; nothing falls back to the GPU",
    Precision.INT8: "what has no 8-bit range runs in half precision; nothing falls back to the GPU",
}


class TensorRtBackend:
    """Engines of TensorRT on NVIDIA GPUs and DLA cores.

    Args:
        progress: Told how far the build of an engine file is; a build takes minutes, a kept file none.
        cancelled: Asked during a build whether to stop; TensorRT before 10 cannot.
    """

    name = NAME

    def __init__(self, progress: ProgressFn = lambda _: None, cancelled: CancelledFn = lambda: False) -> None:
        self._progress = progress
        self._cancelled = cancelled

    @property
    def version(self) -> str:
        return str(tensorrt().__version__)

    def why_not(self) -> str | None:
        missing = [module for module in ("tensorrt", "pycuda") if importlib.util.find_spec(module) is None]
        if missing:
            return f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} not installed. {library.INSTALL}"
        try:
            return None if cuda.count() else "TensorRT finds no NVIDIA GPU here; choose another backend."
        except BackendMissing as error:
            return str(error)

    def devices(self) -> tuple[str, ...]:
        """GPUs first, in CUDA's order, then the cores of the DLA."""
        gpus = tuple(f"GPU{index or ''}" for index in range(cuda.count()))
        return gpus + tuple(f"DLA{core}" for core in range(_dla_cores()))

    def hardware(self) -> tuple[str, ...]:
        """One line per GPU, and one for the DLA, for who must know what a figure was measured on."""
        facts = [cuda.gpu(index).facts for index in range(cuda.count())]
        gpus = [
            f"GPU{index or ''}: {each.name}, compute capability {each.sm[0]}.{each.sm[1]}, "
            f"{each.memory_bytes / 2**30:.0f} GiB{' shared with the processor' if each.integrated else ''}"
            for index, each in enumerate(facts)
        ]
        return (*gpus, f"DLA cores: {_dla_cores()}, with {LOADABLES} loadables each")

    def support(self, precision: Precision, device: str) -> Support:
        """Native where the hardware has fast arithmetic of the format and this TensorRT can build it."""
        if device not in self.devices():
            return Support(PrecisionKind.ABSENT, f"TensorRT finds no device {device} here")
        placement = on(device)
        if placement.unit is Unit.DLA:
            note = _ON_DLA.get(precision)
            absent = Support(PrecisionKind.ABSENT, f"a DLA has no {precision.value} arithmetic")
            return Support(PrecisionKind.NATIVE, note) if note else absent
        generation = library.here()
        if precision is Precision.BF16 and not generation.bf16:
            return Support(PrecisionKind.ABSENT, f"TensorRT {self.version} makes no bf16 engine of an fp32 graph")
        single, first = _FAST[precision]
        sm = cuda.gpu(placement.gpu).facts.sm
        if sm in single or sm >= first:
            return Support(PrecisionKind.NATIVE, _NOTES[precision])
        return Support(PrecisionKind.ABSENT, f"this GPU has no fast {precision.value} arithmetic")

    def load(self, model: Path, precision: Precision, device: str) -> TensorRtEngine:
        """See `Backend.load`. The first load of a model builds its engine file, later ones read it."""
        support = self.support(precision, device)
        if support.kind is PrecisionKind.ABSENT:
            raise PrecisionAbsent(f"TensorRT cannot run {precision.value}: {support.note}.", "Choose fp32 or fp16.")
        return self.engine(Wish(model, precision, on(device)))

    def engine(self, wish: Wish) -> TensorRtEngine:
        """Make an engine with a placement, calibration data or memory limits of the caller's choice.

        Raises:
            PlacementRefused: Layers cannot run where they are wished, or the DLA core is full.
            PrecisionAbsent: Calibration data are given and this TensorRT takes ranges from the graph alone.
            EngineError: The file is not such a graph, or the library refuses it.
            JobCancelled: The build was stopped.
        """
        generation = library.here()
        if wish.calibration is not None and generation.typing is Typing.STRONG:
            raise PrecisionAbsent(
                f"TensorRT {self.version} does not calibrate.", "Give it an int8 graph with Q/DQ nodes instead."
            )
        border = graph.read_as(wish.model, wish.graph_precision)
        device = cuda.gpu(wish.placement.gpu)
        with device.current():
            session = self._session(wish, build.source_for(wish, generation.typing), device.facts)
            try:
                inspection = inspect(session.engine, wish.placement)
                require_no_fallback(inspection, wish.placement)
                CORES.take(wish.placement, inspection.loadables)
            except BaseException:
                session.free()
                raise
        return TensorRtEngine(session, border, device, wish.placement, inspection)

    def _session(self, wish: Wish, source: Source, facts: cuda.Facts) -> Session:
        kept = files.kept(wish, facts)
        if kept is not None:
            try:
                return Session(kept.read_bytes(), wish.placement, source.ranges, facts.integrated)
            except NotDeserialised:
                # Whole, and made for this very version and device, and yet refused: nothing else helps.
                pass
        made = files.made(wish, facts, source, self._progress, self._cancelled)
        return Session(made.read_bytes(), wish.placement, source.ranges, facts.integrated)


@cache
def _dla_cores() -> int:
    """How many DLA cores TensorRT sees; only a builder tells."""
    if not library.here().dla or not cuda.count():
        return 0
    with cuda.gpu(0).current():
        return int(tensorrt().Builder(listeners.log()).num_DLA_cores)
