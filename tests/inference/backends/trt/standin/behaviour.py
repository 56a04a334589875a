"""What TensorRT's methods do in the stand-in up to the bytes of an engine, by class and name."""

from __future__ import annotations

import json

import numpy as np
import onnx

from standin import formats
from standin.module import native
from standin.network import Parsed, quantised
from standin.verbs import DOES, NATIVE_NORMS_SINCE, STRONG_SINCE, computed, does, log, major, remember
from standin.world import Misuse, World

PHASES = {"Building engine from network": 3, "Timing tactics": 2}


@does("", "init_libnvinfer_plugins")
def _plugins(world: World, logger: object, namespace: str) -> bool:
    world.current()
    remember(world, logger)
    return True


@does("Builder", "__init__")
def _builder(world: World, self: object, logger: object) -> None:
    world.current()
    remember(world, logger)
    self._logger = logger


@does("Builder", "num_DLA_cores")
def _cores(world: World, self: object) -> int:
    return world.dla_cores


@does("Builder", "create_network")
def _network(world: World, self: object, flags: int = 0) -> object:
    flag = getattr(world.classes["NetworkDefinitionCreationFlag"], "EXPLICIT_BATCH", None)
    if major(world) < NATIVE_NORMS_SINCE and flags != 1 << int(flag):
        raise Misuse("before TensorRT 10 a network of an ONNX file must be asked for an explicit batch")
    if major(world) >= NATIVE_NORMS_SINCE and flags:
        raise Misuse("no flag is needed from TensorRT 10 on")
    return native(world, "INetworkDefinition", logger=self._logger)


@does("Builder", "create_builder_config")
def _config(world: World, self: object) -> object:
    kinds = world.classes
    return native(
        world,
        "IBuilderConfig",
        default_device_type=kinds["DeviceType"].GPU,
        DLA_core=-1,
        bits={int(kinds["BuilderFlag"].TF32)},
        devices={},
        pools={},
        calibrator=None,
    )


@does("OnnxParser", "__init__")
def _parser(world: World, self: object, network: object, logger: object) -> None:
    self._network, self._logger, self._flags, self._errors = network, logger, set(), []


@does("OnnxParser", "set_flag")
def _parser_flag(world: World, self: object, flag: object) -> None:
    self._flags.add(flag.name)


@does("OnnxParser", "parse")
def _parse(world: World, self: object, model: bytes, path: str | None = None) -> bool:
    native_norms = major(world) >= NATIVE_NORMS_SINCE or "NATIVE_INSTANCENORM" in self._flags
    parsed = Parsed(bytes(model), world, native_norms, strong=major(world) >= STRONG_SINCE)
    self._errors = parsed.complaints() + (["a made-up parse error"] if "parse" in world.faults else [])
    self._network._parsed = parsed
    return not self._errors


@does("OnnxParser", "num_errors")
def _num_errors(world: World, self: object) -> int:
    return len(self._errors)


@does("OnnxParser", "get_error")
def _get_error(world: World, self: object, index: int) -> object:
    return native(world, "ParserError", text=self._errors[index])


@does("ParserError", "desc")
def _desc(world: World, self: object) -> str:
    return self._text


for _name, _list in {"layers": "layers", "inputs": "inputs", "outputs": "outputs"}.items():
    DOES[("INetworkDefinition", f"num_{_name}")] = lambda world, self, key=_list: len(getattr(self._parsed, key))
    DOES[("INetworkDefinition", f"get_{_name[:-1]}")] = lambda world, self, index, key=_list: getattr(
        self._parsed, key
    )[index]


@does("ILayer", "get_output")
def _layer_output(world: World, self: object, index: int) -> object:
    return self._parsed.tensor(self._node.output[index])


@does("ILayer", "get_input")
def _layer_input(world: World, self: object, index: int) -> object:
    return self._parsed.tensor([name for name in self._node.input if name not in self._parsed.weights][index])


@does("ILayer", "set_output_type")
def _output_type(world: World, self: object, index: int, dtype: object) -> None:
    self._types[index] = dtype


@does("ITensor", "set_dynamic_range")
def _range(world: World, self: object, min: float, max: float) -> bool:
    if min != -max:
        raise Misuse("a dynamic range is symmetric")
    self._reach = float(max)
    return True


