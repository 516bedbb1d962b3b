#!/usr/bin/env bash
# Everything that must hold before a change is merged; CI runs this and nothing else.
#
#   scripts/test.sh           setup, format and lint, ctest, pytest, core under sanitizers
#   scripts/test.sh --quick   without the sanitizers
#   scripts/test.sh --all     also core without METIS, the wheel, a minute of each fuzz target
#
# All steps run, whatever fails; the summary comes last, and the exit code is 1 if a step failed.
# Output of each step is kept in build/test-logs. Sanitizer runs are skipped while the very same
# programs and data have passed (build/<preset>/passed).
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

sanitizers=yes extras=no purpose=test
for argument in "$@"; do
  case "$argument" in
    --quick) sanitizers=no ;;
    --all) extras=yes purpose=all ;;
    *) sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  esac
done

export OMP_NUM_THREADS=1
jobs="${GOPT_JOBS:-$(env -u OMP_NUM_THREADS nproc)}"
logs=build/test-logs
results=()
failures=0

# step <name> <command...>: runs it with its output shown and kept, notes how it ended.
step() {
  local name="$1" start=$SECONDS status=ok
  shift
  printf '\033[1m== %s\033[0m\n' "$name"
  "$@" 2>&1 | tee "$logs/$name.log"
  if [[ ${PIPESTATUS[0]} != 0 ]]; then
    status=FAILED
    failures=$((failures + 1))
  fi
  results+=("$(printf '%-16s %-7s %4d s' "$name" "$status" $((SECONDS - start)))")
  [[ $status == ok ]]
}

configure() {
  if [[ ! -f build/$1/build.ninja || CMakePresets.json -nt build/$1/build.ninja ]]; then
    cmake --preset "$1"
  fi
}

# build <preset> [target...]
build() { configure "$1" && ninja -C "build/$1" -j "$jobs" "${@:2}"; }

format() {
  git ls-files '*.h' '*.cc' | xargs clang-format-14 --dry-run -Werror &&
    .venv/bin/ruff check . && .venv/bin/ruff format --check .
}

# What decides how the tests of a preset end: its programs, and the files and settings that they
# read.
fingerprint() {
  {
    find "build/$1/bin" "build/$1/lib" -type f -exec sha256sum {} +
    ldd "build/$1"/bin/* 2> /dev/null | awk '$3 ~ "^/" {print $3}' | sort -u | xargs -r sha256sum
    git ls-files -co --exclude-standard tests/golden tests/fuzz/corpus tests/data tests/tsan.supp |
      xargs -r sha256sum
    find "build/$1" -name CTestTestfile.cmake -exec sha256sum {} +
    find "${GOPT_DATA_DIR:-../shared/data}" -type f -printf '%p %s %T@\n' 2> /dev/null
  } | LC_ALL=C sort | sha256sum
}

# sanitizer <preset> [area...]: the tests of these areas, or of all.
sanitizer() {
  local preset="$1" key no_aslr=() only=()
  shift
  build "$preset" "${@/%/_tests}" || return 1
  if [[ $# != 0 ]]; then only=(-R "^($(IFS='|' && echo "$*"))\$"); fi
  key=$(fingerprint "$preset")
  if [[ -f build/$preset/passed && "$(head -n 1 "build/$preset/passed")" == "$key" ]]; then
    echo "The same programs and data passed before: $(tail -n 1 "build/$preset/passed")"
    return 0
  fi
  # ThreadSanitizer's shadow memory does not fit every random layout of the address space.
  if setarch -R true 2> /dev/null; then no_aslr=(setarch -R); fi
  "${no_aslr[@]}" ctest --preset "$preset" -j "$jobs" "${only[@]}" || return 1
  { echo "$key"; date -u +'on %F at %R UTC'; } > "build/$preset/passed"
}

minimal() { build minimal && ctest --preset minimal -j "$jobs"; }

wheel() {
  rm -rf build/dist build/wheel-test &&
    .venv/bin/python -m pip wheel . --no-build-isolation --no-deps -w build/dist &&
    .venv/bin/python -m pip install --no-deps --target build/wheel-test build/dist/gopt-*.whl &&
    (cd / && PYTHONPATH="$OLDPWD/build/wheel-test" "$OLDPWD/.venv/bin/python" -c '
import gopt, torch, gopt._gopt
assert "wheel-test" in gopt.__file__, gopt.__file__
assert "wheel-test" in gopt._core.stored_workloads_folder()
print("wheel: gopt", gopt.__version__, gopt.workloads.load("inception32"))')
}

fuzz() {
  build fuzz || return 1
  local target name
  for target in build/fuzz/bin/fuzz_*; do
    name="${target##*/fuzz_}"
    mkdir -p "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name"
    "$target" -max_total_time=60 -rss_limit_mb=4096 \
      "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" || return 1
  done
}

rm -rf "$logs" && mkdir -p "$logs"
if step setup scripts/setup.sh --for "$purpose"; then
  step format format
  step build build release && step ctest ctest --preset release -j "$jobs"
  step pytest .venv/bin/python -m pytest
  if [[ $sanitizers == yes ]]; then
    step asan sanitizer asan
    step tsan sanitizer tsan base cost solve io suite  # the areas whose tests start threads
  fi
  if [[ $extras == yes ]]; then
    step minimal minimal
    step wheel wheel
    step fuzz fuzz
  fi
fi

printf '\033[1m== summary\033[0m\n'
printf '%s\n' "${results[@]}"
for runner in pytest ctest; do
  if [[ ! -f $logs/$runner.log ]]; then continue; fi
  grep -E 'tests passed,|(passed|failed|error).* in [0-9.]+' "$logs/$runner.log" | tail -n 1
done
if [[ $failures != 0 ]]; then
  echo "$failures step(s) FAILED"
  exit 1
fi
echo "all steps passed"
