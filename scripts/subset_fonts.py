"""Cuts Inter, Noto Emoji and Phosphor down to what the window draws. Called by fonts.sh."""

import argparse
import io
import pathlib
import re
import tempfile

from fontTools import merge, subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

# Latin with its extensions (European languages, Vietnamese), punctuation, currency, arrows, the
# signs that numbers use, and the bullet that hides passwords.
LATIN = [
    *range(0x0020, 0x007F),
    *range(0x00A0, 0x0250),
    *range(0x02B0, 0x02FF),
    *range(0x0300, 0x0312),
    *range(0x1E00, 0x1F00),
    *range(0x2010, 0x2040),
    *range(0x20A0, 0x20C0),
    0x2044, 0x2070, 0x2074, 0x2116, 0x2122,
    *range(0x2190, 0x2194),
    0x2212, 0x2215, 0x2248, 0x2260, 0x2264, 0x2265, 0x25CF, 0x2713, 0xFFFD,
]
# Filled icons stand this much above their regular form.
FILLED = 0xF0000


def cut(font, codepoints, features):
    options = subset.Options()
    options.layout_features = features
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.notdef_outline = True
    options.hinting = False
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=codepoints)
    cutter.subset(font)


def inter(source, out):
    font = TTFont(source, recalcTimestamp=False)
    font.flavor = None
    # Text size only, and the weights in use.
    instancer.instantiateVariableFont(font, {"opsz": 14, "wght": (400, 700)}, inplace=True)
    # The subsetter wants the tables as they are read from a file.
    packed = io.BytesIO()
    font.save(packed)
    packed.seek(0)
    font = TTFont(packed, recalcTimestamp=False)
    # egui asks the shaper for no features, so the tabular figures become the figures.
    glyphs = set(font.getGlyphOrder())
    for table in font["cmap"].tables:
        for codepoint in range(ord("0"), ord("9") + 1):
            name = table.cmap.get(codepoint)
            if name and f"{name}.tf" in glyphs:
                table.cmap[codepoint] = f"{name}.tf"
    cut(font, LATIN, ["kern", "mark", "mkmk", "ccmp", "locl"])
    font.save(out)


def emoji(source, out):
    """One glyph for each character: sequences show as their parts."""
    font = TTFont(source, recalcTimestamp=False)
    font.flavor = None
    packed = io.BytesIO()
    font.save(packed)
    packed.seek(0)
    font = TTFont(packed, recalcTimestamp=False)
    # Digits and what Inter has stay Inter's; what is not seen (joiners, selectors) has no glyph.
    wanted = [c for c in font.getBestCmap() if c >= 0x203C and c not in LATIN]
    cut(font, [0x200D, 0xFE0E, 0xFE0F, *wanted], [])
    font.save(out)


def icons(folder, wanted, out):
    parts = []
    with tempfile.TemporaryDirectory() as scratch:
        for style, path, offset in (
            ("regular", folder / "regular" / "Phosphor.ttf", 0),
            ("fill", folder / "fill" / "Phosphor-Fill.ttf", FILLED),
        ):
            codepoints = [c - offset for c in wanted if (c >= FILLED) == (offset > 0)]
            font = TTFont(path, recalcTimestamp=False)
            missing = [hex(c) for c in codepoints if c not in font.getBestCmap()]
            if missing:
                raise SystemExit(f"not in Phosphor {style}: {missing}")
            cut(font, codepoints, [])
            shifted = {c + offset: name for c, name in font.getBestCmap().items()}
            table = font["cmap"].tables[0].newSubtable(12)
            table.platformID, table.platEncID, table.language = 3, 10, 0
            table.cmap = shifted
            font["cmap"].tables = [table]
            part = pathlib.Path(scratch) / f"{style}.ttf"
            font.save(part)
            parts.append(str(part))
        whole = merge.Merger(merge.Options(drop_tables=["GSUB", "GPOS", "GDEF"])).merge(parts)
        # The same input makes the same bytes.
        whole.recalcTimestamp = False
        whole["head"].created = whole["head"].modified = TTFont(parts[0])["head"].created
        whole.save(out)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--inter", required=True, type=pathlib.Path)
    arguments.add_argument("--phosphor", required=True, type=pathlib.Path)
    arguments.add_argument("--emoji", required=True, type=pathlib.Path)
    arguments.add_argument("--icons", required=True, type=pathlib.Path)
    arguments.add_argument("--out", required=True, type=pathlib.Path)
    given = arguments.parse_args()

    wanted = [int(hit, 16) for hit in re.findall(r"Icon\('\\u\{([0-9a-f]+)\}'\)", given.icons.read_text())]
    inter(given.inter, given.out / "Inter-Latin.ttf")
    emoji(given.emoji, given.out / "Emoji.ttf")
    icons(given.phosphor, wanted, given.out / "RamalIcons.ttf")


main()
