"""Only data sets whose licence allows it may shape weights that ship."""

from pathlib import Path

import pytest

from engines.training.sources import TRAINABLE, DataSpec, NotForTraining, folder_of, training_folder
from inference.errors import InputRefused

FORBIDDEN = (
    "ct-head-ge-tilt",
    "pairs-harvard-aanlib",
    "stroke-deepisles-case0001",
    "stroke-ads-jhu",
    "tumour-brats-gli-00001",
    "mricrogl",
)


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_set_that_may_not_train_is_refused_even_when_it_is_there(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(NotForTraining, match=name):
        training_folder(tmp_path, name)


def test_every_listed_set_names_its_licence() -> None:
    assert {s.licence for s in TRAINABLE.values()} <= {"CC BY 4.0", "CC BY 3.0", "CC BY", "MIT", "BSD-3", "Apache-2.0"}
    assert all(s.holds for s in TRAINABLE.values())


def test_a_listed_set_that_is_there_is_found(tmp_path: Path) -> None:
    (tmp_path / "ct-hemorrhage-yolo").mkdir()
    assert training_folder(tmp_path, "ct-hemorrhage-yolo") == tmp_path / "ct-hemorrhage-yolo"


@pytest.mark.parametrize("there", [True, False])
def test_a_listed_set_that_is_missing_is_named(tmp_path: Path, there: bool) -> None:
    with pytest.raises(InputRefused, match="--data"):
        training_folder(tmp_path if there else None, "ct-hemorrhage-yolo")


def test_a_recipe_that_names_a_set_opens_only_listed_ones(tmp_path: Path) -> None:
    (tmp_path / "bccd").mkdir()
    (tmp_path / "stroke-ads-jhu").mkdir()
    assert folder_of(DataSpec("bccd", "bccd"), tmp_path) == tmp_path / "bccd"
    with pytest.raises(NotForTraining):
        folder_of(DataSpec("isles", "stroke-ads-jhu"), tmp_path)


def test_a_recipe_that_names_none_opens_the_users_folder(tmp_path: Path) -> None:
    assert folder_of(DataSpec("yolo"), tmp_path) == tmp_path
    for absent in (None, tmp_path / "absent"):
        with pytest.raises(InputRefused, match="--data DIR"):
            folder_of(DataSpec("yolo"), absent)


def test_the_list_says_what_the_readme_of_the_data_says(shared_data) -> None:  # type: ignore[no-untyped-def]
    rows = [line.split("|") for line in shared_data("README.md").read_text().splitlines() if line.startswith("| ")]
    allowed = {name.strip() for row in rows if row[-2].strip() == "yes" for name in row[1].split(",")}
    assert set(TRAINABLE) <= allowed
