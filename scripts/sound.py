#!/usr/bin/env python3
"""Sound tools of the tests: rates, codecs that are not Ramal's own, and planted faults.

  sound.py resample IN OUT RATE [CHANNELS [SILENCE]]   SILENCE: seconds to add at the end
  sound.py ceiling CODEC IN OUT          encode and decode IN by another implementation
  sound.py damage KIND IN OUT [SEED]     loss1 | gap | splice | silence | clip | noise
  sound.py voices RECORDING VOICE...     how much of each is in the recording's last seconds: the
                                         highest correlation of any second with any moment of a
                                         voice that is said over and over, 0 to 1, one a line

CODEC is opus, g722, pcma or pcmu. Opus and G.722 come from libopus and libspandsp, the shared
libraries that baresip brings along; G.711 is computed here from the formulas of ITU-T G.711.
"""
import ctypes
import ctypes.util
import sys
import wave

import numpy as np

PACKET_S = 0.02
CODEC_RATE = {"opus": 48000, "g722": 16000, "pcma": 8000, "pcmu": 8000}


def read_wav(path):
    """First channel of a 16-bit WAV as floats in -1..1, and its rate."""
    with wave.open(str(path), "rb") as f:
        if f.getsampwidth() != 2:
            raise SystemExit(f"{path}: want 16-bit samples, found {8 * f.getsampwidth()}")
        samples = np.frombuffer(f.readframes(f.getnframes()), dtype="<i2")
        return samples[:: f.getnchannels()].astype(np.float64) / 32768.0, f.getframerate()


def to_i16(samples):
    return np.clip(np.round(samples * 32768.0), -32768, 32767).astype("<i2")


def write_wav(path, samples, rate, channels=1):
    with wave.open(str(path), "wb") as f:
        f.setnchannels(channels)
        f.setsampwidth(2)
        f.setframerate(rate)
        f.writeframes(np.repeat(to_i16(samples), channels).tobytes())


