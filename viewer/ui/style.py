"""Type and style sheet, made from the theme's tokens."""

from __future__ import annotations

from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from viewer.scene.theme import Theme, css, theme
from viewer.state.display import Colour

BASE_PX = 13
LIGHT_SUM = 384
TYPE_FACE = "Inter"  # where the system has it (Debian: fonts-inter), else the system's own sans


def apply(application: QApplication, name: str = "dark") -> Theme:
    """Dress the whole application and return the theme used."""
    tokens = theme(name)
    application.setStyle("Fusion")
    application.setFont(base_font())
    application.setPalette(_palette(tokens))
    application.setStyleSheet(style_sheet(tokens))
    return tokens


def base_font() -> QFont:
    """Inter at 13 px with figures of one width; the system's sans where Inter cannot be read."""
    font = QFont(_family())
    font.setPixelSize(BASE_PX)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def sized(pixels: int, strong: bool = False) -> QFont:
    """The base font at another size."""
    font = base_font()
    font.setPixelSize(pixels)
    font.setWeight(QFont.Weight.DemiBold if strong else QFont.Weight.Normal)
    return font


def mixed(a: Colour, b: Colour, share: float) -> Colour:
    """`share` of b laid over a."""
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


def legible(colour: Colour, tokens: Theme) -> Colour:
    """A colour as small text: drawn towards the text's own until it stands out from the panel."""
    return mixed(colour, tokens.text, 0.5 if sum(tokens.panel) > LIGHT_SUM else 0.15)


def qcolor(value: Colour, alpha: int = 255) -> QColor:
    return QColor(*value, alpha)


def _family() -> str:
    if TYPE_FACE in QFontDatabase.families():
        return TYPE_FACE
    return QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont).family()


def _palette(tokens: Theme) -> QPalette:
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: tokens.ground,
        QPalette.ColorRole.Base: tokens.panel,
        QPalette.ColorRole.AlternateBase: tokens.card,
        QPalette.ColorRole.Button: tokens.card,
        QPalette.ColorRole.Text: tokens.text,
        QPalette.ColorRole.WindowText: tokens.text,
        QPalette.ColorRole.ButtonText: tokens.text,
        QPalette.ColorRole.ToolTipBase: tokens.card,
        QPalette.ColorRole.ToolTipText: tokens.text,
        QPalette.ColorRole.PlaceholderText: tokens.quiet,
        QPalette.ColorRole.Highlight: tokens.accent,
    }
    for role, value in roles.items():
        palette.setColor(role, qcolor(value))
    return palette


def style_sheet(tokens: Theme) -> str:
    """The whole look of the widgets; widgets choose a rule by object name or by the property `role`."""
    t = {name: css(getattr(tokens, name)) for name in Theme.__dataclass_fields__ if name != "labels"}
    t |= {
        "hover": css(mixed(tokens.card, tokens.text, 0.07)),
        "pressed": css(mixed(tokens.card, tokens.text, 0.12)),
        "chosen": css(mixed(tokens.card, tokens.accent, 0.16)),
        "good": css(legible(tokens.labels.agreement, tokens)),
        "violet": css(legible(tokens.synthetic, tokens)),
        "good_ground": css(mixed(tokens.panel, tokens.labels.agreement, 0.16)),
        "synthetic_ground": css(mixed(tokens.panel, tokens.synthetic, 0.22)),
        "bad": css(legible(tokens.labels.lesions[0], tokens)),
        "bad_ground": css(mixed(tokens.panel, tokens.labels.lesions[0], 0.18)),
        "faint": css(mixed(tokens.quiet, tokens.panel, 0.35)),
    }
    return _RULES % t


