"""Icons, theme, window presets, label colours: data only."""
