#!/usr/bin/env python3
"""How much of REF arrived in DEG, as one JSON object.

  pesq.py REF.wav DEG.wav [CEILING.wav]

`wb`, `nb`        MOS-LQO by PESQ (ITU-T P.862.2 and P.862.1), after alignment in time and level
`delay_ms`        where REF begins in DEG
`correlation`     of the aligned signals, 300 to 3400 Hz, 0 to 1
`level_db`        active level of DEG against that of REF
`missing_ms`      how much of REF's start and end lies outside of DEG
`gaps`            20 ms blocks of speech that do not look like the same moment of CEILING (or REF):
                  lost and concealed, cut out, or moved; each with `at_ms` and `match`
`ceiling_wb`, `ceiling_nb`   the same scores for CEILING, what the codec leaves at its best

A score alone forgives much: one packet lost in ten seconds moves it by a few hundredths. So the
score is for the whole, and `gaps` for each moment. The alignment is ours: one cross-correlation for
the whole, then block by block around it, because two clocks may drift apart.
"""
import json
import sys
from pathlib import Path

import numpy as np

# This file's own name must not hide the module that it calls.
here = str(Path(__file__).resolve().parent)
sys.path = [p for p in sys.path if str(Path(p or ".").resolve()) != here]
from pesq import NoUtterancesError, pesq  # noqa: E402

sys.path.append(here)
from sound import read_wav, resample  # noqa: E402

RATE = 16000
# A block of speech that matches the same moment of the ceiling less than this is a gap.
GAP = 0.5
BLOCK = RATE // 50
# How far the delay may wander from block to block, and from the first, before it is a jump: 4 ms.
WANDER = RATE // 250


def band(x, low, high):
    spectrum = np.fft.rfft(x)
    f = np.fft.rfftfreq(len(x), 1 / RATE)
    spectrum[(f < low) | (f > high)] = 0
    return np.fft.irfft(spectrum, len(x))


def best_lag(ref, deg):
    """Samples by which DEG is late."""
    size = 1 << int(np.ceil(np.log2(len(ref) + len(deg))))
    cross = np.fft.irfft(np.fft.rfft(deg, size) * np.conj(np.fft.rfft(ref, size)), size)
    lag = int(np.argmax(cross))
    return lag if lag < len(deg) else lag - size


def cut(deg, lag, length):
    """The part of DEG that lies under REF, with silence where there is none."""
    out = np.zeros(length)
    first, last = max(0, -lag), min(length, len(deg) - lag)
    if last > first:
        out[first:last] = deg[first + lag : last + lag]
    return out, (length - max(0, last - first)) * 1000 / RATE


def active_level(x):
    blocks = x[: len(x) // BLOCK * BLOCK].reshape(-1, BLOCK)
    power = np.mean(blocks**2, axis=1)
    top = power.max(initial=0)
    return 10 * np.log10(np.mean(power[power > top / 1000])) if top > 1e-12 else -120.0


def correlation(a, b):
    norm = np.sqrt(np.dot(a, a) * np.dot(b, b))
    return float(np.dot(a, b) / norm) if norm > 1e-9 else 0.0


def match(here, there):
    """1 for the same sound, 0 for another one or none: correlation, less what is missing in level."""
    inner, own, other = np.dot(here, there), np.dot(here, here), np.dot(there, there)
    return float(inner / max(own, np.sqrt(own * other), 1e-9))


def gaps(ref, deg):
    """Blocks of `ref` with speech that are not found in `deg` where they should be."""
    ref, deg = band(ref, 150, 2000), band(deg, 150, 2000)
    starts = np.arange(BLOCK, len(ref) - 2 * BLOCK, BLOCK // 4)
    power = np.array([np.mean(ref[s : s + BLOCK] ** 2) for s in starts])
    floor = power.max() / 300
    found, drift = [], 0
    for start, loud in zip(starts, power):
        if loud < floor:
            continue
        here = ref[start : start + BLOCK]
        near = range(max(drift - 8, -WANDER), min(drift + 8, WANDER) + 1)
        scores = {s: match(here, deg[start + s : start + s + BLOCK]) for s in near}
        shift = max(scores, key=scores.get)
        if scores[shift] > 0.9:
            drift = shift
        power_left = np.mean(deg[start + shift : start + shift + BLOCK] ** 2) / loud
        if scores[shift] < GAP or power_left < 0.2:
            found.append({"at_ms": round(start * 1000 / RATE), "match": round(scores[shift], 3)})
    return found


def score(ref, deg):
    def of(rate, mode):
        try:
            return round(float(pesq(rate, resample(ref, RATE, rate), resample(deg, RATE, rate), mode)), 3)
        except NoUtterancesError:
            return 1.0  # nothing to hear

    return of(RATE, "wb"), of(8000, "nb")


def level_to(x, reference):
    """`x` as loud as `reference`; what is silent stays silent."""
    if active_level(x) < -100:
        return x
    return x * 10 ** ((active_level(reference) - active_level(x)) / 20)


def aligned(ref, deg):
    lag = best_lag(ref, deg)
    part, missing = cut(deg, lag, len(ref))
    return lag, part, missing


def main(argv):
    if len(argv) not in (3, 4):
        raise SystemExit(__doc__)
    signals = []
    for path in argv[1:]:
        samples, rate = read_wav(path)
        signals.append(resample(samples, rate, RATE))
    ref, deg = signals[0], signals[1]
    if len(deg) < BLOCK * 5:
        deg = np.concatenate([deg, np.zeros(BLOCK * 5)])
    lag, part, missing = aligned(ref, deg)
    silent = active_level(part) < -100
    level = active_level(part) - active_level(ref)
    out = {}
    if len(signals) == 3:
        ceiling = aligned(ref, signals[2])[1]
        out["ceiling_wb"], out["ceiling_nb"] = score(ref, level_to(ceiling, ref))
    else:
        ceiling = ref
    # The ceiling and the recording are set side by side anew: codecs differ by part of a sample.
    side_by_side = level_to(aligned(ceiling, deg)[1], ceiling)
    out["wb"], out["nb"] = (1.0, 1.0) if silent else score(ref, level_to(part, ref))
    found = gaps(ceiling, side_by_side)
    out.update(
        delay_ms=round(lag * 1000 / RATE, 2),
        correlation=round(correlation(band(ref, 300, 3400), band(part, 300, 3400)), 3),
        level_db=round(level, 2),
        missing_ms=round(missing, 1),
        gaps=found[:50],
        gap_count=len(found),
    )
    print(json.dumps(out))


if __name__ == "__main__":
    main(sys.argv)