@does("IBuilderConfig", "set_flag")
def _set_flag(world: World, self: object, flag: object) -> None:
    self._bits.add(int(flag))


@does("IBuilderConfig", "clear_flag")
def _clear_flag(world: World, self: object, flag: object) -> None:
    self._bits.discard(int(flag))


@does("IBuilderConfig", "get_flag")
def _get_flag(world: World, self: object, flag: object) -> bool:
    return int(flag) in self._bits


@does("IBuilderConfig", "set_memory_pool_limit")
def _pool(world: World, self: object, pool: object, pool_size: int) -> None:
    size = int(pool_size)
    if pool.name.startswith("DLA") and (size < 4096 or size & (size - 1)):
        raise Misuse("a DLA pool is a power of two of at least 4 KiB")
    self._pools[pool.name] = size


@does("IBuilderConfig", "can_run_on_DLA")
def _can_run(world: World, self: object, layer: object) -> bool:
    if not layer._parsed.strong and not _flag_names(world, self) & {"FP16", "INT8"}:
        raise Misuse("a DLA has fp16 and int8 alone, and neither is allowed yet")
    return layer._parsed.may_run_on_dla(layer)


@does("IBuilderConfig", "set_device_type")
def _set_device(world: World, self: object, layer: object, device_type: object) -> None:
    self._devices[layer.name] = device_type.name


@does("IBuilderConfig", "create_timing_cache")
def _timing(world: World, self: object, serialized_timing_cache: bytes) -> object:
    return native(world, "ITimingCache", content=bytes(serialized_timing_cache))


@does("IBuilderConfig", "set_timing_cache")
def _set_timing(world: World, self: object, cache: object, ignore_mismatch: bool) -> bool:
    if "timing" in world.faults and cache._content:
        return False
    self._timing = cache
    return True


@does("IBuilderConfig", "get_timing_cache")
def _get_timing(world: World, self: object) -> object:
    return self._timing


@does("ITimingCache", "serialize")
def _timing_bytes(world: World, self: object) -> object:
    return native(world, "IHostMemory", content=self._content + b"t")


@does("Builder", "build_serialized_network")
def _build(world: World, self: object, network: object, config: object) -> object:
    world.current()
    parsed = network._parsed
    world.flags = _flag_names(world, config)
    reason = _refusal(world, parsed, config)
    if reason:
        log(world, self._logger, reason)
        return None
    if not _reported(vars(config).get("_p_progress_monitor"), world):
        return None
    reaches = _reaches(world, parsed, config)
    header = {
        "version": world.version,
        "card": world.cards[0].name,
        "flags": sorted(config._bits),
        "ports": [*(_port(each, True) for each in parsed.inputs), *(_port(each, False) for each in parsed.outputs)],
        "layers": _fused(parsed, config),
        "single": [layer.name for layer in parsed.layers if "_p_precision" in vars(layer)],
        "uses_dla": any(_on_dla(layer, config) for layer in parsed.layers),
    }
    model = quantised(parsed.model, reaches) if reaches else parsed.model
    content = json.dumps(header).encode() + b"\n" + model.SerializeToString()
    return native(world, "IHostMemory", content=content)


def _refusal(world: World, parsed: Parsed, config: object) -> str:
    flags = _flag_names(world, config)
    if "build" in world.faults:
        return "Error Code 2: Internal Error (made-up failure)."
    dla = [layer for layer in parsed.layers if _on_dla(layer, config)]
    if dla and config.DLA_core >= world.dla_cores:
        return "DLA core does not exist"
    if dla and not parsed.strong and not flags & {"FP16", "INT8"}:
        return "DLA requires FP16 or INT8"
    for layer in dla:
        if not parsed.runs_on_dla(layer) and "GPU_FALLBACK" not in flags:
            return f"{layer.name} cannot run on DLA and GPU fallback is not enabled"
    half = [tensor for tensor in (*parsed.inputs, *parsed.outputs) if tensor.dtype.name != "FLOAT"]
    whole = len(dla) == len(parsed.layers)
    if dla and whole and "GPU_FALLBACK" not in flags and len(half) != len(parsed.inputs) + len(parsed.outputs):
        return "DLA has no fp32 I/O and GPU fallback is not enabled"
    pins = [layer for layer in parsed.layers if "_p_precision" in vars(layer)]
    if pins and "OBEY_PRECISION_CONSTRAINTS" not in flags:
        return "precision constraints would be ignored"
    return ""


