#!/usr/bin/env bash
# Make this machine and .venv ready. `bash packaging/setup.sh runtime` to run Insula, `... test` to test it too.
# Nothing is asked and nothing is done twice; a set-up that was interrupted is made again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly kind=${1:-runtime}
readonly venv=.venv
readonly unfinished=$venv/insula-unfinished

# What must be there = the Debian or Ubuntu package that brings it. A name before ":" is the kind of probe.
readonly needs=(
    file:/etc/ssl/certs/ca-certificates.crt=ca-certificates
    command:Xvfb=xvfb
    command:xvfb-run=xvfb
    command:xauth=xauth
    library:libEGL.so.1=libegl1
    library:libGL.so.1=libgl1
    package:libgl1-mesa-dri=libgl1-mesa-dri
    library:libxkbcommon-x11.so.0=libxkbcommon-x11-0
    library:libxcb-cursor.so.0=libxcb-cursor0
    library:libxcb-icccm.so.4=libxcb-icccm4
    library:libxcb-image.so.0=libxcb-image0
    library:libxcb-keysyms.so.1=libxcb-keysyms1
    library:libxcb-randr.so.0=libxcb-randr0
    library:libxcb-render-util.so.0=libxcb-render-util0
    library:libxcb-shape.so.0=libxcb-shape0
    library:libxcb-xinerama.so.0=libxcb-xinerama0
    library:libXcursor.so.1=libxcursor1
    library:libdbus-1.so.3=libdbus-1-3
    library:libfontconfig.so.1=libfontconfig1
    library:libglib-2.0.so.0=libglib2.0-0
    package:fonts-inter=fonts-inter
)

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
fail() {
    printf '\033[31mStopped:\033[0m %s\n' "$*" >&2
    exit 1
}

find_python() {
    local name
    for name in ${INSULA_PYTHON:-} python3 python3.13 python3.12 python3.11 python3.10; do
        if "$name" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    fail "Python 3.10 to 3.13 was not found. Install one, or name it: INSULA_PYTHON=/path/to/python3 bash $0"
}

is_there() { # is_there PROBE
    local what=${1#*:}
    case $1 in
        file:*) [ -s "$what" ] ;;
        command:*) command -v "$what" >/dev/null ;;
        library:*) grep -qF "$what " <<<"$libraries" ;;
        package:*) ! command -v dpkg-query >/dev/null || dpkg-query -W -f '${db:Status-Status}' "$what" 2>/dev/null | grep -qx installed ;;
    esac
}

missing_packages() { # missing_packages PYTHON
    local need libraries
    libraries=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null || true)
    for need in "${needs[@]}"; do
        is_there "${need%%=*}" || echo "${need#*=}"
    done | sort -u
    "$1" -c 'import ensurepip, venv' 2>/dev/null || "$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
}

# What the window can do without: its type face always, the virtual display where there is a real one.
required() { # required PACKAGE...
    local name spare=" fonts-inter "
    [ "$kind" = test ] || [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || spare+="xvfb xauth "
    for name; do
        case $spare in *" $name "*) ;; *) echo "$name" ;; esac
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

install_packages() { # install_packages PACKAGE...
    local hint="apt-get install --no-install-recommends $*"
    [ "$(uname -s)" = Linux ] || return 0
    command -v apt-get >/dev/null || fail "These system libraries are missing (Debian names): $*. Install them, then run this again."
    if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
        if [ -z "$(required "$@")" ]; then
            say "Going on without: $*. To add them: sudo $hint"
            return 0
        fi
        fail "System libraries are missing and may not be installed from here. Run this line, then start again:
    sudo $hint"
    fi
    say "Installing system libraries: $*"
    as_root apt-get -qq update || say "The package lists could not be renewed; trying with the old ones."
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 install --no-install-recommends "$@" >/dev/null ||
        fail "apt-get could not install the system libraries. Run this line yourself, then start again:
    sudo $hint"
}

fingerprint() { # fingerprint PYTHON KIND
    { cat "packaging/lock/$2.txt" packaging/lock/tensorrt.txt pyproject.toml packaging/setup.sh && "$1" -VV && pwd; } | sha256sum
}

is_ready() { # is_ready PYTHON
    [ ! -e "$unfinished" ] && "$venv/bin/python" -c '' 2>/dev/null &&
        [ "$(cat "$venv/insula-$kind.stamp" 2>/dev/null)" = "$(fingerprint "$1" "$kind")" ]
}

