"""Every input file and what became of it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from viewer.study import Series, Study
from viewer.ui.parts import column, label
from viewer.ui.series_rows import KIND_WORDS, ledger_lines


class LedgerDialog(QDialog):
    """Series with the gate's reasons, then each file that was set aside with its reason."""

    def __init__(self, study: Study, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Files of this study")
        self.resize(860, 560)
        self.tree = QTreeWidget()
        self.tree.setAccessibleName("Files and reasons")
        self.tree.setColumnCount(2)
        self.tree.setHeaderLabels(["File or series", "What became of it"])
        self.tree.header().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.tree.setColumnWidth(0, 360)
        self.tree.setWordWrap(True)
        self._fill(study)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        inside = column(12, (20, 18, 20, 16))
        inside.addWidget(label(" · ".join(ledger_lines(study)), "strong"))
        inside.addWidget(self.tree)
        inside.addWidget(buttons)
        self.setLayout(inside)

    def _fill(self, study: Study) -> None:
        for series in study.series:
            self.tree.addTopLevelItem(_series_item(series))
        if study.set_aside:
            aside = QTreeWidgetItem(["Set aside", f"{len(study.set_aside)} of {study.files_found} files"])
            for one in study.set_aside:
                aside.addChild(QTreeWidgetItem([_short(one.file, study.source), one.reason]))
            self.tree.addTopLevelItem(aside)
            aside.setExpanded(True)


def _series_item(series: Series) -> QTreeWidgetItem:
    word = "shown" if series.is_shown else KIND_WORDS[series.kind]
    item = QTreeWidgetItem([series.description or series.modality or "Series", f"{series.files} files · {word}"])
    for reason in series.reasons:
        item.addChild(QTreeWidgetItem(["", reason]))
    item.setExpanded(True)
    return item


def _short(file: Path, source: Path) -> str:
    return str(file.relative_to(source)) if file.is_relative_to(source) else file.name
