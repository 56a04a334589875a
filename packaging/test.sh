#!/usr/bin/env bash
# Everything that must hold: lint, format, types, directions between rooms, then the whole test suite under a
# virtual display. Arguments go to pytest: `bash packaging/test.sh -k volume`.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash packaging/setup.sh test || exit 1

readonly bin=.venv/bin
unset PYTEST_ADDOPTS QT_QPA_PLATFORM
failed=()

check() { # check NAME COMMAND...
    local name=$1 started=$SECONDS output
    shift
    if output=$("$@" 2>&1); then
        printf '\033[32m ok \033[0m %-14s %4d s\n' "$name" $((SECONDS - started))
    else
        printf '%s\n\033[31mFAIL\033[0m %-14s %4d s\n' "$output" "$name" $((SECONDS - started))
        failed+=("$name")
    fi
}

check "ruff check" $bin/ruff check .
check "ruff format" $bin/ruff format --check .
check "mypy" $bin/mypy
check "lint-imports" $bin/lint-imports --no-logo

xvfb-run -a -s "-screen 0 1920x1080x24" $bin/python -m pytest "$@"
tests=$?

if [ ${#failed[@]} -gt 0 ]; then
    printf '\033[31mFailed before the tests:\033[0m %s\n' "$(IFS=,; echo "${failed[*]}")"
    exit 1
fi
exit $tests
