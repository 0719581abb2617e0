//! Two people in a call, one of them before a loudspeaker: what the microphone hears, and what
//! the chain makes of it.

use std::time::Duration;

use realfft::RealFftPlanner;

use super::call::Watch;
use super::noises::Noise;
use super::room;
use crate::voice::{FRAME, NearEnd, RATE, VoiceReport, VoiceSettings};

/// Active level of both voices, in dB of full scale.
const SPEECH_DB: f32 = -26.0;

/// What a microphone itself makes of noise.
const QUIET_DB: f32 = -72.0;

/// Where the loudspeaker of a laptop begins to bend, where `bent` is asked for.
const BENDS_AT: f32 = 0.12;

/// A scene. Everything in it follows from these.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The near voice at 48 kHz, 26 dB below full scale; empty: nobody.
    pub near: Vec<f32>,
    /// The far voice, which is repeated; empty: nobody.
    pub far: Vec<f32>,
    /// Level of the echo against the near voice's; `None`: a headset.
    pub echo_db: Option<f32>,
    /// From the loudspeaker's queue back into the microphone's frames.
    pub delay_ms: usize,
    /// By how much it becomes longer in mid-call.
    pub jump_ms: usize,
    /// How much faster the loudspeaker's clock goes.
    pub drift_ppm: f64,
    /// The loudspeaker bends what is loud.
    pub bent: bool,
    /// Noise in the room so far below the voice.
    pub noise_below_db: Option<f32>,
    /// Which.
    pub noise: Noise,
    /// What babble is made of.
    pub others: Vec<Vec<f32>>,
    /// Seconds before the near voice begins.
    pub lead_secs: usize,
    /// Which room, which noise.
    pub seed: u64,
}

impl Default for Scene {
    fn default() -> Scene {
        Scene {
            near: Vec::new(),
            far: Vec::new(),
            echo_db: Some(0.0),
            delay_ms: 40,
            jump_ms: 0,
            drift_ppm: 0.0,
            bent: false,
            noise_below_db: None,
            noise: Noise::Room,
            others: Vec::new(),
            lead_secs: 5,
            seed: 1,
        }
    }
}

/// What a scene sounds like.
#[derive(Clone, Debug)]
pub struct Sounds {
    /// What goes to the loudspeaker.
    pub far: Vec<f32>,
    /// What the microphone would hear of the near voice alone, with no other noise than its own.
    pub near: Vec<f32>,
    /// All that it hears.
    pub microphone: Vec<f32>,
}

/// What the chain made of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// As long as the microphone's sound, and in step with it.
    pub sent: Vec<f32>,
    /// At the end.
    pub report: VoiceReport,
    /// What the chain took of a processor for all of it, where that was watched.
    pub cpu: Option<Duration>,
    /// How often it asked for memory.
    pub allocations: Option<u64>,
}

impl Scene {
    /// What there is to hear: the lead, the near voice (or ten seconds), half a second more.
    #[must_use]
    pub fn sounds(&self) -> Sounds {
        let body = if self.near.is_empty() {
            480_000
        } else {
            self.near.len()
        };
        let lead = self.lead_secs * 48_000;
        let total = (lead + body + 24_000) / FRAME * FRAME;
        let mut near = vec![0.0; total];
        near[lead..lead + self.near.len()].copy_from_slice(&self.near);
        let far: Vec<f32> = if self.far.is_empty() {
            vec![0.0; total]
        } else {
            self.far.iter().copied().cycle().take(total).collect()
        };
        for (sample, own) in near.iter_mut().zip(Noise::Room.make(total, self.seed, &[])) {
            *sample += factor(QUIET_DB) * own;
        }
        let mut microphone = near.clone();
        if let Some(below) = self.noise_below_db {
            let noise = self.noise.make(total, self.seed, &self.others);
            for (sample, noise) in microphone.iter_mut().zip(noise) {
                *sample += factor(SPEECH_DB - below) * noise;
            }
        }
        if let (Some(echo_db), false) = (self.echo_db, self.far.is_empty()) {
            let echo = self.echo(&far);
            let gain = factor(echo_db + SPEECH_DB - active_db(&echo));
            for (sample, echo) in microphone.iter_mut().zip(echo) {
                *sample += gain * echo;
            }
        }
        Sounds {
            far,
            near,
            microphone,
        }
    }

    fn echo(&self, far: &[f32]) -> Vec<f32> {
        let played: Vec<f32> = if self.bent {
            let bend = |s: &f32| BENDS_AT * (s / BENDS_AT).tanh();
            far.iter().map(bend).collect()
        } else {
            far.to_vec()
        };
        let room = room::response(self.seed, 0.35);
        let heard = drifted(&convolved(&played, &room), self.drift_ppm);
        let half = heard.len() / 2;
        (0..heard.len())
            .map(|n| {
                let late = self.delay_ms + if n > half { self.jump_ms } else { 0 };
                n.checked_sub(late * 48).map_or(0.0, |from| heard[from])
            })
            .collect()
    }
}

