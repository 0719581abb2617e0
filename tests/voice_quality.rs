//! What the microphone's side leaves of a voice, by PESQ (ITU-T P.862.2), over the five talkers of
//! the project: where nothing disturbs it, it is to leave as it came.
#![expect(
    clippy::print_stdout,
    reason = "figures and a missing judge are told to whoever runs this"
)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ramal::bench::echo::{Scene, pass};
use ramal::dsp::resample::resample;
use ramal::units::SampleRate;
use ramal::voice::{NoiseChoice, VoiceSettings};

/// MOS-LQO of the sent voice against the microphone's, the median of the talkers.
const LEAST: f64 = 4.2;

const TALKERS: [&str; 5] = ["arctic_a", "arctic_b", "austen", "cards", "digits"];

fn package_file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The interpreter that `scripts/setup.sh test` furnished with PESQ. Only a machine that tests for
/// all has to have it.
fn judge() -> Option<PathBuf> {
    let python = package_file("target/pesq-venv/bin/python");
    if python.exists() {
        return Some(python);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "PESQ is missing; scripts/setup.sh test installs it"
    );
    println!("PASSED OVER, PESQ is missing; `make setup` installs it");
    None
}

fn voice(name: &str) -> Vec<f32> {
    let path = package_file("tests/data/speech").join(name);
    let mut file = hound::WavReader::open(path.with_extension("wav")).expect("a recording");
    let sound: Vec<f32> = file
        .samples::<i16>()
        .map(|sample| f32::from(sample.expect("whole")) / 32_768.0)
        .collect();
    resample(&sound, SampleRate::WIDE, SampleRate::FULL).expect("rates fit")
}

fn write(path: &Path, sound: &[f32]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = hound::WavWriter::create(path, spec).expect("the build's folder is there");
    for sample in resample(sound, SampleRate::FULL, SampleRate::WIDE).expect("rates fit") {
        let sample = (sample * 32_768.0).clamp(-32_768.0, 32_767.0) as i16;
        file.write_sample(sample).expect("written");
    }
    file.finalize().expect("written");
}

/// The scores of `REFERENCE<tab>RECORDING` lines, wide band.
fn scores(python: &Path, pairs: &str) -> Vec<f64> {
    let mut child = Command::new(python)
        .args(["-c", include_str!("../scripts/pesq_pairs.py")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("PESQ runs");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(pairs.as_bytes()).expect("PESQ listens");
    drop(stdin);
    let output = child.wait_with_output().expect("PESQ ends");
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| {
            let wide = line.split(' ').next().expect("two scores");
            wide.parse().expect("a number")
        })
        .collect()
}

/// The median over the talkers. `echo_db`: how loud the far side, which talks without a pause, is
/// heard in the room against the near voice; `None`: it is silent.
fn median(test: &str, echo_db: Option<f32>, settings: VoiceSettings) -> Option<f64> {
    let python = judge()?;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    std::fs::create_dir_all(&folder).expect("the build's folder can be written");
    let mut pairs = String::new();
    for (number, name) in TALKERS.into_iter().enumerate() {
        let far = TALKERS[(number + 1) % TALKERS.len()];
        let scene = Scene {
            near: voice(name),
            far: echo_db.map_or_else(Vec::new, |_| voice(far)),
            echo_db,
            seed: number as u64 + 1,
            ..Scene::default()
        };
        let sounds = scene.sounds();
        let sent = pass(&sounds, settings, false).sent;
        let from = scene.lead_secs * 48_000;
        let [came, left] = ["came", "left"].map(|side| folder.join(format!("{name}-{side}.wav")));
        write(&came, &sounds.microphone[from..]);
        write(&left, &sent[from..]);
        pairs += &format!("{}\t{}\n", came.display(), left.display());
    }
    let mut scores = scores(&python, &pairs);
    println!("{test}: {scores:?}");
    assert_eq!(scores.len(), TALKERS.len());
    scores.sort_by(f64::total_cmp);
    Some(scores[TALKERS.len() / 2])
}

#[test]
fn a_voice_is_left_as_it_is_while_the_far_side_is_silent() {
    let settings = VoiceSettings::default();
    if let Some(median) = median("voice-alone", None, settings) {
        assert!(median >= LEAST, "{median}");
    }
}

#[test]
fn a_voice_is_left_as_it_is_over_a_weak_echo() {
    let settings = VoiceSettings::default();
    for (test, echo_db) in [("voice-echo-34", -34.0), ("voice-echo-40", -40.0)] {
        if let Some(median) = median(test, Some(echo_db), settings) {
            assert!(median >= LEAST, "{echo_db} dB: {median}");
        }
    }
}

/// The measure itself: what takes more of a voice than the limits allow is seen.
#[test]
fn strong_suppression_is_seen_to_take_something_of_a_voice() {
    let settings = VoiceSettings {
        noise: NoiseChoice::High,
        ..VoiceSettings::default()
    };
    if let Some(median) = median("voice-high", None, settings) {
        assert!(median < LEAST, "{median}");
    }
}

#[test]
fn the_bench_tells_a_row_for_each_scene_and_sees_no_memory_asked_for() {
    let scenes = ["double-none", "far-10"];
    let output = Command::new(env!("CARGO_BIN_EXE_ramal"))
        .args(["bench", "voice", "--json", "--seeds", "1", "--scenes"])
        .arg(scenes.join(","))
        .arg("--speech")
        .arg(package_file("tests/data/speech"))
        .output()
        .expect("ramal runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let rows: Vec<serde_json::Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    let told: Vec<_> = rows.iter().map(|row| row["scene"].as_str()).collect();
    assert_eq!(told, scenes.map(Some));
    for row in &rows {
        assert_eq!(row["runs"], TALKERS.len(), "{row}");
        // Paths are forgotten and learnt anew on the way.
        assert_eq!(row["allocations"], 0.0, "{row}");
    }
    assert!(rows[0]["stoi"].as_f64() > Some(0.9), "{}", rows[0]);
    assert!(
        rows[1]["echo_removed_db"].as_f64() > Some(30.0),
        "{}",
        rows[1]
    );
}
