//! Scenes in which the microphone's side is measured.

use super::call::Watch;
use super::echo::{Outcome, Scene, Sounds, pass_watched, quieter_db};
use super::noises::Noise;
use super::stoi::stoi;
use crate::voice::{RATE, VoiceSettings};

const SECOND: usize = 48_000;

/// Seconds that the far side has talked before the near voice joins in.
const LEAD_SECS: usize = 5;

/// What happens. Levels of echo and noise are in dB against the near voice's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// One talks, in a quiet room; the far side is silent.
    Near,
    /// Only the far side talks, and is heard in the room so loud.
    Far(i32),
    /// Both talk at once. `None`: the microphone does not hear the loudspeaker.
    Double(Option<i32>),
    /// Both talk from the first moment after the device was opened; that second is measured.
    /// `None`: the microphone does not hear the loudspeaker.
    Start(Option<i32>),
    /// Only the far side talks, from the first moment on; that second is measured.
    StartFar(i32),
    /// One talks, so much louder than a noise.
    Noisy(Noise, i32),
}

impl Setting {
    /// All that are measured unless others are asked for.
    pub const ALL: [Setting; 21] = [
        Setting::Near,
        Setting::Far(-30),
        Setting::Far(-20),
        Setting::Far(-10),
        Setting::Double(None),
        Setting::Double(Some(-40)),
        Setting::Double(Some(-30)),
        Setting::Double(Some(-20)),
        Setting::Double(Some(-10)),
        Setting::Start(None),
        Setting::Start(Some(-10)),
        Setting::StartFar(-10),
        Setting::Noisy(Noise::Fan, 5),
        Setting::Noisy(Noise::Fan, 20),
        Setting::Noisy(Noise::Street, 5),
        Setting::Noisy(Noise::Street, 20),
        Setting::Noisy(Noise::Keyboard, 5),
        Setting::Noisy(Noise::Keyboard, 20),
        Setting::Noisy(Noise::Babble, 5),
        Setting::Noisy(Noise::Babble, 10),
        Setting::Noisy(Noise::Babble, 20),
    ];

    /// Its name on the command line and in JSON.
    #[must_use]
    pub fn name(self) -> String {
        let level = |db: Option<i32>| db.map_or("-none".to_owned(), |db| db.to_string());
        match self {
            Setting::Near => "near".to_owned(),
            Setting::Far(db) => format!("far{db}"),
            Setting::Double(db) => format!("double{}", level(db)),
            Setting::Start(db) => format!("start{}", level(db)),
            Setting::StartFar(db) => format!("start-far{db}"),
            Setting::Noisy(noise, db) => format!("{}+{db}", noise.name()),
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Setting> {
        Setting::ALL
            .into_iter()
            .find(|setting| setting.name() == name)
    }

    fn echo_db(self) -> Option<f32> {
        match self {
            Setting::Far(db) | Setting::StartFar(db) => Some(db as f32),
            Setting::Double(db) | Setting::Start(db) => db.map(|db| db as f32),
            Setting::Near | Setting::Noisy(..) => None,
        }
    }

    fn scene(self, talkers: &[Vec<f32>], who: usize, seed: u64) -> Scene {
        let near = &talkers[who % talkers.len()];
        let far = &talkers[(who + 1) % talkers.len()];
        let alone = matches!(self, Setting::Far(_) | Setting::StartFar(_));
        let (noise, noise_below_db) = match self {
            Setting::Noisy(noise, db) => (noise, Some(db as f32)),
            _ => (Noise::Room, None),
        };
        let others = (1..talkers.len()).map(|next| (who + next) % talkers.len());
        Scene {
            near: if alone { Vec::new() } else { near.clone() },
            far: match self {
                Setting::Near | Setting::Noisy(..) => Vec::new(),
                _ => far.clone(),
            },
            echo_db: self.echo_db(),
            noise,
            noise_below_db,
            others: others.map(|other| talkers[other].clone()).collect(),
            lead_secs: match self {
                Setting::Start(_) | Setting::StartFar(_) => 0,
                _ => LEAD_SECS,
            },
            seed,
            ..Scene::default()
        }
    }

    /// The part that is measured.
    fn measured(self, sounds: &Sounds) -> std::ops::Range<usize> {
        match self {
            Setting::Start(_) | Setting::StartFar(_) => 0..SECOND,
            // After that the canceller is to know the room.
            Setting::Far(_) => 2 * SECOND..sounds.far.len(),
            _ => LEAD_SECS * SECOND..sounds.far.len(),
        }
    }
}

/// What came of a scene.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The near voice as the microphone would hear it alone, 48 kHz.
    pub near: Vec<f32>,
    /// What was sent meanwhile, in step with it.
    pub sent: Vec<f32>,
    /// How much of the near voice is understood, 0 to 1; `None` where nobody speaks.
    pub understood: Option<f64>,
    /// How much quieter the far voice left than it came, in dB; `None` where it is not alone.
    pub removed_db: Option<f32>,
    /// Share of one core, where that was watched, in percent.
    pub cpu_pct: Option<f64>,
    /// How much later sound left than it came, in ms.
    pub delay_ms: f64,
    /// How often memory was asked for.
    pub allocations: Option<u64>,
}

/// Has talker `who` of several (48 kHz, 26 dB below full scale) go through a scene. The far side is
/// the one after, and so on around.
#[must_use]
pub fn measure(
    setting: Setting,
    talkers: &[Vec<f32>],
    who: usize,
    seed: u64,
    settings: VoiceSettings,
    watch: &dyn Watch,
) -> Measured {
    let scene = setting.scene(talkers, who, seed);
    let sounds = scene.sounds();
    let Outcome {
        sent,
        report,
        cpu,
        allocations,
    } = pass_watched(&sounds, settings, false, watch);
    let part = setting.measured(&sounds);
    let (near, sent) = (&sounds.near[part.clone()], &sent[part.clone()]);
    let heard = &sounds.microphone[part];
    let alone = scene.near.is_empty();
    let secs = sounds.microphone.len() as f64 / SECOND as f64;
    Measured {
        near: near.to_vec(),
        sent: sent.to_vec(),
        understood: (!alone).then(|| stoi(near, sent, RATE)),
        removed_db: alone.then(|| quieter_db(heard, sent)),
        cpu_pct: cpu.map(|cpu| 100.0 * cpu.as_secs_f64() / secs),
        delay_ms: report.delay.as_secs_f64() * 1e3,
        allocations,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_a_name_of_its_own_and_is_found_by_it() {
        for setting in Setting::ALL {
            assert_eq!(Setting::from_name(&setting.name()), Some(setting));
        }
        assert_eq!(Setting::from_name("double-15"), None);
    }

    #[test]
    fn the_far_side_is_never_the_near_one_and_silent_where_nobody_is_there() {
        let talkers = [vec![0.1; SECOND], vec![0.2; SECOND], vec![0.3; SECOND]];
        for (who, far) in [(0, 0.2), (1, 0.3), (2, 0.1)] {
            let scene = Setting::Double(None).scene(&talkers, who, 1);
            assert_eq!((scene.near[0], scene.far[0]), (talkers[who][0], far));
            assert!(Setting::Near.scene(&talkers, who, 1).far.is_empty());
            assert!(Setting::Far(-10).scene(&talkers, who, 1).near.is_empty());
            assert!(scene.others.iter().all(|other| other[0] != scene.near[0]));
        }
    }
}
