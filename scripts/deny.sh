#!/usr/bin/env bash
# Licences, sources and doubled crates, always; advisories against the newest database that can be had.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo deny --all-features --locked check bans licenses sources

# The database is a git repository elsewhere. Where it cannot be reached, the copy from an
# earlier day is still worth asking; with none at all there is nothing to ask.
if cargo deny --all-features --locked fetch db >/dev/null 2>&1; then
  cargo deny --all-features --locked check advisories
elif compgen -G "${CARGO_HOME:-$HOME/.cargo}/advisory-dbs/*/crates" >/dev/null; then
  echo "deny: the advisory database cannot be reached; using the copy that is here"
  cargo deny --all-features --locked --offline check advisories
else
  echo "deny: advisories NOT checked: the advisory database cannot be reached and there is no copy here"
fi
