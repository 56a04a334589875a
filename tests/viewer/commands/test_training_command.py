"""`insula engines train`: what it leaves behind, how it is stopped and taken up again, what it refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from engines.training.recipe import RECIPES
from viewer.cli import main
from viewer.commands.progress import seconds_left


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe and a YOLO-like VOC set of the user's: two kinds of squares."""
    folder = tmp_path_factory.mktemp("own")
    text = (RECIPES / "blood-cells.toml").read_text()
    for old, new in (
        ("[48, 48]\nfield = 256", "[8, 8]\nfield = 16"),
        ('source = "bccd"', ""),
        ('reader = "bccd"', 'reader = "voc"'),
        ("batch = 24", "batch = 4\nwidths = [4]"),
        ('["Platelets", "RBC", "WBC"]', '["dark", "light"]'),
        ("look_every = 300", "look_every = 5"),
        ('name = "blood-cells"', 'name = "squares"'),
    ):
        assert old in text
        text = text.replace(old, new)
    (folder / "squares.toml").write_text(text)
    for part in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (folder / "set" / part).mkdir(parents=True)
    for n in range(4):
        Image.new("RGB", (20, 20), (40, 40, 40) if n % 2 else (220, 220, 220)).save(
            folder / "set" / "JPEGImages" / f"p{n}.png"
        )
        box = "<bndbox><xmin>5</xmin><ymin>5</ymin><xmax>15</xmax><ymax>15</ymax></bndbox>"
        name = "dark" if n % 2 else "light"
        (folder / "set" / "Annotations" / f"p{n}.xml").write_text(
            f"<annotation><object><name>{name}</name>{box}</object></annotation>"
        )
    for part, numbers in (("train", "p0\np1"), ("val", "p2\np3")):
        (folder / "set" / "ImageSets" / "Main" / f"{part}.txt").write_text(numbers)
    return folder


def _words(own: Path, out: Path, *more: str) -> list[str]:
    return ["engines", "train", str(own / "squares.toml"), "--data", str(own / "set"), "--out", str(out), *more]


def _ask(capsys: pytest.CaptureFixture[str], words: list[str]) -> tuple[int, dict]:  # type: ignore[type-arg]
    code = main([*words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_run_leaves_network_curves_and_picture_and_is_never_begun_anew(
    capsys: pytest.CaptureFixture[str], own: Path, tmp_path: Path
) -> None:
    code, said = _ask(capsys, _words(own, tmp_path, "--steps", "6"))
    assert code == 0
    assert Path(said["bundle"]) == tmp_path / "squares"
    assert {f.name for f in tmp_path.iterdir()} == {
        "squares",
        "squares.checkpoint.pt",
        "squares.curves.csv",
        "squares.curves.png",
    }
    before = (tmp_path / "squares.checkpoint.pt").read_bytes()
    code, said = _ask(capsys, _words(own, tmp_path, "--steps", "6"))
    assert (code, said["error"]["code"]) == (3, "checkpoint_there")
    assert "--resume" in said["error"]["hint"]
    assert (tmp_path / "squares.checkpoint.pt").read_bytes() == before
    code, _ = _ask(capsys, _words(own, tmp_path, "--steps", "8", "--resume"))
    assert code == 0
    assert (tmp_path / "squares.curves.csv").read_text().count("\n") == 9


@pytest.mark.parametrize(
    ("more", "code", "sentence"),
    [
        (("--resume",), 3, "holds no checkpoint"),
        (("--device", "npu"), 3, "no device"),
        (("--steps", "0"), 2, "must be positive"),
    ],
)
def test_wrong_words_are_refused(
    capsys: pytest.CaptureFixture[str], own: Path, tmp_path: Path, more: tuple[str, ...], code: int, sentence: str
) -> None:
    found, said = _ask(capsys, _words(own, tmp_path / "out", *more))
    assert found == code
    assert sentence in said["error"]["message"]
    assert not (tmp_path / "out").exists()


def test_ctrl_c_keeps_the_checkpoint_and_says_how_to_go_on(
    capsys: pytest.CaptureFixture[str], own: Path, tmp_path: Path
) -> None:
    table = tmp_path / "squares.curves.csv"

    def press() -> None:
        while not table.exists():
            time.sleep(0.02)
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    code, said = _ask(capsys, _words(own, tmp_path, "--steps", "100000"))
    presser.join()
    assert (code, said["error"]["code"]) == (5, "cancelled")
    assert "of 100000 steps; the checkpoint is kept" in said["error"]["message"]
    assert "--resume" in said["error"]["hint"]
    assert (tmp_path / "squares.checkpoint.pt").exists()
    assert (tmp_path / "squares.curves.png").exists()
    assert not (tmp_path / "squares").exists()


def test_the_command_explains_itself_without_pytorch() -> None:
    code = (
        "import sys, viewer.cli\ntry:\n    viewer.cli.main(['engines', 'train', '--help'])\n"
        "except SystemExit:\n    pass\nassert 'torch' not in sys.modules"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for word in ("--resume", "--device", "--seed", "--data"):
        assert word in said


@pytest.mark.parametrize(
    ("spent", "done", "missing", "text"),
    [(10.0, 5, 10, "  20 s left"), (10.0, 1, 1000, "2:46:40 left"), (5.0, 0, 10, ""), (60.0, 2, 4, "2:00 left")],
)
def test_time_left_counts_from_where_the_stage_was_first_seen(spent, done, missing, text) -> None:  # type: ignore[no-untyped-def]
    assert seconds_left(spent, done, missing) == (text if text != "2:00 left" else "0:02:00 left")
