"""The contract of the command line: words, exit codes, one sentence, one JSON document."""

from __future__ import annotations

import json

import pytest

from viewer.cli import main


def ask(capsys, *words: object) -> tuple[int, str, str]:
    code = main([str(w) for w in words])
    out, err = capsys.readouterr()
    return code, out, err


def refusal(capsys, *words: object) -> tuple[int, dict[str, str]]:
    code, out, _ = ask(capsys, *words, "--json")
    document = json.loads(out)
    assert set(document) == {"error"}
    assert set(document["error"]) == {"code", "message", "hint"}
    return code, document["error"]


@pytest.mark.parametrize(
    "words",
    [
        ("run",),
        ("run", "x"),
        ("inspect", "a", "b"),
        ("run", "x", "--out", "y", "--precision", "fp7"),
        ("view", "x", "--size", "huge"),
        ("engines",),
        ("compare", "x", "--task", "t", "--precisions", "fp32,fp16,int8"),
        ("compare", "x"),
    ],
)
def test_wrong_words_are_two_with_one_sentence(capsys, words):
    code, error = refusal(capsys, *words)
    assert code == 2
    assert error["code"] == "wrong_words"
    code, out, err = ask(capsys, *words)
    assert (code, out) == (2, "")
    assert err.startswith("insula: ")
    assert "Traceback" not in err
    assert err.count("\n") == 1


def test_every_command_explains_itself_with_an_example(capsys):
    for words in (
        ["view"],
        ["demo"],
        ["inspect"],
        ["run"],
        ["compare"],
        ["doctor"],
        ["engines", "train"],
        ["bench", "viewer"],
    ):
        with pytest.raises(SystemExit) as stop:
            main([*words, "--help"])
        out = capsys.readouterr().out
        assert stop.value.code == 0
        assert "example:" in out
        assert f"insula {' '.join(words)}" in out


@pytest.mark.parametrize("command", [("inspect",), ("run", "--out", "o"), ("view", "--screenshot", "s.png")])
@pytest.mark.parametrize("what", ["missing", "empty", "text", "truncated"])
@pytest.mark.gui
def test_input_that_is_no_study_is_three_and_leaves_nothing(capsys, tmp_path, monkeypatch, command, what):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "in"
    if what == "empty":
        path.mkdir()
    elif what == "text":
        path.write_text("This is no image.")
    elif what == "truncated":
        path.write_bytes(b"\0" * 128 + b"DICM" + b"\x02\x00\x00\x00UL")
    code, error = refusal(capsys, command[0], path, *command[1:])
    assert code == 3
    assert error["message"].endswith(".")
    assert error["hint"].endswith((".", "apt-get install xvfb"))
    assert {p.name for p in tmp_path.iterdir()} <= {"in"}


def test_an_unknown_task_backend_or_bundle_is_named(capsys, tmp_path):
    (tmp_path / "x").write_text("")
    code, error = refusal(capsys, "run", tmp_path / "x", "--out", tmp_path / "o", "--task", "read-minds")
    assert code == 3
    assert "read-minds" in error["message"]
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "manifest.toml").write_text("schema = 1\ncolour = 3\n")
    code, error = refusal(capsys, "engines", "describe", tmp_path / "b")
    assert code == 4
    assert "colour" in error["message"]


def test_the_bundles_are_listed_and_described(capsys):
    code, out, _ = ask(capsys, "engines", "list", "--json")
    assert code == 0
    found = {b["name"]: b for b in json.loads(out)["bundles"]}
    assert {"ct-to-mri", "hemorrhage-detection", "stroke-lesion"} <= set(found)
    assert all("not for diagnostic use" in b["notice"].lower() for b in found.values())
    code, out, _ = ask(capsys, "engines", "describe", "stroke-lesion", "--json")
    described = json.loads(out)
    assert described["inputs"] == [{"name": "input", "shape": [1, 2, 64, 64, 64]}]
    assert 1e6 < described["parameters"] < 4e6
    assert described["gmac"] > 1


def test_a_path_alone_opens_the_viewer():
    from viewer.cli import with_view

    assert with_view(["study"]) == ["view", "study"]
    assert with_view([]) == ["view"]
    assert with_view(["run", "study"]) == ["run", "study"]
    assert with_view(["--help"]) == ["--help"]
    assert with_view(["--layout", "1x1", "study"])[0] == "view"


def test_no_patient_text_reaches_a_log_or_an_error(capsys, tmp_path, caplog):
    (tmp_path / "a.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\x10\x00\x10\x00PN\x10\x00ZZPHIZZ^CANARY  ")
    _, out, err = ask(capsys, "inspect", tmp_path)
    assert "ZZPHIZZ" not in out + err + caplog.text
