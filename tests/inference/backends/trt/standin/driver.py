"""pycuda.driver on the processor: the declared names, with push, pop, streams and frees as strict as the real ones."""

from __future__ import annotations

import threading
import types
from collections.abc import Callable

import numpy as np

from standin.module import Unsimulated
from standin.pycuda_names import Arguments, Declared, Names
from standin.world import Block, Misuse, World, host_bytes


def make(names: Names, world: World) -> types.ModuleType:
    """A module `pycuda.driver` with the names that pycuda declares."""
    module = types.ModuleType("pycuda.driver")
    for name, base in names.errors.items():
        parent = vars(module).get(base.removeprefix("Cuda"), Exception)
        setattr(module, name, type(name, (parent,), {}))
    world.error = module.Error
    for name, declared in names.classes.items():
        setattr(module, name, _class(name, declared, names, world))
    functions = _functions(world, module)
    for name, arguments in names.functions.items():
        setattr(module, name, _checked(name, arguments, functions.get(name)))
    return module


def _checked(name: str, arguments: Arguments, does: Callable | None, offset: int = 0) -> Callable:
    """Let through only calls that the declaration allows."""

    def call(*args, **kwargs):
        if does is None:
            raise Unsimulated(name)
        given = len(args) - offset
        if isinstance(arguments, int):
            if kwargs or (arguments >= 0 and given != arguments):
                raise TypeError(f"{name}() takes {arguments} arguments without names, not {args} {kwargs}")
        else:
            known = [argument for argument, _ in arguments]
            bound = {*known[:given], *kwargs}
            needed = {argument for argument, optional in arguments if not optional}
            if given > len(known) or not set(kwargs) <= set(known[given:]) or not needed <= bound:
                raise TypeError(f"{name}() takes {arguments}, not {args} {kwargs}")
        return does(*args, **kwargs)

    return call


def _class(name: str, declared: Declared, names: Names, world: World) -> type:
    maker = {"Device": _Device, "Context": _Context, "Stream": _Stream, "Event": _Event}.get(name)
    maker = maker or {"DeviceAllocation": _Allocation, "PagelockedHostAllocation": _HostAllocation}.get(name, object)
    allowed = {*declared.methods, *declared.properties, *declared.values}
    if declared.base:
        allowed |= set(names.classes[declared.base].methods)
    space: dict = {"world": world, "__slots__": ()}
    for value, item in enumerate(sorted(declared.values), start=1):
        space[item] = value
    for method, does in vars(maker).items():
        if callable(does) and not method.startswith("_"):
            if method not in allowed:
                raise AssertionError(f"the stand-in's {name}.{method} is not declared by pycuda")
            checked = _checked(f"{name}.{method}", declared.methods.get(method, -1), does, offset=1)
            space[method] = checked
    for method in set(declared.static) & set(vars(maker)):
        does = vars(maker)[method].__func__
        space[method] = staticmethod(
            _checked(f"{name}.{method}", declared.methods.get(method, -1), lambda *a, d=does: d(world, *a))
        )
    return type(name, (maker,), space)


class _Device:
    world: World

    def __init__(self, index):
        if not 0 <= index < len(self.world.cards):
            raise self.world.error("cuDeviceGet failed: invalid device ordinal")
        self._index = index

    @staticmethod
    def count(world):
        return len(world.cards)

    def name(self):
        return self.world.cards[self._index].name

    def compute_capability(self):
        return self.world.cards[self._index].sm

    def total_memory(self):
        return self.world.cards[self._index].memory

    def get_attribute(self, attribute):
        integrated = self.world.attribute_integrated
        if attribute != integrated:
            raise Unsimulated(f"device attribute {attribute}")
        return int(self.world.cards[self._index].integrated)

    def retain_primary_context(self):
        made = object.__new__(self.world.context_class)
        made._index, made._thread = self._index, threading.get_ident()
        return made


class _Context:
    world: World

    def push(self):
        self.world.stack.append(self)

    @staticmethod
    def pop(world):
        if not world.stack:
            raise world.error("context::pop failed: invalid device context - cannot pop non-current context")
        world.stack.pop()


class _Bound:
    """Something that lives under the context it was made under, and dies under it alone."""

    world: World

    def _begin(self):
        if not self.world.stack:
            raise self.world.error("explicit_context_dependent failed: invalid device context")
        self._context = self.world.stack[-1]

    def _require_context(self, what):
        if not self.world.stack or self.world.stack[-1] is not self._context:
            raise Misuse(f"{what} outside the context it was made under")


