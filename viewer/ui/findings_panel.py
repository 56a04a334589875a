"""Findings: label, side, mL, score and the total, of cells how many there are; a click goes there."""

from __future__ import annotations

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QTableView, QWidget

from viewer.state.display import Colour, DisplayState, FindingRow
from viewer.ui.parts import column, label, row
from viewer.ui.style import sized

HEADINGS = ("Label", "Side", "mL", "Score")
ROW_PX = 28
MAX_ROWS = 10
Index = QModelIndex | QPersistentModelIndex
SIDES = {"L": "L", "R": "R", "M": "mid"}


class FindingsModel(QAbstractTableModel):
    """The rows of a display state."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[FindingRow, ...] = ()

    def show(self, rows: tuple[FindingRow, ...]) -> None:
        if rows != self.rows:
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(HEADINGS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return HEADINGS[section] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        shown = self.rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return cell_text(shown, index.column())
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(index.column())
        if role == Qt.ItemDataRole.DecorationRole and index.column() == 0:
            return _dot(shown.colour)
        return None


def cell_text(shown: FindingRow, column: int) -> str:
    """Text of one cell; a box has no mL, because its content was not outlined."""
    finding = shown.finding
    volume = "–" if finding.volume_ml is None else volume_text(finding.volume_ml)
    return (finding.label, SIDES.get(finding.side, "–"), volume, f"{finding.score:.2f}")[column]


def volume_text(volume_ml: float) -> str:
    """Two decimals; three where two would say nothing, and of litres none."""
    if volume_ml >= 1000:
        return f"{volume_ml:.0f}"
    return f"{volume_ml:.3f}" if 0 < volume_ml < 0.1 else f"{volume_ml:.2f}"


class FindingsPanel(QWidget):
    """Signal `chosen`: a row, counted from 0."""

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.model = FindingsModel()
        self.table = _table(self.model)
        self.table.clicked.connect(lambda index: self.chosen.emit(index.row()))
        self.table.activated.connect(lambda index: self.chosen.emit(index.row()))
        self._total = label("", "figure")
        self._none = label("No finding yet.", "small")
        self._counts = label("", "strong")
        self._counts.setWordWrap(True)
        self._total_row = QWidget()
        total = row(0, (4, 0, 58, 0))
        total.addWidget(label("Total outlined", "strong"))
        total.addStretch()
        total.addWidget(self._total)
        self._total_row.setLayout(total)
        whole = column(8)
        for widget in (label("FINDINGS", "section"), self._none, self._counts, self.table, self._total_row):
            whole.addWidget(widget)
        self.setLayout(whole)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def show_display(self, display: DisplayState) -> None:
        self.model.show(display.findings)
        some = bool(display.findings)
        self._none.setVisible(not some)
        self.table.setVisible(some)
        self._counts.setVisible(bool(display.counts))
        for place in (HEADINGS.index("Side"), HEADINGS.index("mL")):
            self.table.setColumnHidden(place, bool(display.counts))
        self._counts.setText(" · ".join(f"{number} {word}" for word, number in display.counts))
        outlined = any(shown.finding.volume_ml is not None for shown in display.findings)
        self._total_row.setVisible(some and outlined)
        self._total.setText(f"{volume_text(display.total_ml)} mL")
        self.table.setFixedHeight(ROW_PX * min(len(display.findings), MAX_ROWS) + 30)
        self._choose(display.chosen_finding)

    def _choose(self, chosen: int | None) -> None:
        if chosen is None:
            self.table.clearSelection()
        elif self.table.currentIndex().row() != chosen or not self.table.selectionModel().isRowSelected(chosen):
            self.table.selectRow(chosen)


def _table(model: FindingsModel) -> QTableView:
    table = QTableView()
    table.setModel(model)
    table.setAccessibleName("Findings")
    table.setShowGrid(False)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.setIconSize(QSize(10, 10))
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(ROW_PX)
    header = table.horizontalHeader()
    header.setFont(sized(12))
    header.setHighlightSections(False)
    header.setFixedHeight(28)
    header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    for number, width in ((1, 42), (2, 60), (3, 54)):
        table.setColumnWidth(number, width)
    return table


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column >= 2 else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _dot(colour: Colour) -> QIcon:
    made = QPixmap(20, 20)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(*colour))
    painter.drawRoundedRect(1, 1, 18, 18, 6, 6)
    painter.end()
    return QIcon(made)
