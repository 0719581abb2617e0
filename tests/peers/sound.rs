//! The speech that goes through every call, and the verdict on what arrived.

use super::package_file;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What baresip's Opus encoder is set to, in bits a second.
pub(crate) const OPUS_BITRATE: u32 = 28_000;

/// How hard baresip's Opus encoder tries: as hard as Ramal's.
pub(crate) const OPUS_COMPLEXITY: u32 = 9;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    Opus,
    G722,
    Pcma,
    Pcmu,
}

impl Codec {
    /// As Ramal's `--codecs` and the scripts have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Codec::Opus => "opus",
            Codec::G722 => "g722",
            Codec::Pcma => "pcma",
            Codec::Pcmu => "pcmu",
        }
    }

    pub(crate) fn baresip_name(self) -> &'static str {
        match self {
            Codec::Opus => "opus/48000/2",
            Codec::G722 => "G722/16000/1",
            Codec::Pcma => "PCMA/8000/1",
            Codec::Pcmu => "PCMU/8000/1",
        }
    }

    /// Rate and channels at which baresip neither resamples nor mixes.
    pub(crate) fn baresip_format(self) -> (u32, u32) {
        match self {
            Codec::Opus => (48_000, 2),
            Codec::G722 => (16_000, 1),
            Codec::Pcma | Codec::Pcmu => (8_000, 1),
        }
    }

    /// Wide band is judged as wide band, the telephone's band as that.
    fn verdict_key(self) -> (&'static str, &'static str) {
        match self {
            Codec::Opus | Codec::G722 => ("wb", "ceiling_wb"),
            Codec::Pcma | Codec::Pcmu => ("nb", "ceiling_nb"),
        }
    }
}

/// What one recording is worth beside what the codec could do.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) mos: f64,
    pub(crate) ceiling: f64,
    pub(crate) missing_ms: f64,
    pub(crate) gaps: u64,
    pub(crate) report: Value,
}

impl Verdict {
    /// Nothing lost, nothing cut, and no more than 0.1 of PESQ below the codec alone.
    pub(crate) fn is_clean(&self) -> bool {
        self.mos >= self.ceiling - 0.1 && self.gaps == 0 && self.missing_ms < 5.0
    }
}

/// The clip of the project: a reading from LibriVox, 16 kHz.
pub(crate) fn original() -> PathBuf {
    package_file("tests/data/speech_16k.wav")
}

/// The same clip and some silence at a rate and number of channels, made once for all tests.
pub(crate) fn speech(rate: u32, channels: u32) -> PathBuf {
    made_once(&format!("speech-{rate}-{channels}.wav"), |target| {
        run_sound(&[
            "resample".as_ref(),
            original().as_ref(),
            target,
            rate.to_string().as_ref(),
            channels.to_string().as_ref(),
            // A phone whose file ends may hang up over it.
            "20".as_ref(),
        ]);
    })
}

/// What another implementation of the codec leaves of the clip.
pub(crate) fn ceiling(codec: Codec) -> PathBuf {
    made_once(&format!("ceiling-{}.wav", codec.name()), |target| {
        run_sound(&[
            "ceiling".as_ref(),
            codec.name().as_ref(),
            original().as_ref(),
            target,
        ]);
    })
}

