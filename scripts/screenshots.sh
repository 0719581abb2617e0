#!/usr/bin/env bash
# Takes the pictures in docs/screenshots again: the real window on a display in memory, calling
# the built-in lab. Needs Xvfb (scripts/setup.sh test installs it).
#
#   scripts/screenshots.sh                        in Portuguese, into docs/screenshots
#   scripts/screenshots.sh es target/screenshots  in another language, into another folder
set -euo pipefail
cd "$(dirname "$0")/.."

export RAMAL_SCREENSHOTS_LANGUAGE=${1:-pt-BR}
export RAMAL_SCREENSHOTS=${2:-docs/screenshots}
mkdir -p "$RAMAL_SCREENSHOTS"
# Where Xvfb is missing this is a failure, not something to pass over.
export CI=true
cargo test --locked --test window scenes -- --test-threads 1
ls -l "$RAMAL_SCREENSHOTS"
