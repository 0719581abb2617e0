#!/usr/bin/env bash
# Packs the release build with its papers: dist/ramal-VERSION-SYSTEM.tar.gz
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh build
cargo build --release --locked

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -1)
name=ramal-$version-$(uname -s | tr '[:upper:]' '[:lower:]')-$(uname -m)
rm -rf "dist/$name"
mkdir -p "dist/$name"
cp target/release/ramal "dist/$name/"
for paper in README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE; do
  [ ! -e "$paper" ] || cp "$paper" "dist/$name/"
done
tar -C dist -czf "dist/$name.tar.gz" "$name"
rm -rf "dist/$name"
"target/release/ramal" --version
echo "dist/$name.tar.gz"
