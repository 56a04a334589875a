"""The machine that a stand-in runs on: its GPUs, its memory with every allocation watched, its faults."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


class Misuse(AssertionError):
    """What a real device would answer with a crash, or worse, with wrong numbers."""


@dataclass(frozen=True)
class Card:
    name: str = "Orin"
    sm: tuple[int, int] = (8, 7)
    memory: int = 30 << 30
    integrated: bool = True


DESKTOP = Card("NVIDIA RTX A4000", (8, 6), 16 << 30, integrated=False)
OLD = Card("NVIDIA GeForce GTX 1080", (6, 1), 8 << 30, integrated=False)


@dataclass
class Block:
    """One allocation."""

    content: np.ndarray
    host: bool
    live: bool = True

    @property
    def address(self) -> int:
        return self.content.ctypes.data


class Memory:
    """Blocks by address. A freed block keeps its address, so that whoever uses it still is found out."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []

    def allocate(self, size: int, host: bool = False) -> Block:
        block = Block(np.full(max(size, 1), 0xCD, np.uint8), host)
        self._blocks.append(block)
        return block

    def free(self, block: Block) -> None:
        if not block.live:
            raise Misuse("memory is freed twice")
        block.live = False
        block.content[:] = 0xDD

    def at(self, address: int, size: int) -> np.ndarray:
        """The bytes at an address."""
        for block in self._blocks:
            begin = int(address) - block.address
            if 0 <= begin < block.content.size:
                if not block.live:
                    raise Misuse("memory is used after it was freed")
                if begin + size > block.content.size:
                    raise Misuse(f"{size} bytes are used of an allocation of {block.content.size}")
                return block.content[begin : begin + size]
        raise Misuse(f"no allocation lies at address {address}")

    @property
    def leaked(self) -> int:
        """Bytes that were never freed."""
        return sum(block.content.size for block in self._blocks if block.live)


def host_bytes(array: np.ndarray) -> np.ndarray:
    """The memory of a host array, writable whatever view of it is held."""
    if not array.flags.c_contiguous:
        raise Misuse("a copy needs contiguous host memory")
    pointer = (ctypes.c_uint8 * array.nbytes).from_address(array.ctypes.data)
    return np.frombuffer(pointer, np.uint8)


@dataclass
class World:
    """Everything the two stand-ins share.

    Attributes:
        faults: What goes wrong on purpose: "build", "parse", "deserialise", "nan", "context", "enqueue", "memory".
        slow_queries: How often an event says that it is not done before it is.
        calls: Every method called and every property set, as (class, name).
        flags: The builder flags of the last build.
    """

    cards: list[Card] = field(default_factory=lambda: [Card()])
    dla_cores: int = 2
    faults: set[str] = field(default_factory=set)
    slow_queries: int = 1
    calls: list[tuple[str, str]] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    memory: Memory = field(default_factory=Memory)
    streams: dict[int, object] = field(default_factory=dict)
    classes: dict[str, type] = field(default_factory=dict)
    logger: Callable[[], object] | None = None
    complaints: list[str] = field(default_factory=list)
    on_step: Callable[[], None] = lambda: None
    local: threading.local = field(default_factory=threading.local)

    @property
    def stack(self) -> list:
        """The contexts of this thread; the last one is current."""
        if not hasattr(self.local, "stack"):
            self.local.stack = []
        return self.local.stack

    def current(self) -> object:
        """The context that is current on this thread."""
        if not self.stack:
            raise Misuse("no context is current on this thread")
        return self.stack[-1]

    def called(self, owner: str, name: str) -> int:
        return self.calls.count((owner, name))
