#!/usr/bin/env bash
# Makes assets/fonts from the published fonts: Inter (npm inter-ui, OFL), Noto Emoji (npm
# @fontsource/noto-emoji, OFL) and Phosphor (npm @phosphor-icons/web, MIT), all cut down by fonttools
# (PyPI).
#
#   scripts/fonts.sh
#
# Needs npm, python3 with venv, and the two registries; works in a temporary folder.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet 'fonttools==4.68.0' 'brotli==1.2.1'
npm pack --silent inter-ui@4.1.1 @fontsource/noto-emoji@5.3.2 @phosphor-icons/web@2.1.2 >/dev/null
for archive in *.tgz; do
  mkdir -p "${archive%.tgz}"
  tar xzf "$archive" -C "${archive%.tgz}"
done

venv/bin/python "$root/scripts/subset_fonts.py" \
  --inter "$work"/inter-ui-*/package/variable/InterVariable.woff2 \
  --phosphor "$work"/phosphor-icons-web-*/package/src \
  --emoji "$work"/fontsource-noto-emoji-*/package/files/noto-emoji-emoji-400-normal.woff2 \
  --icons "$root/src/ui/icons.rs" \
  --out "$root/assets/fonts"
cp "$work"/inter-ui-*/package/LICENSE.txt "$root/assets/fonts/Inter-LICENSE.txt"
cp "$work"/fontsource-noto-emoji-*/package/LICENSE "$root/assets/fonts/NotoEmoji-LICENSE.txt"
cp "$work"/phosphor-icons-web-*/package/LICENSE "$root/assets/fonts/Phosphor-LICENSE.txt"
ls -l "$root/assets/fonts"
