"""Digital patients by the name that a recipe gives them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engines.phantom.glioma import glioma_patient
from engines.phantom.outlined import MakePatient
from engines.phantom.pelvis.patient import pelvis_patient
from engines.phantom.trunk.patient import trunk_patient

PATIENTS: Mapping[str, MakePatient] = MappingProxyType(
    {"glioma": glioma_patient, "pelvis": pelvis_patient, "trunk": trunk_patient}
)
