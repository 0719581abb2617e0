//! Files that calls are recorded to.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rtrb::{Consumer, Producer, RingBuffer};

use crate::media::recording::{Container, Format};
use crate::units::SampleRate;

/// What the ring to the writing thread holds, in samples of a channel: 5 s at 48 kHz, for disks
/// that think.
const RING: usize = 240_000;

/// How often in a second the media thread wakes the writing thread: each time costs both of them
/// several calls to the system, and nobody reads a growing file more closely.
const WAKES: usize = 5;

/// How often the writing thread looks by itself, should nobody wake it.
const LOOK: Duration = Duration::from_millis(250);

/// The longest file in samples of all channels: 2 GiB of sound, half of what a WAV header can
/// count, 3 hours of two channels at 48 kHz.
const LONGEST: u64 = 1 << 30;

/// Why a file cannot be recorded to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The file cannot be made: no such folder, no right, a folder of that name.
    #[error("file cannot be written: {path}")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no room.
    #[error("disk is full: {path}")]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The thread that writes could not be started.
    #[error("writing thread could not be started")]
    Thread {
        /// What the system said.
        source: io::Error,
    },
}

/// Why a recording stopped growing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordFailure {
    /// There is no room.
    DiskFull,
    /// The file is as long as it may be.
    TooLong,
    /// It cannot be made or written: the folder, the right to, the disk.
    Unwritable,
}

impl RecordFailure {
    fn of(error: &io::Error) -> RecordFailure {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => RecordFailure::DiskFull,
            io::ErrorKind::FileTooLarge => RecordFailure::TooLong,
            _ => RecordFailure::Unwritable,
        }
    }

    /// As it is kept in an atomic, zero standing for none.
    fn number(self) -> u8 {
        match self {
            RecordFailure::DiskFull => 1,
            RecordFailure::TooLong => 2,
            RecordFailure::Unwritable => 3,
        }
    }

    fn numbered(number: u8) -> Option<RecordFailure> {
        let all = [
            RecordFailure::DiskFull,
            RecordFailure::TooLong,
            RecordFailure::Unwritable,
        ];
        all.into_iter().find(|one| one.number() == number)
    }
}

/// What a file is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Its kind.
    pub(super) format: Format,
    /// 1 or 2.
    pub(super) channels: u16,
    /// Tells Ogg streams apart; random.
    pub(super) serial: u32,
}

/// Writes what it is given to a file while it comes: WAV of 16 bits, or Ogg Opus.
///
/// Disk and encoder are a thread's of its own, so that a slow one never holds the sound up. What
/// is in the file can be read while it grows: a WAV header always fits what is there, and an Ogg
/// page is out each second.
#[derive(Debug)]
pub(super) struct Recorder {
    ring: Producer<i16>,
    state: Arc<Shared>,
    channels: usize,
    unannounced: usize,
    writer: Option<JoinHandle<()>>,
    path: PathBuf,
    told: bool,
}

#[derive(Debug, Default)]
struct Shared {
    /// In hertz; zero until the sound begins.
    rate: AtomicU32,
    closing: AtomicBool,
    /// A [`RecordFailure`]; zero while there is none.
    failed: AtomicU8,
    lost: AtomicU64,
}

impl Recorder {
    /// Makes the file, or empties the one that is there, and writes its header: whatever stands
    /// in the way is told here and not in the middle of a call.
    ///
    /// # Errors
    ///
    /// [`RecordError`], by what the person can do about it.
    pub(super) fn create(path: &Path, layout: Layout) -> Result<Recorder, RecordError> {
        let wrong = |source| refusal(path, source);
        let mut file = File::create(path).map_err(wrong)?;
        let container = Container::new(layout.format, layout.channels, layout.serial);
        begin(&mut file, &container).map_err(wrong)?;
        Recorder::run(path, layout, container, move || Ok(file))
    }

    /// As [`Recorder::create`], without waiting for the disk: in the middle of a call. The folder is
    /// made too. What stands in the way is told by [`Recorder::failure`].
    ///
    /// # Errors
    ///
    /// No thread.
    pub(super) fn start(path: &Path, layout: Layout) -> Result<Recorder, RecordError> {
        let container = Container::new(layout.format, layout.channels, layout.serial);
        let to_make = path.to_owned();
        Recorder::run(path, layout, container, move || {
            if let Some(folder) = to_make.parent() {
                // What is wrong with it, the file says.
                let _ = std::fs::create_dir_all(folder);
            }
            File::create(to_make)
        })
    }

    fn run(
        path: &Path,
        layout: Layout,
        container: Container,
        open: impl FnOnce() -> io::Result<File> + Send + 'static,
    ) -> Result<Recorder, RecordError> {
        let channels = usize::from(layout.channels.clamp(1, 2));
        let (ring, samples) = RingBuffer::new(RING * channels);
        let state = Arc::new(Shared::default());
        let shared = Arc::clone(&state);
        let writer = thread::Builder::new()
            .name("record".into())
            .spawn(move || {
                let written = open().and_then(|file| write_all(file, container, samples, &shared));
                if let Err(error) = written {
                    tracing::warn!("recording: {error}");
                    let why = RecordFailure::of(&error);
                    shared.failed.store(why.number(), Ordering::Release);
                }
            })
            .map_err(|source| RecordError::Thread { source })?;
        Ok(Recorder {
            ring,
            state,
            channels,
            unannounced: 0,
            writer: Some(writer),
            path: path.to_owned(),
            told: false,
        })
    }

