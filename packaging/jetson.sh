#!/usr/bin/env bash
# Set Insula up on a Jetson with JetPack 6: the system's TensorRT made visible in .venv, pycuda built with the system's
# nvcc. `bash packaging/jetson.sh --dry-run` prints the steps on any machine and does none.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly venv=.venv
readonly cuda=${CUDA_HOME:-/usr/local/cuda}
readonly python=${INSULA_PYTHON:-/usr/bin/python3}
readonly system_packages=/usr/lib/python3.10/dist-packages
dry=
[ "${1:-}" != --dry-run ] || dry=yes

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
fail() {
    printf '\033[31mStopped:\033[0m %s\n' "$*" >&2
    exit 1
}

step() { # step COMMAND...
    printf '    %s\n' "$*" >&2
    [ -n "$dry" ] || "$@"
}

release() { # The major number of Jetson Linux: 36 is JetPack 6, 35 is JetPack 5.
    sed -n 's/^# R\([0-9]*\).*/\1/p' /etc/nv_tegra_release 2>/dev/null || true
}

require_jetpack_6() {
    case $(uname -m):$(release) in
        aarch64:36) ;;
        aarch64:35) fail "This Jetson runs JetPack 5, whose TensorRT is built for Python 3.8: follow docs/jetson.md." ;;
        *) fail "This machine is no Jetson with JetPack 6: run bash packaging/setup.sh instead." ;;
    esac
}

require_parts() {
    [ "$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = 3.10 ] ||
        fail "JetPack 6 builds TensorRT for Python 3.10, and $python is another: name it in INSULA_PYTHON."
    [ -d "$system_packages/tensorrt" ] ||
        fail "TensorRT for Python is missing. Run: sudo apt-get install python3-libnvinfer"
    { [ -x "$cuda/bin/nvcc" ] && [ -e "$cuda/include/curand.h" ]; } ||
        fail "CUDA's compiler or its headers are missing. Run: sudo apt-get install nvidia-jetpack"
    { [ -e /usr/include/python3.10/Python.h ] && command -v g++ >/dev/null; } ||
        fail "What pycuda is compiled with is missing. Run: sudo apt-get install g++ python3-dev"
}

# Only these: the folder beside them holds older packages of everything else.
link_tensorrt() {
    local name
    for name in tensorrt tensorrt_lean tensorrt_dispatch; do
        if [ -n "$dry" ] || [ -d "$system_packages/$name" ]; then
            step ln -sfn "$system_packages/$name" "$venv/lib/python3.10/site-packages/$name"
        fi
    done
}

build_pycuda() {
    local pinned
    pinned=$(mktemp)
    grep -A 1 '^pycuda==' packaging/lock/tensorrt.txt >"$pinned"
    # Without its dependencies: those serve its compiler and its arrays, and Insula uses the driver alone.
    step env PATH="$cuda/bin:/usr/bin:/bin" "$venv/bin/python" -m pip install --disable-pip-version-check \
        --no-input --no-deps --no-build-isolation --no-binary pycuda --require-hashes -r "$pinned"
    rm -f "$pinned"
}

main() {
    [ -n "$dry" ] || require_jetpack_6
    [ -n "$dry" ] || require_parts
    say "Making .venv, with the PySide6 that this system's glibc can load"
    step env INSULA_PYTHON="$python" bash packaging/setup.sh runtime
    say "Showing it the system's TensorRT"
    link_tensorrt
    say "Building pycuda with the system's CUDA (some minutes)"
    build_pycuda
    say "Looking whether they start"
    step "$venv/bin/python" -c 'import tensorrt, pycuda.driver as cuda; cuda.init(); print(tensorrt.__version__, cuda.Device(0).name())'
    say "Ready. To test every engine on this device and print a table to send back: $venv/bin/insula doctor --selftest"
}

main
