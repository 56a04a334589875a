"""The whole ladder of a small bundle: it passes whole, and each injected fault fails its gate and is named."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from engines import int8
from engines.derive import graph_of
from engines.library import PROOF, Bundle
from engines.parity.document import document, lines, sentence
from engines.parity.gates import Budget
from engines.parity.page import page
from engines.parity.proof import Proof, Wish, prove
from inference.backends import registry
from inference.errors import EngineError, JobCancelled
from inference.result import Precision, Progress
from viewer.cli import main


def changed(bundle: Bundle, file: Path, weight: str, factor: float) -> Path:
    """The bundle's graph, or an int8 one, with one stored tensor multiplied."""
    model = onnx.load(bundle)
    (held,) = (one for one in model.graph.initializer if one.name == weight)
    held.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(held) * np.float32(factor), weight))
    onnx.save(model, file)
    return file


@pytest.fixture
def proof(small_bundle: Bundle) -> Proof:
    return prove(small_bundle, Wish(heads=0, inside=True))


def rungs(proof: Proof) -> dict[str, object]:
    return {rung.name: rung for rung in proof.ladder.rungs}


def test_a_whole_bundle_passes_and_errors_grow_with_less_precision(small_bundle: Bundle, proof: Proof) -> None:
    assert proof.passed, [sentence(rung) for rung in proof.ladder.rungs if not rung.passed]
    assert proof.faults == ()
    names = [rung.name for rung in proof.ladder.rungs]
    assert names[:2] == ["stored answer", "onnxruntime as written"]
    rows = {row["step"]: row for row in document(proof)["checks"]}
    shares = [rows[f"onnxruntime CPU {p}"]["rms_rel"] for p in ("fp32", "fp16", "int8")]
    assert 0 <= shares[0] < 1e-6 < shares[1] < shares[2] < 5e-2
    stored = rows["stored answer"]
    assert stored["max_rel"] == 0.0
    assert stored["backend"] == ""
    assert [one["case"] for one in stored["readings"]] == ["test vector 1", "test vector 2", "test vector 3"]
    assert len(rows["openvino CPU fp32"]["readings"]) == 5
    assert rows["openvino CPU int8"]["precision_kind"] == "native"
    assert 0 <= document(proof)["friedman_p"] <= 1
    assert small_bundle.sha256 in json.dumps(document(proof), allow_nan=False)


def test_the_error_is_followed_through_the_network(proof: Proof) -> None:
    courses = {course.precision.value: course for course in proof.courses}
    assert {"fp16", "int8"} <= set(courses)
    names = [layer.tensor for layer in courses["int8"].layers]
    assert names == ["a", "b", "c", "d", "logits"]
    assert all(layer.numbers.rms_rel > 0 for layer in courses["int8"].layers)
    assert [layer.depth for layer in courses["int8"].layers] == [0, 0.25, 0.5, 0.75, 1]


def test_a_rewritten_graph_with_one_perturbed_weight_fails_and_its_layer_is_named(
    small_bundle: Bundle, tmp_path: Path
) -> None:
    wrong = changed(small_bundle.model, tmp_path / "rewritten.onnx", "last", 1.02)
    found = prove(small_bundle, Wish(heads=0, graphs=(wrong,)))
    assert not found.passed
    failed = [rung.name for rung in found.ladder.rungs if not rung.passed]
    assert failed == ["rewritten.onnx as written", "rewritten.onnx openvino"]
    assert {fault.layer.tensor for fault in found.faults if fault.layer} == {"logits"}
    assert any("first goes wrong at logits (Conv)" in line for line in lines(found))


def test_an_int8_graph_with_a_wrecked_scale_fails_and_a_sound_one_passes(small_bundle: Bundle, tmp_path: Path) -> None:
    int8.write(small_bundle.model, small_bundle.vector, tmp_path / "sound.onnx")
    wrong = changed(tmp_path / "sound.onnx", tmp_path / "wrecked.onnx", "input.scale", 30.0)
    found = prove(small_bundle, Wish(heads=0, graphs=(tmp_path / "sound.onnx", wrong)))
    verdicts = {rung.name: rung.passed for rung in found.ladder.rungs if ".onnx" in rung.name}
    assert verdicts == {
        "sound.onnx as written": True,
        "sound.onnx openvino": True,
        "wrecked.onnx as written": False,
        "wrecked.onnx openvino": False,
    }
    assert {fault.layer.tensor for fault in found.faults if fault.layer} == {"a"}


