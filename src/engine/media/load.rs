//! Sounds that come from files or are made by reckoning: on a thread of their own, since both
//! take longer than the media thread can wait.

use std::path::PathBuf;
use std::sync::Arc;

use super::ring::round_of;
use crate::audio::{Clip, ClipError};
use crate::dsp::resample::resample;
use crate::media::music::{self, HoldMusic};
use crate::media::plan::MediaId;
use crate::media::rings::{self, Ring};

/// What rings: one of ours, or a WAV file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RingSound {
    /// One of ours.
    Ours(Ring),
    /// A WAV file.
    File(PathBuf),
}

impl Default for RingSound {
    fn default() -> Self {
        RingSound::Ours(Ring::default())
    }
}

impl RingSound {
    /// As the settings have it: the name of one of ours, or the path of a file.
    #[must_use]
    pub fn of_setting(text: &str) -> RingSound {
        match Ring::named(text) {
            Some(ring) => RingSound::Ours(ring),
            None if text.is_empty() => RingSound::default(),
            None => RingSound::File(text.into()),
        }
    }
}

/// What is wanted.
#[derive(Debug)]
pub(super) enum Load {
    /// A ring tone: to ring with, or to be heard once.
    Ring { sound: RingSound, sample: bool },
    /// What is heard on hold.
    HoldMusic(HoldMusic),
    /// What one call is given instead of the microphone.
    Player { media: MediaId, path: PathBuf },
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Loaded {
    Ring {
        sound: Arc<[f32]>,
        sample: bool,
    },
    HoldMusic(Option<Clip>),
    Player {
        media: MediaId,
        clip: Clip,
    },
    /// The file cannot be played; in its place stands what is usual.
    Unusable {
        what: Unusable,
        path: PathBuf,
    },
}

/// A file that cannot be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It was to ring.
    Ringtone,
    /// It was to be heard on hold, or instead of the microphone.
    HoldMusic,
}

/// Does it.
pub(super) fn load(wanted: Load) -> Loaded {
    match wanted {
        Load::Ring { sound, sample } => match sound {
            RingSound::Ours(ring) => Loaded::Ring {
                sound: ring.render().into(),
                sample,
            },
            RingSound::File(path) => match ring_of(&path) {
                Ok(sound) => Loaded::Ring { sound, sample },
                Err(error) => unusable(Unusable::Ringtone, path, &error),
            },
        },
        Load::HoldMusic(HoldMusic::Off) => Loaded::HoldMusic(None),
        Load::HoldMusic(HoldMusic::Ours) => Loaded::HoldMusic(Some(ours())),
        Load::HoldMusic(HoldMusic::File(path)) => match levelled(&path) {
            Ok(clip) => Loaded::HoldMusic(Some(clip)),
            Err(error) => unusable(Unusable::HoldMusic, path, &error),
        },
        Load::Player { media, path } => match levelled(&path) {
            Ok(clip) => Loaded::Player { media, clip },
            Err(error) => unusable(Unusable::HoldMusic, path, &error),
        },
    }
}

/// The usual music.
pub(super) fn ours() -> Clip {
    Clip::from_samples(music::RATE, &music::render())
}

fn ring_of(path: &std::path::Path) -> Result<Arc<[f32]>, ClipError> {
    let clip = Clip::open(path)?;
    let unsupported = |_| ClipError::Unsupported {
        path: path.to_owned(),
    };
    // No more than is heard of it: half a minute.
    let most = clip.rate().hz() as usize * 31;
    let sound = &clip.samples()[..clip.samples().len().min(most)];
    let sound = resample(sound, clip.rate(), rings::RATE).map_err(unsupported)?;
    Ok(round_of(sound))
}

fn levelled(path: &std::path::Path) -> Result<Clip, ClipError> {
    let clip = Clip::open(path)?;
    let mut sound = clip.samples().to_vec();
    music::levelled(&mut sound);
    Ok(Clip::from_samples(clip.rate(), &sound))
}

fn unusable(what: Unusable, path: PathBuf, error: &ClipError) -> Loaded {
    tracing::warn!("sound file: {error}");
    Loaded::Unusable { what, path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_none_is_told_and_one_that_is_rings() {
        let folder = tempfile::tempdir().unwrap();
        let ring = |path: PathBuf| {
            load(Load::Ring {
                sound: RingSound::of_setting(path.to_str().unwrap()),
                sample: false,
            })
        };
        let broken = folder.path().join("broken.wav");
        std::fs::write(&broken, "no sound").unwrap();
        for path in [folder.path().join("none.wav"), broken] {
            assert!(matches!(
                ring(path),
                Loaded::Unusable {
                    what: Unusable::Ringtone,
                    ..
                }
            ));
        }
        let whole = folder.path().join("whole.wav");
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&whole, spec).unwrap();
        (0..8_000).for_each(|_| writer.write_sample(8_192_i16).unwrap());
        writer.finalize().unwrap();
        let Loaded::Ring { sound, .. } = ring(whole) else {
            panic!("unusable")
        };
        // A second of it at 48 kHz, and a second's pause.
        assert!((95_900..96_100).contains(&sound.len()), "{}", sound.len());
        assert!((sound[24_000] - 0.25).abs() < 0.01);
    }

    #[test]
    fn a_name_is_one_of_ours_and_everything_else_a_path() {
        assert_eq!(RingSound::of_setting("bell"), RingSound::Ours(Ring::Bell));
        assert_eq!(RingSound::of_setting(""), RingSound::Ours(Ring::Soft));
        let file = RingSound::File("/sounds/r.wav".into());
        assert_eq!(RingSound::of_setting("/sounds/r.wav"), file);
    }
}
