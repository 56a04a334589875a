#!/usr/bin/env bash
# Make the lock files again from pyproject.toml. Needs uv. `bash packaging/lock.sh --upgrade` takes newer versions.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
lock=packaging/lock

compile() { # compile TARGET ARGUMENT...
    local target=$1
    shift
    uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-annotate \
        --no-header --override "$lock/overrides.txt" --no-emit-package torch --no-emit-package acvl-utils --output-file "$target" "$@" \
        pyproject.toml "$lock/system.in" "$lock/build.in"
}

# The test lock is made first and binds the runtime lock: both name the same versions.
compile "$lock/test.txt" --extra dev --extra train "$lock/torch.in" "$@"
compile "$lock/runtime.txt" --constraint "$lock/test.txt" "$@"
