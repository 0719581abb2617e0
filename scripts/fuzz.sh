#!/usr/bin/env bash
# The long run of the fuzz targets with libFuzzer: each for ten minutes, one after the other.
#
#   scripts/fuzz.sh                  all of them, 600 seconds each
#   scripts/fuzz.sh 60 sip sdp       these two, a minute each
#
# Needs cargo-fuzz (cargo install cargo-fuzz) and a C++ compiler. No sanitizer is asked for, since
# those want a nightly toolchain and nothing that is fuzzed is unsafe; RUSTC_BOOTSTRAP lets the pinned
# stable one take what else cargo-fuzz may ask of a nightly. What is found lies in
# fuzz/artifacts/NAME; put it into fuzz/corpus/NAME under a name that says what it is, and
# tests/fuzz_smoke.rs tries it for good.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-600}
[ $# -eq 0 ] || shift
if ! cargo fuzz --version >/dev/null 2>&1; then
  echo "fuzz: cargo-fuzz is not installed: cargo install cargo-fuzz" >&2
  exit 2
fi
mapfile -t all < <(sed -n 's/^name = "\([a-z]*\)"$/\1/p' fuzz/Cargo.toml)
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=("${all[@]}")
export RUSTC_BOOTSTRAP=1
for target in "${targets[@]}"; do
  printf '\n== %s, %s s\n' "$target" "$seconds"
  seeds=("fuzz/corpus/$target")
  case $target in
    sip) seeds+=(tests/data/rfc4475 tests/data/rfc5118) ;;
  esac
  cargo fuzz run --sanitizer none "$target" "${seeds[@]}" -- \
    -max_total_time="$seconds" -dict="fuzz/dictionaries/$target.dict" \
    -max_len=65536 -rss_limit_mb=512 -timeout=5 -print_final_stats=1
done
