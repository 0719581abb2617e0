//! How the loudspeaker is heard in the microphone: how strong, and how late.
//!
//! A long adaptive filter at a low rate runs whenever something is played. Where its impulse
//! response stands out of its own uncertainty, there is the echo; how much of it there is, is how
//! strong the echo is. At 4 kHz this costs next to nothing.

use std::time::Duration;

use super::decimate::{DECIMATED, Decimator};
use super::kalman::Kalman;
use crate::voice::FRAME;
use crate::voice::report::EchoPath;

/// Blocks of 10 ms in which the echo is looked for.
const REACH: usize = 60;

/// Frames from one look to the next.
const LOOK: u32 = 10;

/// Samples in which energy is summed to find the first sound: 2 ms.
const PEAK: usize = 8;

/// Samples after the first sound that belong to the echo: 80 ms.
const TAIL: usize = 320;

/// Samples before it that do: 3 ms.
const HEAD: usize = 12;

/// How far the first sound stands out of the rest, as a power.
const STANDS_OUT: f32 = 30.0;

/// Power of what is played, in a frame, that tells something: −52 dBov.
const HEARD: f32 = 3e-6;

/// Frames with sound after which silence in the microphone means that there is no echo.
const ENOUGH: u32 = 120;

/// Looks that find the same before it is believed.
const CONFIRM: u32 = 3;

/// And before it is sure: voices that have nothing to do with each other look alike for a while.
const STEADY: u32 = 12;

/// Looks that find nothing before the path is taken to be gone: 1.5 s of far speech.
const MISSED: u32 = 15;

/// Frames in a row in which the filter does harm, after which the path is another one.
const HARM: u32 = 20;

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Found {
    /// The path; `None`: no echo stands out.
    pub(crate) path: Option<EchoPath>,
    /// Enough was played to say so.
    pub(crate) certain: bool,
    /// It has been found at the same place for more than a second.
    pub(crate) steady: bool,
}

/// The meter.
#[derive(Debug)]
pub(crate) struct PathMeter {
    far: Decimator,
    near: Decimator,
    filter: Kalman,
    response: Vec<f32>,
    heard: u32,
    /// Looks that have found the same.
    same: u32,
    /// Looks in a row that have found nothing.
    missed: u32,
    last_at: usize,
    until_look: u32,
    playing: u32,
    /// Power of the microphone and of what the filter leaves of it, smoothed.
    powers: [f32; 2],
    harm: u32,
    found: Found,
}

impl PathMeter {
    pub(crate) fn new() -> PathMeter {
        PathMeter {
            far: Decimator::new(),
            near: Decimator::new(),
            filter: Kalman::new(DECIMATED, REACH, 0, 12, 0.03, 0.97),
            response: vec![0.0; REACH * DECIMATED],
            heard: 0,
            same: 0,
            missed: 0,
            last_at: 0,
            until_look: LOOK,
            playing: 0,
            powers: [0.0; 2],
            harm: 0,
            found: Found::default(),
        }
    }

    /// What was found lately.
    pub(crate) fn found(&self) -> Found {
        self.found
    }

    /// Takes a frame of what is played and one of the microphone, as they belong together.
    pub(crate) fn observe(&mut self, played: &[f32; FRAME], microphone: &[f32; FRAME]) {
        let (mut far, mut near) = ([0.0; DECIMATED], [0.0; DECIMATED]);
        self.far.apply(played, &mut far);
        self.near.apply(microphone, &mut near);
        self.filter.render(&far);
        let power = far.iter().map(|s| s * s).sum::<f32>() / DECIMATED as f32;
        if power > HEARD {
            self.playing = REACH as u32;
            self.heard = self.heard.saturating_add(1);
        }
        if self.playing == 0 {
            return;
        }
        self.playing -= 1;
        let (mut error, mut echo) = ([0.0; DECIMATED], [0.0; DECIMATED]);
        self.filter.cancel(&near, &mut error, &mut echo);
        for (power, sound) in self.powers.iter_mut().zip([&near, &error]) {
            *power = 0.9 * *power + 0.1 * sound.iter().map(|s| s * s).sum::<f32>();
        }
        let harmful = self.powers[1] > 1.3 * self.powers[0];
        self.harm = if harmful { self.harm + 1 } else { 0 };
        if self.harm > HARM {
            self.harm = 0;
            self.filter.forget();
        }
        self.until_look -= 1;
        if self.until_look == 0 {
            self.until_look = LOOK;
            self.look();
        }
    }

    /// What is played is told so many frames later than before.
    pub(crate) fn shift(&mut self, frames: isize) {
        self.filter.shift(frames);
    }

    fn look(&mut self) {
        for part in 0..REACH {
            let place = &mut self.response[part * DECIMATED..][..DECIMATED];
            self.filter.response(part, place);
        }
        for sample in &mut self.response {
            *sample *= *sample;
        }
        let all: f32 = self.response.iter().sum();
        let (mut best, mut at) = (0.0, 0);
        let mut window: f32 = self.response[..PEAK].iter().sum();
        for n in PEAK..self.response.len() {
            if window > best {
                (best, at) = (window, n - PEAK);
            }
            window += self.response[n] - self.response[n - PEAK];
        }
        let first = at.saturating_sub(HEAD);
        let last = (at + TAIL).min(self.response.len());
        let inside: f32 = self.response[first..last].iter().sum();
        let outside = (all - inside).max(0.0) / (self.response.len() - (last - first)) as f32;
        let stands_out = best > STANDS_OUT * outside * PEAK as f32 && best > 1e-6;
        let energy = inside - outside * (last - first) as f32;
        let same = stands_out && at.abs_diff(self.last_at) <= PEAK;
        self.same = if same { self.same + 1 } else { 0 };
        self.last_at = at;
        self.found.steady = self.same >= STEADY;
        self.found.certain = self.heard >= ENOUGH;
        if stands_out && energy > 0.0 {
            self.missed = 0;
            if self.same + 1 >= CONFIRM {
                let hz = (100 * DECIMATED) as f32;
                let late = (at + PEAK / 2) as f32 / hz - Decimator::DELAY_DIFFERENCE;
                self.found.path = Some(EchoPath {
                    strength_db: 10.0 * energy.log10(),
                    delay: Duration::from_secs_f32(late.max(0.0)),
                });
            }
        } else if self.found.certain {
            // A path does not go within a breath; a filter that begins anew has to find it again.
            self.missed += 1;
            if self.missed >= MISSED {
                self.found.path = None;
            }
        }
    }
}
