//! A PulseAudio server of the test's own: null sinks for cards, pipes for ears.
//!
//! Nobody else's server is touched: it has its own folder, and is named by its socket.

use super::process::{Running, command, find};
use super::{tail, wait_until};
use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Samples a second of all that is played and recorded here.
pub(crate) const RATE: usize = 48_000;

/// `O_NONBLOCK`: a pipe is opened whether or not the server has its other end yet.
const NONBLOCK: i32 = 0o4000;

pub(crate) struct SoundServer {
    folder: PathBuf,
    /// Where its sockets are: the system allows about a hundred bytes for their paths.
    runtime: tempfile::TempDir,
    modules: String,
    running: Option<Running>,
    started: usize,
}

impl SoundServer {
    /// Starts a server with these modules, a line each; the socket comes last, as it does where
    /// a desktop starts one.
    pub(crate) fn start(folder: &Path, modules: &[&str]) -> SoundServer {
        let runtime = tempfile::Builder::new()
            .prefix("ramal-pa")
            .tempdir()
            .expect("a temporary folder can be made");
        let mut server = SoundServer {
            folder: folder.to_owned(),
            modules: modules.join("\n"),
            runtime,
            running: None,
            started: 0,
        };
        server.begin();
        server
    }

    /// Starts it again after [`SoundServer::kill`]; answers when it took connections.
    pub(crate) fn begin(&mut self) -> Instant {
        let socket = self.socket();
        let script = self.folder.join("server.pa");
        let protocol = format!(
            "load-module module-native-protocol-unix auth-anonymous=1 socket={}",
            socket.display()
        );
        std::fs::write(&script, format!("{}\n{protocol}\n", self.modules)).expect("written");
        self.started += 1;
        let running = Running::start(
            &format!("pulseaudio-{}", self.started),
            &self.folder,
            self.environment(&mut command(
                &find("pulseaudio").expect("asked for with needs!"),
            ))
            .args(["-n", "--daemonize=no", "--exit-idle-time=-1"])
            .args(["--use-pid-file=no", "--log-target=stderr", "-F"])
            .arg(&script),
        );
        let log = running.log().to_owned();
        self.running = Some(running);
        let give_up = Instant::now() + Duration::from_secs(20);
        while UnixStream::connect(&socket).is_err() {
            assert!(Instant::now() < give_up, "{}", tail(&log, 20));
            std::thread::sleep(Duration::from_millis(1));
        }
        Instant::now()
    }

    /// As a crash does it: no goodbye, and the socket stays where it is.
    pub(crate) fn kill(&mut self) {
        if let Some(running) = &mut self.running {
            running.kill();
        }
        self.running = None;
    }

    /// What `PULSE_SERVER` says to whoever shall use this server.
    pub(crate) fn address(&self) -> String {
        format!("unix:{}", self.socket().display())
    }

    fn socket(&self) -> PathBuf {
        self.runtime.path().join("native")
    }