def test_another_stored_answer_fails_every_step_but_the_stored_one(small_bundle: Bundle) -> None:
    with np.load(small_bundle.vector) as stored:
        arrays = dict(stored)
    arrays["logits"][2, 0, 1, 4, 4, 4] += 0.2
    np.savez(small_bundle.vector, **arrays)
    found = prove(small_bundle, Wish(heads=0))
    assert [rung.name for rung in found.ladder.rungs if rung.passed and rung.exact] == ["stored answer"]


def test_a_precision_that_the_bundle_may_not_run_in_is_no_step(small_bundle: Bundle) -> None:
    (small_bundle.folder / PROOF).write_text(json.dumps({"refused": {"int8": "too far off"}}))
    found = prove(small_bundle, Wish(heads=0))
    assert {rung.precision.value for rung in found.ladder.rungs} == {"fp32", "fp16", "bf16"} - _absent()


def _absent() -> set[str]:
    return {"fp32", "fp16", "bf16"} - {precision.value for _, precision in registry.offers()}


def test_a_changed_model_is_refused_and_a_stopped_proof_ends(small_bundle: Bundle) -> None:
    with pytest.raises(JobCancelled):
        prove(small_bundle, Wish(heads=0), cancelled=lambda: True)
    changed(small_bundle.model, small_bundle.model, "last", 1.1)
    del small_bundle.__dict__["found_sha256"]
    with pytest.raises(EngineError, match="not the one its manifest names"):
        prove(small_bundle, Wish(heads=0))


def test_progress_names_each_step(small_bundle: Bundle) -> None:
    told: list[Progress] = []
    prove(small_bundle, Wish(heads=0, budget=Budget(5.0)), progress=told.append)
    assert "openvino CPU int8" in {one.stage for one in told}


def test_without_a_truth_a_budget_that_was_asked_judges_what_is_said_otherwise(small_bundle: Bundle) -> None:
    def gates(budget: Budget) -> dict[str, object]:
        found = prove(small_bundle, Wish(heads=0, budget=budget))
        rung = next(rung for rung in found.ladder.rungs if rung.name == "onnxruntime CPU int8")
        return {gate.what: gate.passed for gate in rung.gates}

    assert "points of dice lost" not in gates(Budget(3.0))
    assert gates(Budget(3.0, asked=True))["points of dice lost"] is True
    assert gates(Budget(-1.0, asked=True))["points of dice lost"] is False


class Links(HTMLParser):
    """Everything that a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_is_one_file_with_the_figures_in_it(proof: Proof) -> None:
    text = page([proof])
    links = Links()
    links.feed(text)
    assert links.fetched == []
    assert links.scripts == 0
    drawn = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(drawn) == 4
    for one in drawn:
        ElementTree.fromstring(one)
    dots = ElementTree.fromstring(drawn[1]).findall("{http://www.w3.org/2000/svg}circle")
    assert len(dots) == sum(len(rung.scores("alike", "dice")) for rung in proof.ladder.rungs)
    for rung in proof.ladder.rungs:
        assert rung.name in text
    gates = sum(len(rung.gates) for rung in proof.ladder.rungs)
    assert text.count('class="pass"') == gates + len(proof.ladder.rungs) + 2
    assert 'class="fail"' not in text


def test_the_command_prints_one_document_and_fails_with_four(
    small_bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = changed(small_bundle.model, tmp_path / "rewritten.onnx", "one", 1.05)
    report = tmp_path / "deep" / "report.html"
    words = ["engines", "verify", str(small_bundle.folder), "--heads", "0", "--json"]
    assert main([*words, "--report", str(report)]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert whole["passed"] is True
    assert {"task", "backend", "precision", "passed", "refused", "sentence", "max_abs", "rms_rel"} <= set(
        whole["checks"][1]
    )
    assert "small-net" in report.read_text()
    assert main([*words, "--graph", str(wrong)]) == 4
    (found,) = json.loads(capsys.readouterr().out)["bundles"]
    assert {fault["layer"]["tensor"] for fault in found["faults"]} == {"b"}
    assert main(["engines", "verify", "--graph", str(wrong), "--json"]) == 2


def test_a_graph_that_was_rewritten_for_a_backend_is_a_step_of_its_own(
    small_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = changed(small_bundle.model, tmp_path / "folded.onnx", "last", 1.02)

    def folded(bundle: Bundle, precision: Precision, backend: str) -> Path:
        return wrong if backend == "openvino" and precision is Precision.FP32 else graph_of(bundle, precision)

    monkeypatch.setattr("engines.parity.step.graph_of", folded)
    found = prove(small_bundle, Wish(heads=0))
    assert [rung.name for rung in found.ladder.rungs if not rung.passed] == [
        "rewritten for openvino",
        "openvino CPU fp32",
    ]
    assert {fault.layer.tensor for fault in found.faults if fault.layer} == {"logits"}
