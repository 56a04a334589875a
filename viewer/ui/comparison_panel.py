"""Two precisions of one task side by side: legend, Dice, mL, pieces lost or gained, time, and each label."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from inference.result import Pieces
from viewer.scene.theme import Theme
from viewer.state.compare import LabelComparison
from viewer.state.display import Agreement, DisplayState
from viewer.ui.parts import Swatch, column, empty, label, row

ROWS = ("Dice", "Volume", "Difference", "Only in one", "Time")
APART = {Pieces.LESIONS: "Lesions only in one", Pieces.STRUCTURES: "Pieces only in one"}


def figures(shown: Agreement) -> tuple[str, ...]:
    """What stands behind each of ROWS; where there are two figures, the first belongs to `a`."""
    return (
        f"{shown.dice:.4f}",
        f"{shown.volume_ml_a:.2f} / {shown.volume_ml_b:.2f} mL",
        f"{shown.volume_ml_b - shown.volume_ml_a:+.3f} mL",
        f"{shown.lesions_only_a} / {shown.lesions_only_b}",
        f"{shown.seconds_a:.1f} / {shown.seconds_b:.1f} s",
    )


def label_figures(shown: LabelComparison) -> str:
    """Dice and both volumes of one label."""
    return f"{shown.dice:.4f}   {shown.volume_ml_a:.2f} / {shown.volume_ml_b:.2f} mL"


class ComparisonPanel(QWidget):
    """Hidden words instead of empty figures while there is only one result."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._title = label("PRECISION", "section")
        self._none = label("", "small")
        self._none.setWordWrap(True)
        self._legend = row(8)
        self._figures = QWidget()
        self.values = tuple(label("", "figure", name) for name in ROWS)
        self._names = tuple(label(name, "quiet") for name in ROWS)
        self._figures.setLayout(_grid(self._names, self.values))
        self._labels = QGridLayout()
        self._labels.setContentsMargins(0, 4, 0, 0)
        self._labels.setVerticalSpacing(5)
        self._labels.setColumnStretch(0, 1)
        whole = column(7)
        whole.addWidget(self._title)
        whole.addWidget(self._none)
        whole.addLayout(self._legend)
        whole.addWidget(self._figures)
        whole.addLayout(self._labels)
        self.setLayout(whole)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._shown: tuple[object, ...] = ()

    def show_display(self, display: DisplayState) -> None:
        agreement = display.agreement
        key = (agreement, display.precision, display.precision_note)
        if key == self._shown:
            return
        self._shown = key
        self._figures.setVisible(agreement is not None)
        self._none.setVisible(agreement is None)
        self._none.setText("Dice and mL stand here when a task that outlines has run in two precisions.")
        empty(self._legend)
        empty(self._labels)
        if agreement is not None:
            self._show(agreement)

    def _show(self, agreement: Agreement) -> None:
        a, b = agreement.a.value.upper(), agreement.b.value.upper()
        self._title.setText(f"{a} AGAINST {b}")
        labels = self._theme.labels
        for colour, word, hatched in (
            (labels.agreement, "both", False),
            (labels.precision(agreement.a), f"only {a}", True),
            (labels.precision(agreement.b), f"only {b}", True),
        ):
            self._legend.addWidget(Swatch(colour, hatched))
            self._legend.addWidget(label(word, "small"))
            self._legend.addSpacing(6)
        self._legend.addStretch()
        for value, text in zip(self.values, figures(agreement), strict=True):
            value.setText(text)
        self._names[ROWS.index("Only in one")].setText(APART[agreement.pieces])
        for number, one in enumerate(agreement.labels):
            self._labels.addWidget(label(one.label, "quiet"), number, 0)
            self._labels.addWidget(label(label_figures(one), "figure"), number, 1, Qt.AlignmentFlag.AlignRight)


def _grid(names: tuple[QLabel, ...], values: tuple[QLabel, ...]) -> QGridLayout:
    grid = QGridLayout()
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setVerticalSpacing(7)
    grid.setColumnStretch(1, 1)
    for number, (name, value) in enumerate(zip(names, values, strict=True)):
        grid.addWidget(name, number, 0)
        grid.addWidget(value, number, 2, Qt.AlignmentFlag.AlignRight)
    return grid
