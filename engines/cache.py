"""The cache of derived graphs: the same folder and the same whole files as every cached file of the program."""

from __future__ import annotations

from inference.cache import Make, folder, keep, key, sha256

__all__ = ["Make", "folder", "keep", "key", "sha256"]