/// What is left of the clip after the encoder that the far end heard, with no network between.
///
/// G.711 and G.722 leave an encoder no choice, so the other implementation stands for both. An
/// Opus encoder chooses, and Ramal's own is to be compared with itself.
pub(crate) fn ceiling_of_ramal(codec: Codec, folder: &Path) -> PathBuf {
    if codec != Codec::Opus {
        return ceiling(codec);
    }
    let target = folder.join("ceiling-of-ramal.wav");
    let output = Command::new(env!("CARGO_BIN_EXE_ramal"))
        .args(["bench", "codec", "--codec", codec.name(), "--in"])
        .arg(original())
        .arg("--out")
        .arg(&target)
        .output()
        .expect("ramal runs");
    assert!(
        output.status.success() && target.exists(),
        "ramal bench codec: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    target
}

/// A copy of a recording with one known fault: `loss1`, `gap`, `splice`, `silence`, `clip`, `noise`.
pub(crate) fn damaged(recording: &Path, fault: &str) -> PathBuf {
    let target = recording.with_extension(format!("{fault}.wav"));
    run_sound(&[
        "damage".as_ref(),
        fault.as_ref(),
        recording.as_ref(),
        target.as_ref(),
    ]);
    target
}

/// A mono file of speech at another rate, said over and over for two minutes: baresip ends with its
/// file.
pub(crate) fn said_over(file: &Path, rate: u32) -> PathBuf {
    let name = file.file_stem().expect("a file").to_string_lossy();
    let once = made_once(&format!("{name}-{rate}.wav"), |target| {
        let rate = rate.to_string();
        run_sound(&["resample".as_ref(), file.as_ref(), target, rate.as_ref()]);
    });
    made_once(&format!("{name}-{rate}-over.wav"), |target| {
        let mut reader = hound::WavReader::open(&once).expect("a file just made");
        let spec = reader.spec();
        let samples = reader.samples::<i16>().map(|sample| sample.expect("whole"));
        let samples: Vec<i16> = samples.collect();
        let mut over = hound::WavWriter::create(Path::new(target), spec).expect("a file");
        for sample in samples.iter().cycle().take(120 * rate as usize) {
            over.write_sample(*sample).expect("there is room");
        }
        over.finalize().expect("there is room");
    })
}

/// How much of each voice, said over and over, is in the last seconds of a recording: the highest
/// correlation, 0 to 1.
pub(crate) fn voices(recording: &Path, voices: &[&Path]) -> Vec<f64> {
    let output = Command::new(python())
        .arg(package_file("scripts/sound.py"))
        .arg("voices")
        .arg(recording)
        .args(voices)
        .output()
        .expect("the sound tools run");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let shares = said.lines().map(|line| line.parse().expect("a number"));
    shares.collect()
}

/// Compares a recording with the clip, and with what the codec alone makes of it.
pub(crate) fn judge(codec: Codec, recording: &Path, ceiling: &Path) -> Verdict {
    // Calls that are still going on come first.
    let output = Command::new("nice")
        .args(["-n", "19"])
        .arg(python())
        .arg(package_file("scripts/pesq.py"))
        .arg(original())
        .arg(recording)
        .arg(ceiling)
        .output()
        .expect("PESQ runs");
    assert!(
        output.status.success(),
        "{}: {}",
        recording.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    let report: Value = serde_json::from_slice(&output.stdout).expect("pesq.py writes JSON");
    let number = |key: &str| report[key].as_f64().expect("the report is whole");
    let (mos, ceiling) = codec.verdict_key();
    Verdict {
        mos: number(mos),
        ceiling: number(ceiling),
        missing_ms: number("missing_ms"),
        gaps: report["gap_count"].as_u64().expect("the report is whole"),
        report: report.clone(),
    }
}

/// The verdict, also in words.
fn told(who: &str, codec: Codec, recording: &Path, ceiling: &Path) -> Verdict {
    let verdict = judge(codec, recording, ceiling);
    println!(
        "{who}: {} PESQ {:.2} of {:.2}, delay {} ms",
        codec.name(),
        verdict.mos,
        verdict.ceiling,
        verdict.report["delay_ms"]
    );
    verdict
}

/// One recording to be judged: who heard it, and beside which ceiling.
pub(crate) struct Heard {
    pub(crate) who: &'static str,
    pub(crate) recording: PathBuf,
    pub(crate) ceiling: PathBuf,
}

/// Makes a call and fails unless everything that was heard is clean.
///
/// A machine that stood still for longer than the buffers hold has spoilt the call for both sides.
/// A witness looks for that; such a call proves nothing and is made once more. It does not see
/// everything: a peer alone may have been kept from the processor. So a call without an excuse is
/// made again too, and the third of those fails.
/// Calls that are made again wait for each other, so that a busy machine gets quieter.
pub(crate) fn assert_clean_call(codec: Codec, mut call: impl FnMut() -> Vec<Heard>) {
    const TRIES: usize = 8;
    const UNEXCUSED: usize = 3;
    let mut unexcused = 0;
    static AGAIN: Mutex<()> = Mutex::new(());
    for attempt in 1..=TRIES {
        let _alone = (attempt > 1).then(|| AGAIN.lock().unwrap_or_else(PoisonError::into_inner));
        let witness = Witness::start();
        let heard = call();
        let stood_still = witness.longest_pause();
        let spoilt: Vec<String> = heard
            .iter()
            .filter_map(|h| {
                let verdict = told(h.who, codec, &h.recording, &h.ceiling);
                (!verdict.is_clean()).then(|| format!("{}: {verdict:?}", h.who))
            })
            .collect();
        if spoilt.is_empty() {
            return;
        }
        unexcused += usize::from(stood_still <= Duration::from_millis(25));
        assert!(
            unexcused < UNEXCUSED && attempt < TRIES,
            "longest pause {stood_still:?}; {}",
            spoilt.join("\n")
        );
        println!("the machine stood still for {stood_still:?}: once more");
    }
}

/// Wakes up every 5 ms and notes by how much it overslept: what any media thread suffers too.
struct Witness {
    over: Arc<AtomicBool>,
    watching: JoinHandle<Duration>,
}

impl Witness {
    fn start() -> Witness {
        let over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&over);
        let watching = std::thread::Builder::new()
            .name("witness".to_owned())
            .spawn(move || {
                let tick = Duration::from_millis(5);
                let mut longest = Duration::ZERO;
                while !told.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    std::thread::sleep(tick);
                    longest = longest.max(began.elapsed().saturating_sub(tick));
                }
                longest
            })
            .expect("threads can be started");
        Witness { over, watching }
    }

    fn longest_pause(self) -> Duration {
        self.over.store(true, Ordering::Relaxed);
        self.watching.join().expect("the witness cannot panic")
    }
}

fn run_sound(arguments: &[&std::ffi::OsStr]) {
    let output = Command::new(python())
        .arg(package_file("scripts/sound.py"))
        .args(arguments)
        .output()
        .expect("the sound tools run");
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The interpreter that `scripts/setup.sh test` furnished with PESQ.
pub(crate) fn python() -> PathBuf {
    let python = package_file("target/pesq-venv/bin/python");
    assert!(python.exists(), "run scripts/setup.sh test first");
    python
}

/// A file in the build's folder, written by the first test that asks for it.
pub(super) fn made_once(name: &str, make: impl FnOnce(&std::ffi::OsStr)) -> PathBuf {
    static MAKING: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    let mut made = MAKING.lock().unwrap_or_else(|broken| broken.into_inner());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let target = folder.join(name);
    if !made.contains(&target) {
        make(target.as_ref());
        made.push(target.clone());
    }
    target
}