# A .venv that was interrupted, moved, or made by another Python is not repaired but made again.
is_sound() { # is_sound PYTHON
    [ ! -e "$unfinished" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1 &&
        [ "$("$venv/bin/python" -VV)" = "$("$1" -VV)" ] && grep -qsF "$PWD/$venv" "$venv/bin/activate"
}

pip() {
    local quiet=()
    [ -t 2 ] || quiet=(-qq)
    "$venv/bin/python" -m pip install --disable-pip-version-check --no-input "${quiet[@]}" "$@" >&2
}

make_venv() { # make_venv PYTHON
    if ! is_sound "$1"; then
        say "Making $venv with $("$1" -V)"
        rm -rf "$venv"
        mkdir "$venv"
        touch "$unfinished"
        "$1" -m venv "$venv"
    fi
    touch "$unfinished"
    say "Installing what packaging/lock/$kind.txt names (a few minutes the first time)"
    pip --no-deps --require-hashes --only-binary :all: -r "packaging/lock/$kind.txt" ||
        fail "A package could not be fetched or its hash differs from the lock. See the lines above; check the network and start again."
    [ "$kind" = runtime ] || install_what_has_no_one_wheel
    [ "$kind" = runtime ] || unpack_interfaces
    pip --no-deps --no-build-isolation -e . || fail "The project itself could not be installed; see the lines above."
}

readonly acvl_utils=acvl-utils==0.2.6

install_what_has_no_one_wheel() {
    local torch
    torch=$(grep -o '"torch==[0-9.]*' pyproject.toml | tr -d '"')
    say "Installing $torch (to leave CUDA out, name an index with CPU wheels in PIP_EXTRA_INDEX_URL)"
    pip --only-binary :all: "$torch" || fail "$torch could not be fetched. See the lines above; check the network and start again."
    # A pure Python package that nnunetv2 needs and that comes as source only; its parts are in the lock.
    pip --no-deps --no-build-isolation "$acvl_utils" || fail "$acvl_utils could not be fetched. See the lines above; check the network and start again."
}

# What TensorRT and pycuda look like, for the tests to hold the code against. Unpacked and never installed: without
# NVIDIA's libraries they would only seem to be there. Where one is missing its tests are skipped by name.
unpack_interfaces() {
    local scratch requirement name
    [ "$(uname -m)" = x86_64 ] || return 0
    scratch=$(mktemp -d)
    while read -r requirement; do
        name=${requirement%% *}
        name=${name#tensorrt*_bindings==}
        name=${name/==/-}
        [ ! -e "$venv/tensorrt/$name" ] || continue
        echo "$requirement" >"$scratch/one.txt"
        if fetch_interface "$scratch" && [ -n "$(ls "$scratch/fetched" 2>/dev/null)" ]; then
            mkdir -p "$venv/tensorrt"
            unpack_one "$scratch" && mv "$scratch/unpacked" "$venv/tensorrt/$name"
        else
            say "Going on without the interface of ${requirement%% *}; its tests will be skipped."
        fi
        rm -rf "${scratch:?}"/*
    done < <(sed -e '/^#/d' -e ':a' -e '/\\$/N; s/ *\\\n *//; ta' -e 's/--hash/ --hash/g' packaging/lock/tensorrt.txt)
    rm -rf "$scratch"
}

fetch_interface() { # fetch_interface SCRATCH
    "$venv/bin/python" -m pip download --disable-pip-version-check --no-input -qq --no-deps --no-build-isolation \
        --require-hashes -r "$1/one.txt" -d "$1/fetched" </dev/null >&2
}

unpack_one() { # unpack_one SCRATCH
    local archive
    archive=$(ls "$1"/fetched/*)
    mkdir "$1/unpacked"
    case $archive in
        *.whl) "$venv/bin/python" -m zipfile -e "$archive" "$1/unpacked" ;;
        *) tar -xzf "$archive" -C "$1/unpacked" --strip-components 1 ;;
    esac
}

write_stamps() { # write_stamps PYTHON
    local done_kind
    for done_kind in runtime "$kind"; do
        fingerprint "$1" "$done_kind" >"$venv/insula-$done_kind.stamp"
    done
    rm -f "$unfinished"
}

main() {
    case $kind in runtime | test) ;; *) fail "Say runtime or test, not \"$kind\"." ;; esac
    local python packages
    python=$(find_python)
    packages=$(missing_packages "$python")
    # shellcheck disable=SC2086
    [ -z "$packages" ] || install_packages $packages
    exec 9<packaging/setup.sh
    flock 9
    if ! is_ready "$python"; then
        make_venv "$python" 9<&-
        write_stamps "$python"
        say "Ready: $venv"
    fi
}

main
