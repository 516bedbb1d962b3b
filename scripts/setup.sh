#!/usr/bin/env bash
# Makes a working tree ready to use: Debian packages, .venv with pinned Python packages, the release
# build, `gopt` in .venv/bin. Run it again after any change: what is up to date takes seconds.
#
#   scripts/setup.sh [--for setup|test|all]    which of scripts/apt-packages.txt; default: setup
#
# GOPT_PIP_OPTIONS  extra options for pip, to choose the CPU build of torch (CONTRIBUTING.md)
# GOPT_JOBS         compile jobs at a time (default: one per core)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

purpose=setup
if [[ "${1:-}" == --for ]]; then purpose="$2"; fi
case "$purpose" in
  setup) wanted='setup' ;;
  test) wanted='setup|test' ;;
  all) wanted='setup|test|all' ;;
  *) echo "usage: scripts/setup.sh [--for setup|test|all]" >&2; exit 2 ;;
esac

say() { printf '\033[1m== %s\033[0m\n' "$*"; }

debian_packages() {
  local packages missing
  mapfile -t packages < <(
    awk -v wanted="^($wanted)$" '!/^#/ && $2 ~ wanted {print $1}' scripts/apt-packages.txt)
  if ! command -v dpkg-query > /dev/null || ! command -v apt-get > /dev/null; then
    echo "no apt-get here: provide what scripts/apt-packages.txt lists" >&2
    return
  fi
  missing=$(comm -23 <(printf '%s\n' "${packages[@]}" | sort) \
    <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${packages[@]}" 2> /dev/null |
      sed -n 's/^installed //p' | sort))
  if [[ -z "$missing" ]]; then return; fi
  say "apt-get install" $missing
  local as_root=()
  if [[ "$(id -u)" != 0 ]]; then as_root=(sudo); fi
  "${as_root[@]}" apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends $missing
}

python_packages() {
  if [[ ! -x .venv/bin/python ]]; then
    local python
    python=$(command -v python3.11 || command -v python3)
    say "virtual environment of $("$python" --version)"
    "$python" -m venv .venv
  fi
  local stamp=.venv/.gopt-requirements key
  key=$({ cat requirements/*.txt; echo "${GOPT_PIP_OPTIONS:-}"; } | sha256sum)
  if [[ -f "$stamp" && "$(cat "$stamp")" == "$key" ]]; then return; fi
  say "pip install -r requirements/dev.txt"
  # shellcheck disable=SC2086  # several options in one variable
  .venv/bin/python -m pip install --disable-pip-version-check --no-input \
    ${GOPT_PIP_OPTIONS:-} -r requirements/dev.txt
  echo "$key" > "$stamp"
}

release_build() {
  say "release build"
  if [[ ! -f build/release/build.ninja || CMakePresets.json -nt build/release/build.ninja ]]; then
    cmake --preset release -DPython_EXECUTABLE="$PWD/.venv/bin/python"
  fi
  ninja -C build/release -j "${GOPT_JOBS:-$(env -u OMP_NUM_THREADS nproc)}" products
}

debian_packages
python_packages
release_build
.venv/bin/python scripts/editable.py build/release/python
say "ready: .venv/bin/gopt"
