#!/usr/bin/env bash
# Show Insula on the digital head: set up what is missing, make the study, run the three tasks, open the window.
# Without a display the window is drawn on a virtual one and left in demo-out/. Arguments go to `insula demo`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash packaging/setup.sh runtime

if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    exec .venv/bin/insula demo --out demo-out "$@"
fi

mkdir -p demo-out
partial=$(mktemp demo-out/report.XXXXXX)
trap 'rm -f "$partial"' EXIT
.venv/bin/insula demo --out demo-out --screenshot demo-out/insula-demo.png --json "$@" >"$partial"
chmod 644 "$partial"
mv "$partial" demo-out/report.json
printf '\n\033[1mNo display here, so the window was drawn on a virtual one:\033[0m\n  picture  %s\n  report   %s\n' \
    "$PWD/demo-out/insula-demo.png" "$PWD/demo-out/report.json"
