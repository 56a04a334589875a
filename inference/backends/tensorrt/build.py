"""From a wish to the bytes of an engine file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from inference.backends.tensorrt import border, graphs, library, listeners
from inference.backends.tensorrt.library import Generation, Typing, tensorrt
from inference.backends.tensorrt.placement import Border, PlacementRefused, Unit
from inference.backends.tensorrt.wish import Wish
from inference.errors import EngineError, JobCancelled
from inference.result import CancelledFn, Precision, Progress, ProgressFn

STAGE = "Building the engine"
_FLAGS = {
    Precision.FP32: (),
    Precision.BF16: ("BF16",),
    Precision.FP16: ("FP16",),
    # Layers without a range would else run in fp32, which a DLA does not have and a GPU is slow at.
    Precision.INT8: ("INT8", "FP16"),
}
# Sums over a whole volume pass 65504 in half precision and turn a mask black.
_SINGLE = ("NORMALIZATION", "REDUCE", "UNARY", "PLUGIN_V2")
_HINT = "Try fp32 on the GPU, or verify the bundle with `insula engines verify`."


def source_for(wish: Wish, typing: Typing) -> graphs.Source:
    """The graph that the builder parses for a wish."""
    if typing is Typing.WEAK:
        return graphs.plain(wish.model)
    # A DLA has no fp32; what may fall back to the GPU keeps it where the graph wants it.
    whole = wish.placement.only_dla and not wish.placement.fallback
    if wish.precision is Precision.INT8:
        made = graphs.symmetric(wish.model)
    else:
        made = graphs.plain(wish.model) if whole else graphs.untouched(wish.model)
    if whole:
        return graphs.half(made)
    return made if wish.placement.border is Border.PLAIN else graphs.half_border(made)


def build(
    wish: Wish,
    source: graphs.Source,
    timing: bytes = b"",
    progress: ProgressFn = lambda _: None,
    cancelled: CancelledFn = lambda: False,
) -> tuple[bytes, bytes]:
    """Build under the current CUDA context.

    Args:
        timing: What an earlier build on this machine learned about layer times.

    Returns:
        The engine file and the new timing data.

    Raises:
        PlacementRefused: A layer cannot run where the wish wants it and may not fall back.
        EngineError: The graph cannot be parsed or built.
        JobCancelled: `cancelled` said so; TensorRT before 10 cannot be stopped on the way.
    """
    progress(Progress(STAGE, 0, 1))
    construction = _Construction(wish, source)
    try:
        made = construction.run(timing, progress, cancelled)
    finally:
        construction.free()
    progress(Progress(STAGE, 1, 1))
    return made


class _Construction:
    """One builder with its network and configuration; the library needs them all to outlive the build."""

    def __init__(self, wish: Wish, source: graphs.Source) -> None:
        self._trt = tensorrt()
        self._generation: Generation = library.here()
        self._weak = self._generation.typing is Typing.WEAK
        self._wish = wish
        self._source = source
        self._log = listeners.log()
        self._begin = self._log.mark()
        self._calibrator: Any = None
        self._on_dla: set[int] = set()
        self._trt.init_libnvinfer_plugins(self._log, "")
        self._builder = self._trt.Builder(self._log)
        self._network = self._parsed()
        self._config = self._builder.create_builder_config()

    def run(self, timing: bytes, progress: ProgressFn, cancelled: CancelledFn) -> tuple[bytes, bytes]:
        self._limit()
        self._set_flags()
        self._set_ranges()
        # What a DLA can run depends on the formats that are allowed.
        self._place()
        self._keep_single()
        border.pin(self._network, self._wish, self._source)
        if self._generation.progress:
            # Kept here too: the configuration holds no reference that Python would count.
            self._monitor = self._config.progress_monitor = listeners.monitor(progress, cancelled)
        self._remember(timing)
        plan = self._builder.build_serialized_network(self._network, self._config)
        if plan is None and cancelled():
            raise JobCancelled
        if plan is None:
            reason = self._log.first(self._begin).rstrip(".")
            raise EngineError(f"TensorRT could not build {self._wish.model.name}: {reason}.", _HINT)
        return bytes(plan), bytes(self._config.get_timing_cache().serialize())

    def _remember(self, timing: bytes) -> None:
        """Give the builder what earlier builds learned, or an empty memory if it does not take that."""
        for known in (timing, b""):
            if self._config.set_timing_cache(self._config.create_timing_cache(known), False):
                return

    def free(self) -> None:
        if self._calibrator is not None:
            self._calibrator.free()

    def _parsed(self) -> Any:
        trt = self._trt
        flags = 1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH) if self._generation.explicit_batch else 0
        network = self._builder.create_network(flags)
        # The parser owns the weights that the network reads while it is built.
        self._parser = trt.OnnxParser(network, self._log)
        if self._generation.asks_native_norm:
            self._parser.set_flag(trt.OnnxParserFlag.NATIVE_INSTANCENORM)
        if self._generation.adjusts_for_dla and self._wish.placement.uses_dla:
            self._parser.set_flag(trt.OnnxParserFlag.ADJUST_FOR_DLA)
        if not self._parser.parse(self._source.content):
            errors = [self._parser.get_error(index).desc() for index in range(self._parser.num_errors)]
            raise EngineError(
                f"TensorRT cannot read {self._wish.model.name}: {errors[0] if errors else 'it gives no reason'}.", _HINT
            )
        return network

    def _limit(self) -> None:
        for pool, size in self._wish.pools.items():
            self._config.set_memory_pool_limit(getattr(self._trt.MemoryPoolType, pool), size)
        self._config.profiling_verbosity = self._trt.ProfilingVerbosity.DETAILED

    def _set_flags(self) -> None:
        # TF32 would round the inputs of every fp32 convolution to 10 bits without a word.
        self._config.clear_flag(self._trt.BuilderFlag.TF32)
        if self._weak and self._wish.precision is not Precision.FP32:
            for name in (*_FLAGS[self._wish.precision], "OBEY_PRECISION_CONSTRAINTS"):
                self._config.set_flag(getattr(self._trt.BuilderFlag, name))

    def _keep_single(self) -> None:
        """Hold sums and norms in fp32; a strongly typed graph does so itself."""
        if not self._weak or self._wish.precision is Precision.FP32:
            return
        kinds = [getattr(self._trt.LayerType, name) for name in _SINGLE if hasattr(self._trt.LayerType, name)]
        for index, layer in self._layers():
            if layer.type in kinds and index not in self._on_dla and self._is_real(layer.get_input(0)):
                layer.precision = self._trt.float32
                for place in range(layer.num_outputs):
                    if self._is_real(layer.get_output(place)):
                        layer.set_output_type(place, self._trt.float32)

    def _is_real(self, tensor: Any) -> bool:
        """Shapes are computed with such layers too, in integers that have no other format."""
        return tensor is not None and tensor.dtype in (self._trt.float32, self._trt.float16)

    def _set_ranges(self) -> None:
        if self._wish.calibration is not None:
            self._calibrator = listeners.calibrator(self._wish.calibration.feeds)
            self._config.int8_calibrator = self._calibrator
            return
        if not self._source.ranges or not self._weak:
            return
        for tensor in self._tensors():
            reach = self._source.ranges.get(tensor.name)
            if reach is not None:
                tensor.set_dynamic_range(-reach, reach)

    def _place(self) -> None:
        placement = self._wish.placement
        if not placement.uses_dla:
            return
        types = self._trt.DeviceType
        self._config.default_device_type = types.DLA if placement.unit is Unit.DLA else types.GPU
        self._config.DLA_core = placement.core
        if placement.fallback:
            self._config.set_flag(self._trt.BuilderFlag.GPU_FALLBACK)
        if placement.direct:
            self._config.set_flag(self._trt.BuilderFlag.DIRECT_IO)
        refused = [layer.name for index, layer in self._layers() if not self._settle(index, layer)]
        if refused and not placement.fallback:
            raise PlacementRefused(
                f"{len(refused)} of the model's layers cannot run on the DLA, the first is {refused[0]}.",
                "Run it on the GPU, cut it so that these layers lie there, or allow fallback.",
            )

    def _settle(self, index: int, layer: Any) -> bool:
        """Give a layer its device; False if it may not run where it is wished."""
        unit = self._wish.placement.unit_of(index, str(layer.name))
        kinds = self._trt.LayerType
        # These become part of their neighbours, which the library knows only when it builds.
        folded = layer.type in (kinds.QUANTIZE, kinds.DEQUANTIZE)
        legal = unit is Unit.GPU or folded or self._config.can_run_on_DLA(layer)
        settled = unit if legal else Unit.GPU
        if settled is Unit.DLA:
            self._on_dla.add(index)
        self._config.set_device_type(layer, getattr(self._trt.DeviceType, settled.value))
        return bool(legal)

    def _layers(self) -> Iterator[tuple[int, Any]]:
        for index in range(self._network.num_layers):
            yield index, self._network.get_layer(index)

    def _tensors(self) -> Iterator[Any]:
        for index in range(self._network.num_inputs):
            yield self._network.get_input(index)
        for _, layer in self._layers():
            for place in range(layer.num_outputs):
                yield layer.get_output(place)