class _Stream(_Bound):
    def __init__(self, flags=0):
        self._begin()
        self._queue = []
        self._handle = id(self._queue)
        self.world.streams[self._handle] = self

    @property
    def handle(self):
        return self._handle

    def synchronize(self):
        self._require_context("a stream is waited for")
        while self._queue:
            self._queue.pop(0)()

    def _advance(self):
        if self._queue:
            self._queue.pop(0)()

    def __del__(self):
        world = self.world
        if hasattr(self, "_queue") and (not world.stack or world.stack[-1] is not self._context):
            world.complaints.append("a stream was destroyed outside its context")


class _Event(_Bound):
    def __init__(self, flags=0):
        self._begin()
        self._done, self._looks, self._stream = False, 0, None

    def record(self, stream=None):
        self._require_context("an event is recorded")
        self._done, self._looks, self._stream = False, 0, stream
        stream._queue.append(self._reach)
        return self

    def _reach(self):
        self._done = True

    def synchronize(self):
        self._require_context("an event is waited for")
        while not self._done:
            self._stream._advance()
        return self

    def query(self):
        self._require_context("an event is asked")
        self._looks += 1
        if self._looks > self.world.slow_queries:
            while not self._done:
                self._stream._advance()
        return self._done

    def __del__(self):
        world = self.world
        if hasattr(self, "_done") and (not world.stack or world.stack[-1] is not self._context):
            world.complaints.append("an event was destroyed outside its context")


class _Allocation(_Bound):
    _block: Block

    def free(self):
        self._require_context("device memory is freed")
        self.world.memory.free(self._block)

    def __int__(self):
        return self._block.address

    __index__ = __int__


class _HostAllocation(_Bound):
    _block: Block

    def free(self):
        self._require_context("host memory is freed")
        self.world.memory.free(self._block)

    def get_device_pointer(self):
        self._require_context("a device pointer is asked for")
        if not self._mapped:
            raise self.world.error("cuMemHostGetDevicePointer failed: invalid argument")
        return self._block.address


class _PinnedArray(np.ndarray):
    """A host array whose base is the allocation, as pycuda's."""

    allocation: object = None

    @property
    def base(self):
        return self.allocation


def _functions(world: World, module: types.ModuleType) -> dict[str, Callable]:
    world.context_class = module.Context
    world.attribute_integrated = module.device_attribute.INTEGRATED
    made = _Functions(world, module)
    return {
        "init": made.init,
        "mem_alloc": made.mem_alloc,
        "pagelocked_empty": made.pagelocked_empty,
        "memcpy_htod": made.now(made.upload),
        "memcpy_htod_async": made.later(made.upload),
        "memcpy_dtoh": made.now(made.download),
        "memcpy_dtoh_async": made.later(made.download),
    }


class _Functions:
    """Allocation and copies."""

    def __init__(self, world: World, module: types.ModuleType) -> None:
        self.world, self.module = world, module

    def init(self, flags=0):
        if "init" in self.world.faults:
            raise self.module.RuntimeError("cuInit failed: no CUDA-capable device is detected")

    def mem_alloc(self, size):
        return self._allocated(self.module.DeviceAllocation, int(size), host=False)

    def pagelocked_empty(self, shape, dtype, order="C", mem_flags=0):
        dtype = np.dtype(dtype)
        size = int(np.prod(shape)) * dtype.itemsize
        made = self._allocated(self.module.PagelockedHostAllocation, size, host=True)
        made._mapped = mem_flags == self.module.host_alloc_flags.DEVICEMAP
        array = made._block.content[:size].view(dtype).reshape(shape).view(_PinnedArray)
        array.allocation = made
        return array

    def _allocated(self, kind, size, host):
        made = object.__new__(kind)
        made._begin()
        if "memory" in self.world.faults:
            raise self.module.MemoryError(f"cuMemAlloc failed: out of memory ({size} bytes)")
        made._block = self.world.memory.allocate(size, host)
        return made

    def upload(self, dest, src):
        self.world.memory.at(int(dest), src.nbytes)[:] = host_bytes(src)

    def download(self, dest, src):
        host_bytes(dest)[:] = self.world.memory.at(int(src), dest.nbytes)

    def later(self, copy):
        def enqueue(dest, src, stream=None):
            if not isinstance(dest if isinstance(dest, np.ndarray) else src, _PinnedArray):
                raise Misuse("an asynchronous copy needs page-locked host memory")
            self.world.calls.append(("pycuda", copy.__name__))
            stream._queue.append(lambda: copy(dest, src))

        return enqueue

    def now(self, copy):
        def run(dest, src):
            self.world.current()
            copy(dest, src)

        return run
