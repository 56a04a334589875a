"""Left panel: series with thumbnails, AI results apart, the ledger at the foot."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QLabel, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from viewer.scene.theme import Theme, css
from viewer.state.catalogue import Catalogue
from viewer.state.display import DisplayState, SlicePane
from viewer.ui.parts import Card, Elided, badge, column, dress, empty, label, row
from viewer.ui.series_rows import SeriesRow, ledger_lines, result_rows, series_rows

THUMBNAIL_PX = 52
Picture = NDArray[np.uint8]


def pixmap(picture: Picture, ratio: float = 1.0) -> QPixmap:
    """RGBA uint8 (h, w, 4) -> a pixmap of h/ratio by w/ratio logical pixels."""
    held = np.ascontiguousarray(picture)
    image = QImage(held.data, held.shape[1], held.shape[0], held.strides[0], QImage.Format.Format_RGBA8888)
    made = QPixmap.fromImage(image.copy())
    made.setDevicePixelRatio(ratio)
    return made


class SeriesCard(Card):
    """Thumbnail, title, count and what the geometry gate found."""

    def __init__(self, shown: SeriesRow, theme: Theme) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.picture = QLabel()
        self.picture.setFixedSize(THUMBNAIL_PX, THUMBNAIL_PX)
        self.picture.setStyleSheet(f"background: {css(theme.picture)}; border-radius: 4px;")
        self._title, self._subtitle = Elided("", "strong"), Elided("", "small")
        self._badge = badge("", "plain")
        text = column(1)
        text.addWidget(self._title)
        text.addWidget(self._subtitle)
        text.addSpacing(3)
        last = row()
        last.addWidget(self._badge)
        last.addStretch()
        text.addLayout(last)
        text.addStretch()
        whole = row(10, (8, 7, 8, 7))
        whole.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignTop)
        whole.addLayout(text, 1)
        self.setLayout(whole)
        self.show_row(shown)

    def show_row(self, shown: SeriesRow) -> None:
        """Say something else without being made again."""
        self.row = shown
        self._title.setText(shown.title)
        self._subtitle.setText(shown.subtitle)
        self._badge.setText(shown.badge)
        dress(self._badge, "badge", shown.badge_kind)
        self.setAccessibleName(f"{shown.title}, {shown.subtitle}, {shown.badge}")
        self.setToolTip(shown.tip)
        self.setEnabled(shown.can_open)

    def show_picture(self, picture: Picture) -> None:
        made = pixmap(picture)
        ratio = self.devicePixelRatioF()
        side = round(THUMBNAIL_PX * ratio)
        scaled = made.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
        scaled.setDevicePixelRatio(ratio)
        self.picture.setPixmap(scaled)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)


class SeriesPanel(QWidget):
    """Signals: `chosen` an id to show in the active pane; `ledger_wanted` when the foot is clicked."""

    chosen = Signal(str)
    ledger_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("SidePanel")
        self.setProperty("side", "left")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(252)
        self._theme = theme
        self._catalogue = Catalogue()
        self._patient_text = True
        self._pictures: dict[str, Picture] = {}
        self._cards: dict[str, SeriesCard] = {}
        self._list = column(6, (12, 14, 12, 8))
        self._ledger = QPushButton()
        self._ledger.setProperty("role", "link")
        self._ledger.setCursor(Qt.CursorShape.PointingHandCursor)
        self._ledger.setToolTip("Every file and what became of it")
        self._ledger.clicked.connect(self.ledger_wanted)
        self._ledger.hide()
        whole = column()
        whole.addWidget(_scrolled(self._list))
        foot = column(0, (14, 6, 12, 12))
        foot.addWidget(self._ledger)
        whole.addLayout(foot)
        self.setLayout(whole)
        self._build((), ())

    def show_catalogue(self, catalogue: Catalogue) -> None:
        """Rebuild the cards where they changed."""
        self._catalogue = catalogue
        acquired = series_rows(catalogue.study, self._patient_text) if catalogue.study is not None else ()
        made = result_rows(catalogue, self._patient_text)
        if [shown.id for shown in (*acquired, *made)] != list(self._cards):
            self._build(acquired, made)
        for shown in (*acquired, *made):
            if self._cards[shown.id].row != shown:
                self._cards[shown.id].show_row(shown)
        self._ledger.setVisible(catalogue.study is not None)
        if catalogue.study is not None:
            self._ledger.setText("\n".join(ledger_lines(catalogue.study)) + "  ›")

    def show_display(self, display: DisplayState) -> None:
        """Mark the series of the active pane."""
        if display.patient_text != self._patient_text:
            self._patient_text = display.patient_text
            self.show_catalogue(self._catalogue)
        pane = display.panes[display.active]
        active = pane.volume_id if isinstance(pane, SlicePane) else ""
        for identity, card in self._cards.items():
            dress(card, "chosen", "true" if identity == active else "false")

    def show_picture(self, identity: str, picture: Picture) -> None:
        """A thumbnail has been drawn."""
        self._pictures[identity] = picture
        if identity in self._cards:
            self._cards[identity].show_picture(picture)

    def forget_pictures(self) -> None:
        self._pictures.clear()

    @property
    def cards(self) -> tuple[SeriesCard, ...]:
        return tuple(self._cards.values())

    def _build(self, acquired: tuple[SeriesRow, ...], made: tuple[SeriesRow, ...]) -> None:
        empty(self._list)
        self._cards = {}
        self._list.addWidget(label("SERIES", "section"))
        if not acquired:
            self._list.addWidget(_note("No study is open."))
        for shown in acquired:
            self._add(shown)
        self._list.addSpacing(8)
        self._list.addWidget(label("AI RESULTS", "section"))
        if not made:
            self._list.addWidget(_note("None yet."))
        for shown in made:
            self._add(shown)
        self._list.addStretch(1)

    def _add(self, shown: SeriesRow) -> None:
        card = SeriesCard(shown, self._theme)
        card.clicked.connect(lambda: self.chosen.emit(shown.id))
        if shown.id in self._pictures:
            card.show_picture(self._pictures[shown.id])
        self._cards[shown.id] = card
        self._list.addWidget(card)


def _note(text: str) -> QLabel:
    made = label(text, "small")
    made.setWordWrap(True)
    return made


def _scrolled(content: QVBoxLayout) -> QScrollArea:
    inside = QWidget()
    inside.setLayout(content)
    area = QScrollArea()
    area.setWidget(inside)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return area
