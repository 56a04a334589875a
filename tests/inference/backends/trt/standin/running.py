"""What TensorRT's methods do in the stand-in from the bytes of an engine on, by class and name."""

from __future__ import annotations

import json

import numpy as np

from standin import formats
from standin.module import native
from standin.verbs import computed, does, log, remember
from standin.world import Misuse, World


@does("IHostMemory", "nbytes")
def _nbytes(world: World, self: object) -> int:
    return len(self._content)


@does("Runtime", "__init__")
def _runtime(world: World, self: object, logger: object) -> None:
    world.current()
    remember(world, logger)
    self._logger = logger


@does("Runtime", "DLA_core=")
def _core(world: World, self: object, core: int) -> None:
    self._core = core


@does("Runtime", "deserialize_cuda_engine")
def _deserialise(world: World, self: object, serialized_engine: bytes) -> object:
    world.current()
    head, _, model = bytes(serialized_engine).partition(b"\n")
    try:
        header = json.loads(head)
    except ValueError:
        log(world, self._logger, "Error Code 1: Serialization (magic tag does not match)")
        return None
    if "deserialise" in world.faults or header["version"] != world.version or header["card"] != world.cards[0].name:
        log(world, self._logger, "Error Code 1: Serialization (version tag does not match)")
        return None
    if header["uses_dla"] and "_core" not in vars(self):
        raise Misuse("the DLA core must be chosen before the engine is read")
    return native(world, "ICudaEngine", header=header, model=model, logger=self._logger)


@does("ICudaEngine", "create_execution_context")
def _context(world: World, self: object, **_: object) -> object:
    world.current()
    if "context" in world.faults:
        log(world, self._logger, "out of memory")
        return None
    made = native(world, "IExecutionContext", engine=self, addresses={}, enqueue_emits_profile=True, ran=False)
    made._engine_of = self
    return made


@does("ICudaEngine", "create_engine_inspector")
def _inspector(world: World, self: object) -> object:
    return native(world, "EngineInspector", header=self._header)


@does("EngineInspector", "get_engine_information")
def _information(world: World, self: object, format: object) -> str:
    if format.name != "JSON":
        raise Misuse("only JSON is read")
    layers = self._header["layers"]
    return json.dumps({"Layers": [row["Name"] for row in layers] if "names" in world.faults else layers})


@does("ICudaEngine", "num_io_tensors")
def _num_io(world: World, self: object) -> int:
    return len(self._header["ports"])


@does("ICudaEngine", "get_tensor_name")
def _tensor_name(world: World, self: object, index: int) -> str:
    return self._header["ports"][index]["name"]


def port(engine: object, name: str) -> dict:
    return next(each for each in engine._header["ports"] if each["name"] == name)


@does("ICudaEngine", "get_tensor_mode")
def _mode(world: World, self: object, name: str) -> object:
    modes = world.classes["TensorIOMode"]
    return modes.INPUT if port(self, name)["inward"] else modes.OUTPUT


@does("ICudaEngine", "get_tensor_shape")
def _shape(world: World, self: object, name: str) -> tuple:
    return tuple(port(self, name)["shape"])


@does("ICudaEngine", "get_tensor_dtype")
def _dtype(world: World, self: object, name: str) -> object:
    return getattr(world.classes["DataType"], port(self, name)["dtype"])


@does("ICudaEngine", "get_tensor_vectorized_dim")
def _vectorised(world: World, self: object, name: str, **_: object) -> int:
    return 1 if port(self, name)["kind"] in formats.LANES else -1


@does("ICudaEngine", "get_tensor_components_per_element")
def _lanes(world: World, self: object, name: str, **_: object) -> int:
    return formats.LANES.get(port(self, name)["kind"], -1)


@does("IExecutionContext", "get_tensor_strides")
def _strides(world: World, self: object, name: str) -> tuple:
    found = port(self._engine_of, name)
    return formats.strides(tuple(found["shape"]), found["kind"], found["dtype"])


@does("IExecutionContext", "set_tensor_address")
def _address(world: World, self: object, name: str, memory: int) -> bool:
    found = port(self._engine_of, name)
    world.memory.at(memory, formats.length(tuple(found["shape"]), found["kind"], found["dtype"]))
    self._addresses[name] = int(memory)
    return "address" not in world.faults


@does("IExecutionContext", "execute_async_v3")
def _execute(world: World, self: object, stream_handle: int) -> bool:
    world.current()
    header = self._engine_of._header
    if "enqueue" in world.faults:
        log(world, self._engine_of._logger, "enqueue failed")
        return False
    if set(self._addresses) != {each["name"] for each in header["ports"]}:
        raise Misuse("an input or output has no memory")
    if vars(self).get("_pending"):
        raise Misuse("inputs are overwritten while a run that reads them is still to come")
    self._pending = True
    world.streams[int(stream_handle)]._queue.append(lambda: _compute(world, self))
    return True


def _compute(world: World, context: object) -> None:
    """What the device does when the stream comes to it."""
    header, model = context._engine_of._header, context._engine_of._model
    context._pending = False

    def at(each: dict) -> tuple:
        shape, kind, dtype = tuple(each["shape"]), each["kind"], each["dtype"]
        memory = world.memory.at(context._addresses[each["name"]], formats.length(shape, kind, dtype))
        return memory, shape, kind, dtype

    feed = {}
    for each in header["ports"]:
        if each["inward"]:
            memory, shape, kind, dtype = at(each)
            feed[each["name"]] = formats.unpack(memory, shape, kind, dtype, each["reach"])
    answer = computed(model, feed)
    for each in header["ports"]:
        if not each["inward"]:
            memory, _, kind, dtype = at(each)
            values = np.full_like(answer[each["name"]], np.nan) if "nan" in world.faults else answer[each["name"]]
            formats.pack(values, memory, kind, dtype, each["reach"])
    context._ran = True


@does("IExecutionContext", "report_to_profiler")
def _report(world: World, self: object) -> bool:
    if not self._ran or self.enqueue_emits_profile:
        raise Misuse("a profile is reported after a finished run that did not report it itself")
    for place, row in enumerate(self._engine_of._header["layers"]):
        self.profiler.report_layer_time(row["Name"], 0.25 * (place + 1))
    return True