def resample(samples, rate, new_rate):
    """Band-limited change of rate over the whole signal at once (zero phase, no delay)."""
    if rate == new_rate or len(samples) == 0:
        return samples
    pad = rate // 10
    x = np.concatenate([np.zeros(pad), samples, np.zeros(pad)])
    # A length that both rates divide keeps the result exactly in time.
    unit = rate // np.gcd(rate, new_rate)
    x = np.concatenate([x, np.zeros(-len(x) % unit)])
    spectrum = np.fft.rfft(x)
    new_len = len(x) * new_rate // rate
    out = np.zeros(new_len // 2 + 1, dtype=complex)
    keep = min(len(spectrum), len(out))
    out[:keep] = spectrum[:keep]
    # A short fade instead of a wall, so that the edge of the band does not ring.
    fade = max(1, keep // 40)
    out[keep - fade : keep] *= 0.5 * (1 + np.cos(np.linspace(0, np.pi, fade)))
    y = np.fft.irfft(out, new_len) * (new_len / len(x))
    start = pad * new_rate // rate
    return y[start : start + len(samples) * new_rate // rate]


def a_law(samples):
    """Through A-law and back (ITU-T G.711, 13 segments, A = 87.6)."""
    x = to_i16(samples).astype(int)
    magnitude = np.minimum(np.where(x >= 0, x, -x - 1) >> 4, 2047)
    # Steps double with each segment from 32 on; a value goes back to the middle of its step.
    shift = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(int) - 4, 0)
    decoded = ((magnitude >> shift) << shift) + 0.5 * (1 << shift)
    return np.where(x >= 0, decoded, -decoded) * 16 / 32768.0


def mu_law(samples):
    """Through mu-law and back (ITU-T G.711, 15 segments, mu = 255)."""
    x = to_i16(samples).astype(int)
    magnitude = np.minimum(np.abs(x) >> 2, 8158) + 33
    shift = np.floor(np.log2(magnitude)).astype(int) - 4
    decoded = ((magnitude >> shift) << shift) + (1 << shift) // 2 - 33
    return np.sign(x) * decoded * 4 / 32768.0


def library(*names):
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError:
            pass
    raise SystemExit(f"none of {', '.join(names)} can be loaded")


def g722(samples):
    """Through spandsp's G.722 at 64 kbit/s, 16 kHz in and out."""
    lib = library("libspandsp.so.2", "libspandsp.so.3", "libspandsp.so")
    lib.g722_encode_init.restype = lib.g722_decode_init.restype = ctypes.c_void_p
    encoder = ctypes.c_void_p(lib.g722_encode_init(None, 64000, 0))
    decoder = ctypes.c_void_p(lib.g722_decode_init(None, 64000, 0))
    pcm = to_i16(samples)
    pcm = np.concatenate([pcm, np.zeros(len(pcm) % 2, dtype="<i2")])
    coded = ctypes.create_string_buffer(len(pcm))
    size = lib.g722_encode(encoder, coded, pcm.ctypes.data_as(ctypes.c_void_p), len(pcm))
    out = np.zeros(len(pcm) + 32, dtype="<i2")
    count = lib.g722_decode(decoder, out.ctypes.data_as(ctypes.c_void_p), coded, size)
    return out[:count].astype(np.float64) / 32768.0


def opus(samples, bitrate=28000, channels=2):
    """Through libopus as baresip drives it: 48 kHz, 20 ms, AUDIO, the given bit rate."""
    lib = library("libopus.so.0", "libopus.so")
    lib.opus_encoder_create.restype = lib.opus_decoder_create.restype = ctypes.c_void_p
    error = ctypes.c_int()
    encoder = ctypes.c_void_p(lib.opus_encoder_create(48000, channels, 2049, ctypes.byref(error)))
    decoder = ctypes.c_void_p(lib.opus_decoder_create(48000, 1, ctypes.byref(error)))
    lib.opus_encoder_ctl(encoder, 4002, ctypes.c_int(bitrate))
    frame = int(48000 * PACKET_S)
    pcm = to_i16(np.concatenate([samples, np.zeros(-len(samples) % frame)]))
    packet = ctypes.create_string_buffer(1500)
    out = np.zeros(frame, dtype="<i2")
    pieces = []
    for start in range(0, len(pcm), frame):
        block = np.ascontiguousarray(np.repeat(pcm[start : start + frame], channels))
        size = lib.opus_encode(encoder, block.ctypes.data_as(ctypes.c_void_p), frame, packet, 1500)
        got = lib.opus_decode(decoder, packet, size, out.ctypes.data_as(ctypes.c_void_p), frame, 0)
        if size < 0 or got != frame:
            raise SystemExit(f"libopus: encoded {size}, decoded {got}")
        pieces.append(out.copy())
    return np.concatenate(pieces).astype(np.float64) / 32768.0


def ceiling(codec, samples, rate):
    """What is left of the signal when nothing but the codec happens to it; at the codec's rate."""
    through = {"opus": opus, "g722": g722, "pcma": a_law, "pcmu": mu_law}[codec]
    return through(resample(samples, rate, CODEC_RATE[codec])), CODEC_RATE[codec]


def active_packets(samples, rate):
    """Start of each 20 ms block whose power is within 20 dB of the loudest."""
    size = int(rate * PACKET_S)
    starts = np.arange(0, len(samples) - size, size)
    power = np.array([np.mean(samples[s : s + size] ** 2) for s in starts])
    return starts[power > power.max() / 100]


def damage(kind, samples, rate, seed=1):
    """A recording with one known fault in it, to see that the measure sees it."""
    y, size, random = samples.copy(), int(rate * PACKET_S), np.random.default_rng(seed)
    speech = active_packets(samples, rate)
    if kind == "loss1":
        # One in a hundred packets lost at random, wherever they fall; concealed by repetition.
        starts = np.arange(size, len(y) - size, size)
        lost = random.choice(starts, max(1, round(len(starts) / 100)), replace=False)
        for start in sorted(lost):
            y[start : start + size] = 0.5 * y[start - size : start]
    elif kind == "gap":
        # One packet missing in the middle of speech, and nothing put in its place.
        start = speech[len(speech) // 2]
        y[start : start + size] = 0
    elif kind == "splice":
        # One packet cut out and the rest pulled forward, as a clumsy buffer does.
        start = speech[len(speech) // 2]
        y = np.concatenate([y[:start], y[start + size :]])
    elif kind == "silence":
        y[:] = 0
    elif kind == "clip":
        y = np.clip(y * 8, -0.5, 0.5)
    elif kind == "noise":
        y = y + random.normal(0, 0.01, len(y))
    else:
        raise SystemExit(f"no such damage: {kind}")
    return y


def voices(recording, rate, files):
    """For each of `files`, how much the best second of the last six of `recording` is like it."""
    narrow = 8000
    heard = resample(recording, rate, narrow)[: -narrow // 2][-6 * narrow :]
    pieces = [heard[s : s + narrow] for s in range(0, len(heard) - narrow + 1, narrow // 2)]
    loud = max((np.sum(piece**2) for piece in pieces), default=0)
    shares = []
    for file in files:
        voice = resample(*read_wav(file), narrow)
        around = np.concatenate([voice, voice[:narrow]])
        size = 1 << int(np.ceil(np.log2(len(around) + narrow)))
        spectrum = np.fft.rfft(around, size)
        power = np.concatenate([[0], np.cumsum(around**2)])
        power = power[narrow:] - power[:-narrow]
        floor = power.max() / 10
        best = 0.0
        for piece in pieces:
            energy = np.sum(piece**2)
            if energy < loud / 10 or energy < 1e-6:
                continue
            cross = np.fft.irfft(spectrum * np.conj(np.fft.rfft(piece, size)), size)
            alike = cross[: len(power)] / np.sqrt(np.maximum(power, floor) * energy)
            best = max(best, float(np.max(alike)))
        shares.append(best)
    return shares


def main(argv):
    if len(argv) >= 5 and argv[1] == "resample":
        samples, rate = read_wav(argv[2])
        channels = int(argv[5]) if len(argv) > 5 else 1
        silence = np.zeros(int(argv[4]) * int(argv[6]) if len(argv) > 6 else 0)
        sound = np.concatenate([resample(samples, rate, int(argv[4])), silence])
        write_wav(argv[3], sound, int(argv[4]), channels)
    elif len(argv) == 5 and argv[1] == "ceiling" and argv[2] in CODEC_RATE:
        write_wav(argv[4], *ceiling(argv[2], *read_wav(argv[3])))
    elif len(argv) >= 5 and argv[1] == "damage":
        samples, rate = read_wav(argv[3])
        seed = int(argv[5]) if len(argv) > 5 else 1
        write_wav(argv[4], damage(argv[2], samples, rate, seed), rate)
    elif len(argv) >= 4 and argv[1] == "voices":
        print("\n".join(f"{share:.3f}" for share in voices(*read_wav(argv[2]), argv[3:])))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv)
