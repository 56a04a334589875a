"""Digital patients by the name that a recipe gives them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engines.phantom.outlined import MakePatient

PATIENTS: Mapping[str, MakePatient] = MappingProxyType({})
