"""A bundle's postprocessing: activation, inversion, decision, in this order, give one mask exactly, nothing else."""

from __future__ import annotations

from engines.importers.monai_config import Config, refused
from engines.importers.monai_words import Words
from inference.monai.plan import Activation, Change, Decision, Kind

WRITERS = ("SaveImaged", "EnsureTyped", "ToTensord", "ToDeviced")
KNOWN = ("Activationsd", "Invertd", "AsDiscreted")


def after(config: Config, before: tuple[Change, ...]) -> tuple[Activation, Decision, float]:
    """What is done to the averaged answer, and the threshold, where one decides.

    Raises:
        InputRefused: Something else, or in another order; it is named.
    """
    activation, decision, threshold = Activation.NONE, None, 0.5
    inverted = False
    for part in config.parts("postprocessing"):
        words = Words(part, config)
        if part.name in WRITERS:
            continue
        words.require_keys("pred")
        if part.name == "Activationsd" and decision is None and not inverted and activation is Activation.NONE:
            activation = _activation(words)
        elif part.name == "Invertd" and decision is None:
            _require_linear(words)
            inverted = True
        elif part.name == "AsDiscreted" and decision is None:
            decision, threshold = _decision(words)
        else:
            raise refused(f"its postprocessing uses {part.name}{' in this place' if part.name in KNOWN else ''}")
        words.require_all_read()
    if decision is None:
        raise refused("its postprocessing does not end in labels (AsDiscreted)")
    if not inverted and any(c.kind in (Kind.SPACING, Kind.CROP, Kind.ORIENTATION) for c in before):
        raise refused("its postprocessing does not bring masks back to the image (Invertd before AsDiscreted)")
    return activation, decision, threshold


def _activation(words: Words) -> Activation:
    words.only("other", None)
    softmax, sigmoid = _one_flag(words, "softmax"), _one_flag(words, "sigmoid")
    if softmax and sigmoid:
        raise refused("Activationsd has softmax and sigmoid")
    return Activation.SOFTMAX if softmax else Activation.SIGMOID if sigmoid else Activation.NONE


def _require_linear(words: Words) -> None:
    words.only("nearest_interp", True, False)
    words.only("orig_keys", "image")
    words.only("post_func", None)
    if _one_flag(words, "nearest_interp", True):
        raise refused("Invertd takes the nearest value of probabilities (nearest_interp)")
    for name in ("transform", "orig_meta_keys", "to_tensor"):
        words.drop(name)


def _decision(words: Words) -> tuple[Decision, float]:
    words.only("to_onehot", None)
    words.only("rounding", None)
    argmax, threshold = _one_flag(words, "argmax"), words.number("threshold", None)
    if argmax == (threshold is not None):
        raise refused("AsDiscreted must have argmax or a threshold, and not both")
    return (Decision.ARGMAX, 0.5) if threshold is None else (Decision.THRESHOLD, threshold)


def _one_flag(words: Words, name: str, default: bool = False) -> bool:
    found = words.get(name, default)
    found = found[0] if isinstance(found, list) and len(found) == 1 else found
    if not isinstance(found, bool):
        raise refused(f"a transform has {name} = {found!r}")
    return found