    fn environment<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("HOME", &self.folder)
            .env("XDG_RUNTIME_DIR", self.runtime.path())
            .env("PULSE_RUNTIME_PATH", self.runtime.path())
            .env("PULSE_STATE_PATH", self.runtime.path())
            .env("PULSE_COOKIE", self.runtime.path().join("cookie"))
            .env("PULSE_SERVER", self.address())
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .env_remove("DISPLAY")
    }

    /// `pactl`; gives what it says.
    pub(crate) fn pactl(&self, words: &[&str]) -> String {
        let pactl = find("pactl").expect("asked for with needs!");
        let mut command = Command::new(pactl);
        let output = self.environment(&mut command).args(words).output();
        let output = output.expect("pactl runs");
        assert!(output.status.success(), "pactl {words:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Plays samples into one channel of a sink, by another program.
    pub(crate) fn play(&self, sink: &str, channel: &str, samples: &[i16]) -> Running {
        let file = self.folder.join(format!("played-{sink}.raw"));
        let bytes: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
        std::fs::write(&file, bytes).expect("written");
        let mut player = command(&find("pacat").expect("asked for with needs!"));
        Running::start(
            "pacat",
            &self.folder,
            self.environment(&mut player)
                .args(["--playback", "--raw", "--format=s16le", "--rate=48000"])
                .args(["--channels=1", "--no-remix", "--no-remap"])
                .args(["--latency-msec=20", "-d", sink])
                .arg(format!("--channel-map={channel}"))
                .arg(&file),
        )
    }

    /// Records a source, two channels, into a raw file that is complete when it is ended.
    pub(crate) fn record(&self, source: &str) -> (Running, PathBuf) {
        let file = self.folder.join(format!("recorded-{source}.raw"));
        let out = std::fs::File::create(&file).expect("written");
        let mut recorder = command(&find("parec").expect("asked for with needs!"));
        let recorder = self
            .environment(&mut recorder)
            .args(["--raw", "--format=s16le", "--rate=48000", "--channels=2"])
            .args(["--latency-msec=20", "-d", source])
            .stdout(out);
        let log = self.folder.join("parec.log");
        (Running::spawn("parec", log, recorder), file)
    }

    /// Waits until the server has this many streams that play.
    pub(crate) fn wait_for_playing(&self, sink: &str) {
        let listed = || self.pactl(&["list", "short", "sinks"]);
        let runs = |list: &str| {
            list.lines()
                .any(|line| line.split('\t').nth(1) == Some(sink) && line.ends_with("RUNNING"))
        };
        wait_until(Duration::from_secs(15), listed, || {
            runs(&listed()).then_some(())
        });
    }
}

/// The two channels of a recording.
pub(crate) fn channels(raw: &Path) -> (Vec<f32>, Vec<f32>) {
    let bytes = std::fs::read(raw).expect("the recording can be read");
    let (samples, _) = bytes.as_chunks::<2>();
    let sample = |bytes: &[u8; 2]| f32::from(i16::from_le_bytes(*bytes)) / 32_768.0;
    let (frames, _) = samples.as_chunks::<2>();
    frames.iter().map(|[l, r]| (sample(l), sample(r))).unzip()
}

/// A tone, for so many seconds.
pub(crate) fn tone(hz: f32, seconds: usize) -> Vec<i16> {
    let sample = |at: usize| {
        let phase = at as f32 * hz / RATE as f32 * std::f32::consts::TAU;
        (phase.sin() * 12_000.0) as i16
    };
    (0..seconds * RATE).map(sample).collect()
}

/// How strong a tone is in sound of this rate: 1.0 for nothing but that tone at full scale.
pub(crate) fn strength(sound: &[f32], rate: usize, hz: f32) -> f32 {
    let (mut re, mut im) = (0.0, 0.0);
    for (at, sample) in sound.iter().enumerate() {
        let phase = at as f32 * hz / rate as f32 * std::f32::consts::TAU;
        re += sample * phase.cos();
        im += sample * phase.sin();
    }
    2.0 * re.hypot(im) / sound.len().max(1) as f32
}

/// Hears what a pipe sink plays, one channel of 16 bits, with the time at which it came.
pub(crate) struct Ear {
    heard: Arc<Mutex<Vec<(Instant, f32)>>>,
}

impl Ear {
    /// Makes the pipe that a `module-pipe-sink` shall write to.
    pub(crate) fn listen(pipe: &Path) -> Ear {
        let made = Command::new("mkfifo").arg(pipe).status();
        assert!(made.is_ok_and(|status| status.success()), "no pipe");
        // Open for writing as well, so that it has no end while the server is away.
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(NONBLOCK)
            .open(pipe)
            .expect("the pipe can be opened");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = Ear {
            heard: Arc::clone(&heard),
        };
        std::thread::Builder::new()
            .name("ear".into())
            .spawn(move || {
                let mut bytes = [0; 2 * RATE / 10];
                // Until the test is over, which drops its own end.
                while Arc::strong_count(&heard) > 1 {
                    match file.read(&mut bytes) {
                        Ok(length) => {
                            let now = Instant::now();
                            let (samples, _) = bytes[..length].as_chunks::<2>();
                            let levels = samples.iter().map(|bytes| {
                                (now, f32::from(i16::from_le_bytes(*bytes)) / 32_768.0)
                            });
                            heard.lock().expect("nobody panics here").extend(levels);
                        }
                        Err(_) => std::thread::sleep(Duration::from_millis(1)),
                    }
                }
            })
            .expect("threads can be started");
        ear
    }

    /// What was heard between two moments.
    pub(crate) fn between(&self, from: Instant, to: Instant) -> Vec<f32> {
        let heard = self.heard.lock().expect("nobody panics here");
        let within = heard.iter().filter(|(at, _)| (from..to).contains(at));
        within.map(|(_, sample)| *sample).collect()
    }

    /// When it first heard anything after this moment.
    pub(crate) fn first_sound_after(&self, from: Instant, patience: Duration) -> Instant {
        wait_until(
            from.saturating_duration_since(Instant::now()) + patience,
            || "nothing is heard".to_owned(),
            || {
                let heard = self.heard.lock().expect("nobody panics here");
                let loud = |(at, sample): &&(Instant, f32)| *at >= from && sample.abs() > 0.05;
                heard.iter().find(loud).map(|(at, _)| *at)
            },
        )
    }
}
