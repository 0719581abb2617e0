#!/usr/bin/env bash
# Everything that must hold before a change lands, quickest to fail first. Stops at the first
# step that fails, and closes with the number of tests that passed and failed.
#
#   scripts/gate.sh            all of it
#   scripts/gate.sh unit       only the tests that need nothing but Rust
#   scripts/gate.sh peers      only the tests against real peers
set -euo pipefail
cd "$(dirname "$0")/.."

part=${1:-all}
case $part in
  all | unit | peers) ;;
  *)
    echo "gate: unknown part '$part': say all, unit or peers" >&2
    exit 2
    ;;
esac

export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto}
# The tests find the peers by name, and some of those live here.
export PATH=$PATH:/usr/sbin:/sbin
mkdir -p target
log=target/gate.log
: >"$log"

# A test run's closing lines: "test result: ok. 12 passed; 0 failed; 1 ignored; …"
count() {
  sed 's/\x1b\[[0-9;]*m//g' "$log" | awk -v word="$1" '
    /^test result:/ { for (i = 2; i <= NF; i++) if ($i ~ "^" word) total += $(i - 1) }
    END { print total + 0 }'
}

close() {
  local passed failed ignored
  passed=$(count passed) failed=$(count failed) ignored=$(count ignored)
  # A step that is no test, or one that broke before counting, still counts as one failure.
  [ "$1" = 0 ] || [ "$failed" -gt 0 ] || failed=1
  printf '\ngate: %s in %d min %02d s\n' "$2" $((SECONDS / 60)) $((SECONDS % 60))
  printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$ignored"
}

step() {
  local title=$1 started=$SECONDS
  shift
  printf '\n== %s\n' "$title"
  if "$@" </dev/null 2>&1 | tee -a "$log"; then
    printf -- '-- %s: ok, %d s\n' "$title" $((SECONDS - started))
  else
    close 1 "stopped at '$title'"
    exit 1
  fi
}

# Tests whose sound goes by the real clock: each has the machine for itself.
in_real_time=(--test bench_live --test engine --test flood --test lab)

# The integration tests by what they need; a new file in tests/ is run without being named here.
quick_tests() {
  local file name
  for file in tests/*.rs; do
    name=$(basename "$file" .rs)
    case $name in
      interop | window) ;;
      bench_live | engine | flood | lab) ;; # in_real_time
      *) printf -- '--test\n%s\n' "$name" ;;
    esac
  done
}

# The headless demo is the program's own promise: it ends 0 only if the voice came back.
demo() {
  local folder status=0
  folder=$(mktemp -d)
  (cd "$folder" && env -u DISPLAY -u WAYLAND_DISPLAY timeout 120 "$OLDPWD/target/debug/ramal" demo) || status=$?
  rm -rf "$folder"
  return "$status"
}

if [ "$part" = all ]; then
  step "system packages" scripts/setup.sh test
  step "format" cargo fmt --check
  if cargo deny --version >/dev/null 2>&1; then
    step "licences and sources" scripts/deny.sh
  else
    printf '\n== licences and sources: not checked, cargo-deny is not installed (cargo install cargo-deny)\n'
  fi
  step "lints" cargo clippy --locked --all-targets -- -D warnings
  step "documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items
fi
if [ "$part" != peers ]; then
  mapfile -t quick < <(quick_tests)
  step "unit tests" cargo test --locked --lib --bins -- --skip engine::media::
  [ ${#quick[@]} -eq 0 ] || step "simulated world, wire, window parts" cargo test --locked "${quick[@]}"
  step "media thread, in real time" cargo test --locked --lib -- --test-threads 1 engine::media::
  step "lab and engine, in real time" cargo test --locked "${in_real_time[@]}" -- --test-threads 1
fi
if [ "$part" = peers ]; then
  step "system packages" scripts/setup.sh test
fi
if [ "$part" != unit ]; then
  # Calls in real time: two wait side by side, which is what two slow cores carry.
  [ ! -e tests/interop.rs ] || step "real peers" cargo test --locked --test interop -- --test-threads "${PEER_THREADS:-2}"
fi
if [ "$part" = all ]; then
  [ ! -e tests/window.rs ] || step "real window" cargo test --locked --test window -- --test-threads 1
  step "demo without a display" demo
fi
close 0 "everything held"