    /// Says at which rate the sound comes. The first word counts: a file has one rate.
    pub(super) fn begin(&mut self, rate: SampleRate) {
        let (relaxed, release) = (Ordering::Relaxed, Ordering::Release);
        let _ = self
            .state
            .rate
            .compare_exchange(0, rate.hz(), release, relaxed);
    }

    /// The file's rate; `None` until [`Recorder::begin`].
    #[must_use]
    pub(super) fn rate(&self) -> Option<SampleRate> {
        SampleRate::new(self.state.rate.load(Ordering::Relaxed))
    }

    /// Queues samples, each −1 to 1, interleaved where there are two channels, at the rate of
    /// [`Recorder::begin`]. Never waits: what the disk cannot follow is dropped and counted.
    pub(super) fn write(&mut self, samples: &[f32]) {
        // Whole frames, so that the channels never change places.
        let fit = self.ring.slots().min(samples.len()) / self.channels * self.channels;
        if let Ok(chunk) = self.ring.write_chunk_uninit(fit) {
            chunk.fill_from_iter(samples.iter().map(|&sample| to_i16(sample)));
        }
        if fit < samples.len() {
            self.state
                .lost
                .fetch_add((samples.len() - fit) as u64, Ordering::Relaxed);
        }
        self.unannounced += samples.len() / self.channels;
        let per_wake = self.rate().unwrap_or(SampleRate::NARROW).hz() as usize / WAKES;
        if self.unannounced >= per_wake {
            self.unannounced = 0;
            if let Some(writer) = &self.writer {
                writer.thread().unpark();
            }
        }
    }

    /// Why the file stopped growing, if it did.
    #[must_use]
    pub(super) fn failure(&self) -> Option<RecordFailure> {
        RecordFailure::numbered(self.state.failed.load(Ordering::Acquire))
    }

    /// The same, once.
    pub(super) fn take_failure(&mut self) -> Option<RecordFailure> {
        let why = self.failure()?;
        let told = std::mem::replace(&mut self.told, true);
        (!told).then_some(why)
    }

    /// Samples that the disk was too slow for.
    #[must_use]
    pub(super) fn lost(&self) -> u64 {
        self.state.lost.load(Ordering::Relaxed)
    }

    /// The file.
    #[must_use]
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Nothing follows: the thread brings the file to its end. Does not wait for it.
    pub(super) fn finish(&mut self) {
        self.state.closing.store(true, Ordering::Release);
        if let Some(writer) = &self.writer {
            writer.thread().unpark();
        }
    }

    /// Whether the thread has ended, after [`Recorder::finish`] or a failure: dropping it does
    /// not wait then.
    #[must_use]
    pub(super) fn is_over(&self) -> bool {
        self.writer.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Recorder {
    /// Waits until everything is in the file.
    fn drop(&mut self) {
        self.finish();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

fn to_i16(sample: f32) -> i16 {
    // Saturating: `as` clamps, and takes NaN to zero.
    (sample * 32_768.0).round() as i16
}

fn refusal(path: &Path, source: io::Error) -> RecordError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            RecordError::DiskFull { path, source }
        }
        _ => RecordError::Unwritable { path, source },
    }
}

/// What is written to: a file, or in tests one that is soon full.
trait Medium: Write + Seek {
    /// Cuts it to so many bytes.
    fn cut(&mut self, bytes: u64) -> io::Result<()>;
}

impl Medium for File {
    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)
    }
}

/// The header of a file that has one.
fn begin(file: &mut impl Medium, container: &Container) -> io::Result<()> {
    if let Some(header) = container.header() {
        file.seek(io::SeekFrom::Start(0))?;
        file.write_all(&header)?;
        file.flush()?;
    }
    Ok(())
}

/// The writing thread, until the recorder is dropped or the disk refuses.
fn write_all(
    mut file: impl Medium,
    mut container: Container,
    mut samples: Consumer<i16>,
    shared: &Shared,
) -> io::Result<()> {
    begin(&mut file, &container)?;
    let mut written = 0_u64;
    let mut sound: Vec<i16> = Vec::with_capacity(RING);
    let mut bytes = Vec::with_capacity(RING * 2);
    loop {
        // Read before the ring: what came before the closing is then surely seen.
        let closing = shared.closing.load(Ordering::Acquire);
        let ready = samples.slots();
        bytes.clear();
        if ready > 0 {
            let rate =
                SampleRate::new(shared.rate.load(Ordering::Acquire)).unwrap_or(SampleRate::FULL);
            sound.clear();
            if let Ok(chunk) = samples.read_chunk(ready) {
                sound.extend(chunk);
            }
            written += ready as u64;
            if written > LONGEST {
                return Err(io::Error::from(io::ErrorKind::FileTooLarge));
            }
            container
                .push(rate, &sound, &mut bytes)
                .map_err(io::Error::other)?;
        }
        if closing {
            container.finish(&mut bytes).map_err(io::Error::other)?;
        }
        if !bytes.is_empty() {
            // Sound first and its length afterwards: a reader in between sees less, never
            // more than there is.
            let end = file.seek(io::SeekFrom::End(0))?;
            if let Err(error) = file.write_all(&bytes).and_then(|()| file.flush()) {
                // Half a block is no use to anybody.
                let _ = file.cut(end);
                return Err(error);
            }
            begin(&mut file, &container)?;
        }
        if closing {
            return Ok(());
        }
        thread::park_timeout(LOOK);
    }
}

#[cfg(test)]
#[path = "recorder_tests.rs"]
mod tests;
