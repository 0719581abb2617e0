"""PESQ of many pairs of recordings.

Reads `REFERENCE<tab>RECORDING` lines from standard input and writes for each, in that order, one
line `WB NB`: MOS-LQO by ITU-T P.862.2 and P.862.1; `1 1` where nothing is to be heard. WAV files,
16 kHz, 16 bit, mono. The recording may begin up to a second before or after the reference.
"""
import os
import sys
import wave
from multiprocessing import Pool

import numpy as np
from pesq import NoUtterancesError, pesq

RATE = 16000


def read(path):
    with wave.open(path, "rb") as f:
        return np.frombuffer(f.readframes(f.getnframes()), dtype="<i2").astype(np.float64) / 32768.0


def halved(x):
    """At 8 kHz, without delay."""
    spectrum = np.fft.rfft(x, len(x) + len(x) % 2)
    keep = len(spectrum) // 2 + 1
    fade = keep // 40
    out = spectrum[:keep].copy()
    out[-fade:] *= 0.5 * (1 + np.cos(np.linspace(0, np.pi, fade)))
    return np.fft.irfft(out, 2 * (keep - 1)) / 2


def aligned(ref, deg):
    """Both cut to what they have in common, by the one lag that fits the whole best."""
    size = 1 << int(np.ceil(np.log2(len(ref) + len(deg))))
    cross = np.fft.irfft(np.fft.rfft(deg, size) * np.conj(np.fft.rfft(ref, size)), size)
    lag = int(np.argmax(cross))
    lag = lag if lag < len(deg) else lag - size
    # A quarter of a second on either side, for what is later or earlier than the rest.
    margin = RATE // 4
    out = np.zeros(len(ref) + 2 * margin)
    first, last = max(0, margin - lag), min(len(out), len(deg) - lag + margin)
    if last > first:
        out[first:last] = deg[first + lag - margin : last + lag - margin]
    return np.concatenate([np.zeros(margin), ref, np.zeros(margin)]), out


def score(pair):
    ref, deg = aligned(*(read(path) for path in pair))

    def of(rate, a, b, mode):
        try:
            return float(pesq(rate, a, b, mode))
        except NoUtterancesError:
            return 1.0

    return of(RATE, ref, deg, "wb"), of(8000, halved(ref), halved(deg), "nb")


if __name__ == "__main__":
    pairs = [line.rstrip("\n").split("\t") for line in sys.stdin if line.strip()]
    with Pool(os.cpu_count()) as pool:
        for wb, nb in pool.imap(score, pairs, chunksize=4):
            print(f"{wb:.4f} {nb:.4f}", flush=True)
