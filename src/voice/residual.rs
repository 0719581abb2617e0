//! How much echo is left behind the filter, and the gain against it.
//!
//! What is left is some part of the echo that was found, louder or quieter by frequency, and dies
//! away slower than it. Which part, is learnt from the moments when the near end is silent: near
//! speech leaves most frequencies alone most of the time, so the quieter moments tell.

use super::suppress::{BINS, Bins};

/// Bands in which the part is learnt.
const BANDS: usize = 16;

/// The first frequency of each band, and the end: 200 Hz wide below, a sixth of an octave above.
const EDGES: [usize; BANDS + 1] = [
    1, 5, 9, 13, 17, 22, 28, 35, 44, 55, 69, 86, 108, 135, 170, 240, BINS,
];

/// Reverberation of a room that dies by 60 dB in half a second, for 5 ms.
const DIES: f32 = 0.87;

/// Which of the moments tell: a quarter is quieter.
const QUIETER: f32 = 0.3;

/// What is left may be this much louder than the quieter moments say, in dB.
const ABOVE_DB: f32 = 7.0;

/// Steps in which it is learnt, in dB.
const STEP_DB: f32 = 0.5;

/// What is left as long as nothing is known, in dB.
const UNKNOWN_DB: f32 = -6.0;

/// The gain never falls lower: what is left then is nothing to hear.
const LEAST: f32 = 0.01;

/// How much of the last window's outcome is believed.
const MEMORY: f32 = 0.9;

#[derive(Debug)]
pub(super) struct Residual {
    /// What is left, against the echo found, in dB, by band.
    left_db: [f32; BANDS],
    /// The echo found, dying away.
    tail: Box<[f32; BINS]>,
    /// What came of the last window.
    kept: Box<[f32; BINS]>,
    /// Near sound against echo that is left, over all frequencies of speech, smoothed.
    near: f32,
    /// Gain over all.
    over_all: f32,
}

impl Residual {
    pub(super) fn new() -> Residual {
        Residual {
            left_db: [UNKNOWN_DB; BANDS],
            tail: Box::new([0.0; BINS]),
            kept: Box::new([0.0; BINS]),
            near: 1.0,
            over_all: 1.0,
        }
    }

    /// As new: the echo path is another one.
    pub(super) fn forget(&mut self) {
        self.left_db.fill(UNKNOWN_DB);
        self.tail.fill(0.0);
        self.kept.fill(0.0);
        (self.near, self.over_all) = (1.0, 1.0);
    }

    /// How likely what is heard is the near end, 0 to 1.
    pub(super) fn near(&self) -> f32 {
        self.near
    }

    /// Gains against echo, from the powers of this window. `floor` is the power of noise.
    pub(super) fn weigh(&mut self, bins: &mut Bins, floor: &[f32; BINS]) {
        for k in 0..BINS {
            self.tail[k] = (self.tail[k] * DIES).max(bins.echo[k]);
        }
        self.learn(bins, floor);
        let (mut all_left, mut all_sound, mut all_floor) = (1e-9, 1e-9, 0.0);
        for band in 0..BANDS {
            let part = 10.0_f32.powf((self.left_db[band] + ABOVE_DB) / 10.0);
            for (k, floor) in floor
                .iter()
                .enumerate()
                .take(EDGES[band + 1])
                .skip(EDGES[band])
            {
                let left = part * self.tail[k] + 1e-12;
                let sound = bins.sound[k];
                if (6..80).contains(&k) {
                    // Loud frequencies of the far voice do not outweigh all others.
                    all_left += left.min(sound * 2.0);
                    all_sound += sound;
                    all_floor += floor;
                }
                let ratio =
                    MEMORY * self.kept[k] / left + (1.0 - MEMORY) * (sound / left - 1.0).max(0.0);
                let gain = (ratio / (1.0 + ratio)).max(LEAST);
                self.kept[k] = gain * gain * sound;
                bins.against_echo[k] = gain;
            }
        }
        bins.against_echo[0] = bins.against_echo[1];
        // Whether anybody but the loudspeaker is heard at all.
        let beyond = ((all_sound - all_left - all_floor).max(0.0) / all_sound).clamp(0.0, 1.0);
        let keep = if beyond > self.near { 0.6 } else { 0.92 };
        self.near = keep * self.near + (1.0 - keep) * beyond;
        let wanted = ((self.near - 0.15) / 0.3).clamp(0.0, 1.0);
        let active = all_left > 0.5 * all_floor.max(1e-8);
        let wanted = if active { 0.03 + 0.97 * wanted } else { 1.0 };
        self.over_all += (wanted - self.over_all) * if wanted > self.over_all { 0.5 } else { 0.15 };
        for gain in &mut bins.against_echo {
            *gain = (*gain * self.over_all).max(LEAST);
        }
    }

    fn learn(&mut self, bins: &Bins, floor: &[f32; BINS]) {
        for band in 0..BANDS {
            let range = EDGES[band]..EDGES[band + 1];
            let (mut echo, mut tail, mut sound, mut noise) = (0.0, 0.0, 0.0, 0.0);
            for k in range {
                echo += bins.echo[k];
                tail += self.tail[k];
                sound += bins.sound[k];
                noise += floor[k];
            }
            // Only where there is echo to compare with, and it can be told from noise.
            if tail < 4.0 * noise + 1e-7 || echo < 0.02 * tail {
                continue;
            }
            let ratio = (sound - noise).max(1e-3 * tail) / tail;
            let ratio_db = 10.0 * ratio.log10();
            let left = &mut self.left_db[band];
            if ratio_db < *left {
                *left -= STEP_DB * (1.0 - QUIETER);
            } else {
                *left += STEP_DB * QUIETER;
            }
            *left = left.clamp(-35.0, 3.0);
        }
    }
}
