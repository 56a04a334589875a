#!/usr/bin/env bash
# Make the lock files again from pyproject.toml. Needs uv. `bash packaging/lock.sh --upgrade` takes newer versions.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
lock=packaging/lock

# Installed in a step of their own (see setup.sh), or, as torchvision, wanted by a package that is here for other parts.
readonly apart=(--no-emit-package torch --no-emit-package torchvision --no-emit-package acvl-utils)

compile() { # compile TARGET ARGUMENT...
    local target=$1
    shift
    uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-annotate \
        --no-header --override "$lock/overrides.txt" "${apart[@]}" --output-file "$target" "$@" \
        pyproject.toml "$lock/system.in" "$lock/build.in"
}

# The test lock is made first and binds the runtime lock: both name the same versions.
compile "$lock/test.txt" --extra dev --extra train "$lock/torch.in" "$@"
compile "$lock/runtime.txt" --constraint "$lock/test.txt" "$@"