def _flag_names(world: World, config: object) -> set[str]:
    return {flag.name for flag in world.classes["BuilderFlag"].__members__.values() if int(flag) in config._bits}


def _on_dla(layer: object, config: object) -> bool:
    return config._devices.get(layer.name, config.default_device_type.name) == "DLA"


def _reported(monitor: object, world: World) -> bool:
    """Whether the build may go on to its end."""
    if monitor is None:
        return True
    parent = None
    for phase, steps in PHASES.items():
        monitor.phase_start(phase, parent, steps)
        for step in range(steps):
            world.on_step()
            if monitor.step_complete(phase, step) is False:
                return False
        parent = phase
    for phase in reversed(PHASES):
        monitor.phase_finish(phase)
    return True


def _reaches(world: World, parsed: Parsed, config: object) -> dict[str, float]:
    if "INT8" not in _flag_names(world, config):
        return {}
    calibrator = vars(config).get("_p_int8_calibrator")
    if calibrator is not None:
        return _calibrated(world, parsed, calibrator)
    known = {name: tensor._reach for name, tensor in parsed.tensors.items() if tensor._reach is not None}
    if not known:
        raise Misuse("int8 without a calibrator and without any range")
    return known


def _calibrated(world: World, parsed: Parsed, calibrator: object) -> dict[str, float]:
    """Ranges of what convolutions read, from the inputs that the calibrator hands out."""
    if calibrator.get_batch_size() != 1 or calibrator.read_calibration_cache() is not None:
        raise Misuse("the stand-in calibrates one input at a time, from data")
    names = [tensor.name for tensor in parsed.inputs]
    wanted = {node.input[0] for node in parsed.model.graph.node if node.op_type == "Conv"}
    probe = onnx.ModelProto()
    probe.CopyFrom(parsed.model)
    probe.graph.output.extend(parsed.values[name] for name in sorted(wanted - set(names)))
    found: dict[str, float] = dict.fromkeys(wanted, 0.0)
    while (addresses := calibrator.get_batch(names)) is not None:
        if len(addresses) != len(names):
            raise Misuse("one address per input")
        feed = {}
        for name, address in zip(names, addresses, strict=True):
            shape = tuple(parsed.tensor(name).shape)
            memory = world.memory.at(address, formats.length(shape, "LINEAR", "FLOAT"))
            feed[name] = formats.unpack(memory, shape, "LINEAR", "FLOAT", None)
        seen = feed | computed(probe.SerializeToString(), feed)
        found = {name: max(reach, float(np.abs(seen[name]).max())) for name, reach in found.items()}
    calibrator.write_calibration_cache(b"ranges")
    return found


def _port(tensor: object, inward: bool) -> dict:
    kinds = [name for name, item in type(tensor)._formats.items() if tensor.allowed_formats == 1 << item]
    dtype = tensor.dtype.name
    reach = tensor._reach if dtype == "INT8" else None
    if dtype == "INT8" and reach is None:
        raise Misuse("an int8 border needs a range")
    return {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "kind": kinds[0],
        "dtype": dtype,
        "reach": reach,
        "inward": inward,
    }


def _fused(parsed: Parsed, config: object) -> list[dict]:
    """Layers as the inspector tells them: neighbours on the DLA are one piece, with copies around it."""
    rows: list[dict] = []
    piece: list[str] = []

    def end_piece() -> None:
        if piece:
            name = f"{{ForeignNode[{piece[0]}...{piece[-1]}]}}"
            rows.append({"Name": f"{piece[0]} to nvm", "LayerType": "Reformat"})
            rows.append({"Name": name, "LayerType": "DLA"})
            piece.clear()

    for layer in parsed.layers:
        if _on_dla(layer, config) and parsed.runs_on_dla(layer):
            piece.append(layer.name)
            continue
        end_piece()
        rows.append({"Name": layer.name, "LayerType": layer.type.name.title()})
    end_piece()
    return rows