/// Sends sounds through a chain, frame by frame.
#[must_use]
pub fn pass(sounds: &Sounds, settings: VoiceSettings, headset: bool) -> Outcome {
    pass_watched(sounds, settings, headset, &Nobody)
}

struct Nobody;

impl Watch for Nobody {
    fn cpu(&self) -> Option<Duration> {
        None
    }

    fn allocations(&self) -> Option<u64> {
        None
    }
}

/// The same, while somebody counts what the chain uses.
#[must_use]
pub fn pass_watched(
    sounds: &Sounds,
    settings: VoiceSettings,
    headset: bool,
    watch: &dyn Watch,
) -> Outcome {
    let mut chain = NearEnd::new(settings);
    chain.begin(headset);
    let mut sent = Vec::with_capacity(sounds.microphone.len());
    let before = (watch.cpu(), watch.allocations());
    let frames = sounds.far.chunks_exact(FRAME);
    for (far, near) in frames.zip(sounds.microphone.chunks_exact(FRAME)) {
        let (mut played, mut frame) = ([0.0; FRAME], [0.0; FRAME]);
        played.copy_from_slice(far);
        frame.copy_from_slice(near);
        chain.render(&played);
        chain.capture(&mut frame);
        sent.extend_from_slice(&frame);
    }
    let used = |before: Option<Duration>| Some(watch.cpu()? - before?);
    let (cpu, asked) = (used(before.0), watch.allocations());
    // The chain's own delay is known, and taken out.
    let late = RATE.samples_in(chain.report().delay);
    sent.rotate_left(late);
    Outcome {
        sent,
        report: chain.report(),
        cpu,
        allocations: asked.zip(before.1).map(|(after, before)| after - before),
    }
}

/// By how much `sent` is quieter than `microphone`, in dB.
#[must_use]
pub fn quieter_db(microphone: &[f32], sent: &[f32]) -> f32 {
    10.0 * (power(microphone) / power(sent).max(1e-12)).log10()
}

fn factor(db: f32) -> f32 {
    10.0_f32.powf(db / 20.0)
}

fn power(sound: &[f32]) -> f32 {
    sound.iter().map(|s| s * s).sum::<f32>() / sound.len().max(1) as f32
}

/// The mean level of the blocks of 20 ms that are within 30 dB of the loudest.
fn active_db(sound: &[f32]) -> f32 {
    let blocks: Vec<f32> = sound.chunks(960).map(power).collect();
    let top = blocks.iter().copied().fold(0.0, f32::max);
    let active: Vec<f32> = blocks.into_iter().filter(|p| *p > top / 1000.0).collect();
    10.0 * (active.iter().sum::<f32>() / active.len().max(1) as f32).log10()
}

fn convolved(sound: &[f32], response: &[f32]) -> Vec<f32> {
    let size = (sound.len() + response.len()).next_power_of_two();
    let mut planner = RealFftPlanner::<f64>::new();
    let (forward, inverse) = (
        planner.plan_fft_forward(size),
        planner.plan_fft_inverse(size),
    );
    let spectrum = |samples: &[f32]| {
        let mut time: Vec<f64> = samples.iter().map(|s| f64::from(*s)).collect();
        time.resize(size, 0.0);
        let mut out = forward.make_output_vec();
        forward.process(&mut time, &mut out).expect("sizes fit");
        out
    };
    let mut product = spectrum(sound);
    for (a, b) in product.iter_mut().zip(spectrum(response)) {
        *a *= b;
    }
    let mut time = vec![0.0; size];
    product[0].im = 0.0;
    product[size / 2].im = 0.0;
    inverse.process(&mut product, &mut time).expect("sizes fit");
    let scale = 1.0 / size as f64;
    time[..sound.len()]
        .iter()
        .map(|s| (s * scale) as f32)
        .collect()
}

/// As a clock hears it that goes slower by so much: 32 samples of a windowed sinc for each.
fn drifted(sound: &[f32], ppm: f64) -> Vec<f32> {
    if ppm == 0.0 {
        return sound.to_vec();
    }
    (0..sound.len())
        .map(|n| {
            let at = n as f64 * (1.0 - ppm * 1e-6);
            let middle = at.floor();
            let mut sum = 0.0;
            for step in -15..=16 {
                let place = middle + f64::from(step);
                if place >= 0.0 && (place as usize) < sound.len() {
                    let arc = std::f64::consts::PI * (place - at);
                    let sinc = if arc.abs() < 1e-9 {
                        1.0
                    } else {
                        arc.sin() / arc
                    };
                    let window = 0.5 + 0.5 * (arc / 16.5).cos();
                    sum += f64::from(sound[place as usize]) * sinc * window;
                }
            }
            sum as f32
        })
        .collect()
}

#[cfg(test)]
#[path = "echo_tests.rs"]
mod tests;