_RULES = """
* { color: %(text)s; outline: none; }
QMainWindow, QDialog { background: %(ground)s; }
QToolTip { background: %(card)s; color: %(text)s; border: 1px solid %(line)s; padding: 5px 7px; }
#TopBar, #SidePanel, #Foot { background: %(panel)s; }
#TopBar { border-bottom: 1px solid %(line)s; }
#SidePanel[side="left"] { border-right: 1px solid %(line)s; }
#SidePanel[side="right"] { border-left: 1px solid %(line)s; }
#Foot { border-top: 1px solid %(line)s; }
#Gaps { background: %(line)s; }
QLabel { background: transparent; }
QLabel[role="wordmark"] { font-size: 16px; font-weight: 600; }
QLabel[role="section"] { color: %(quiet)s; font-size: 11px; font-weight: 600; letter-spacing: 1px; }
QLabel[role="quiet"] { color: %(quiet)s; }
QLabel[role="small"] { color: %(quiet)s; font-size: 12px; }
QLabel[role="reading"] { font-size: 12px; font-weight: 600; }
QLabel[role="note"] { color: %(warning)s; font-size: 12px; }
QLabel[role="strong"] { font-weight: 600; }
QLabel[role="figure"] { font-weight: 600; }
QLabel[role="good"] { color: %(good)s; font-size: 12px; }
QLabel[role="bad"] { color: %(bad)s; font-size: 12px; }
QLabel[role="chip"] { background: %(warning_ground)s; color: %(warning)s; font-weight: 600;
  border-radius: 5px; padding: 5px 11px; }
QLabel[badge] { font-size: 11px; font-weight: 600; border-radius: 4px; padding: 2px 6px; }
QLabel[badge="ok"] { background: %(good_ground)s; color: %(good)s; }
QLabel[badge="corrected"] { background: %(warning_ground)s; color: %(warning)s; }
QLabel[badge="blocked"] { background: %(bad_ground)s; color: %(bad)s; }
QLabel[badge="synthetic"] { background: %(synthetic_ground)s; color: %(violet)s; }
QLabel[badge="plain"] { background: %(hover)s; color: %(quiet)s; }

QPushButton, QToolButton { background: transparent; border: 1px solid transparent; border-radius: 5px;
  padding: 5px 10px; }
QPushButton:hover, QToolButton:hover { background: %(hover)s; }
QPushButton:pressed, QToolButton:pressed { background: %(pressed)s; }
QPushButton:checked, QToolButton:checked { background: %(pressed)s; }
QPushButton:focus, QToolButton:focus { border-color: %(accent)s; }
QPushButton:disabled, QToolButton:disabled { color: %(faint)s; }
QToolButton::menu-indicator, QPushButton::menu-indicator { image: none; width: 0; }
QPushButton[role="raised"] { background: %(card)s; border-color: %(line)s; }
QPushButton[role="raised"]:hover { background: %(hover)s; }
QPushButton[role="raised"]:checked { background: %(chosen)s; border-color: %(accent)s; }
QPushButton[role="raised"]:focus { border-color: %(accent)s; }
QLineEdit { background: %(card)s; border: 1px solid %(line)s; border-radius: 5px; padding: 5px 8px; }
QLineEdit:focus { border-color: %(accent)s; }
QCheckBox { spacing: 8px; }
QCheckBox::indicator { width: 14px; height: 14px; border: 1px solid %(quiet)s; border-radius: 3px; }
QCheckBox::indicator:checked { background: %(accent)s; border-color: %(accent)s; }
QCheckBox::indicator:focus { border-color: %(text)s; }
QDialogButtonBox QPushButton { background: %(card)s; border-color: %(line)s; padding: 6px 16px; }
QDialogButtonBox QPushButton:hover { background: %(hover)s; }
QPushButton[role="main"] { background: %(accent)s; color: #ffffff; font-weight: 600; padding: 7px 16px; }
QPushButton[role="main"]:disabled { background: %(card)s; color: %(faint)s; }
QPushButton[role="segment"] { background: %(card)s; border-radius: 0; border: 1px solid %(line)s; padding: 5px 13px;
  color: %(quiet)s; font-weight: 600; }
QPushButton[role="segment"]:hover { background: %(hover)s; }
QPushButton[role="segment"]:checked { background: %(accent)s; border-color: %(accent)s; color: #ffffff; }
QPushButton[role="segment"]:focus { border-color: %(text)s; }
QPushButton[role="segment"][end="first"] { border-top-left-radius: 5px; border-bottom-left-radius: 5px; }
QPushButton[role="segment"][end="last"] { border-top-right-radius: 5px; border-bottom-right-radius: 5px; }
QPushButton[role="link"] { text-align: left; padding: 1px 0; color: %(quiet)s; border-radius: 2px; }
QPushButton[role="link"]:hover { color: %(text)s; background: transparent; }
QPushButton[role="icon"] { padding: 0; color: %(quiet)s; }
QPushButton[role="icon"]:hover { color: %(text)s; }

#Card { background: %(card)s; border: 1px solid transparent; border-radius: 7px; }
#Card:hover { background: %(hover)s; }
#Card:focus { border-color: %(quiet)s; }
#Card[chosen="true"] { background: %(chosen)s; border-color: %(accent)s; }
#JobCard { background: %(card)s; border-radius: 6px; }
#Banner { background: %(warning_ground)s; border-bottom: 1px solid %(warning)s; }
#Banner[problem="false"] { background: %(good_ground)s; border-bottom: 1px solid %(good)s; }
#Banner QLabel, #Banner QPushButton { color: %(warning)s; }
#Banner QLabel[problem="false"], #Banner QPushButton[problem="false"] { color: %(good)s; }
#Sheet { background: %(panel)s; border: 1px solid %(line)s; border-radius: 10px; }
#Key { background: %(hover)s; border-radius: 4px; padding: 2px 7px; font-size: 12px; font-weight: 600; }

QProgressBar { background: %(hover)s; border: none; border-radius: 2px; max-height: 4px; min-height: 4px; }
QProgressBar::chunk { background: %(accent)s; border-radius: 2px; }
QMenu { background: %(card)s; border: 1px solid %(line)s; padding: 5px; }
QMenu::item { padding: 6px 26px 6px 12px; border-radius: 4px; }
QMenu::item:selected { background: %(hover)s; }
QMenu::item:disabled { color: %(faint)s; }
QMenu::separator { height: 1px; background: %(line)s; margin: 5px 6px; }
QTableView, QTreeView { background: transparent; border: none; gridline-color: transparent;
  selection-background-color: %(chosen)s; selection-color: %(text)s; }
QTableView:focus { border: none; }
QTableView::item { border-bottom: 1px solid %(line)s; padding: 0 4px; }
QTableView::item:selected { background: %(chosen)s; }
QHeaderView, QHeaderView::section { background: transparent; }
QHeaderView::section { color: %(quiet)s; font-size: 12px; border: none; border-bottom: 1px solid %(line)s;
  padding: 5px 4px; }
QScrollArea, QScrollArea > QWidget > QWidget { background: transparent; border: none; }
QScrollBar:vertical { background: transparent; width: 8px; margin: 0; }
QScrollBar::handle:vertical { background: %(pressed)s; border-radius: 4px; min-height: 28px; }
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page { background: none; height: 0; }
"""
