//! WAV files as sinks.

use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rtrb::{Consumer, Producer, RingBuffer};

use crate::units::SampleRate;

/// What the ring to the writing thread holds, in samples: 5 s at 48 kHz, for disks that think.
const RING: usize = 240_000;

/// How often the writing thread looks by itself, should nobody wake it. The media thread wakes it
/// each 50 ms; together they keep the file less than 100 ms behind the sound.
const LOOK: Duration = Duration::from_millis(80);

/// The longest file in samples: 2 GiB of sound, half of what a WAV header can count, 6 hours at
/// 48 kHz.
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

/// Writes what it is given to a WAV file while it comes: 16-bit, mono.
///
/// The disk is touched by a thread of its own, so that a slow one never holds the sound up. The
/// header always fits what is there, so that another program can read the file while it grows.
#[derive(Debug)]
pub struct Recorder {
    ring: Producer<i16>,
    state: Arc<Shared>,
    unannounced: usize,
    writer: Option<JoinHandle<()>>,
    path: PathBuf,
}

#[derive(Debug, Default)]
struct Shared {
    /// In hertz; zero until the sound begins.
    rate: AtomicU32,
    closing: AtomicBool,
    failed: AtomicBool,
    lost: AtomicU64,
}

impl Recorder {
    /// Makes the file, or empties the one that is there, and writes its header: whatever stands
    /// in the way is told here and not in the middle of a call.
    ///
    /// # Errors
    ///
    /// [`RecordError`], by what the person can do about it.
    pub fn create(path: &Path) -> Result<Recorder, RecordError> {
        let wrong = |source| refusal(path, source);
        let mut file = BufWriter::new(File::create(path).map_err(wrong)?);
        write_header(&mut file, SampleRate::FULL, 0).map_err(wrong)?;
        let (ring, samples) = RingBuffer::new(RING);
        let state = Arc::new(Shared::default());
        let shared = Arc::clone(&state);
        let writer = thread::Builder::new()
            .name("record".into())
            .spawn(move || {
                if write_all(file, samples, &shared).is_err() {
                    shared.failed.store(true, Ordering::Release);
                }
            })
            .map_err(|source| RecordError::Thread { source })?;
        let path = path.to_owned();
        Ok(Recorder {
            ring,
            state,
            unannounced: 0,
            writer: Some(writer),
            path,
        })
    }

    /// Says at which rate the sound comes. The first word counts: a file has one rate.
    pub fn begin(&mut self, rate: SampleRate) {
        let (relaxed, release) = (Ordering::Relaxed, Ordering::Release);
        let _ = self
            .state
            .rate
            .compare_exchange(0, rate.hz(), release, relaxed);
    }

    /// The file's rate; `None` until [`Recorder::begin`].
    #[must_use]
    pub fn rate(&self) -> Option<SampleRate> {
        SampleRate::new(self.state.rate.load(Ordering::Relaxed))
    }

    /// Queues samples, each −1 to 1, at the rate of [`Recorder::begin`]. Never waits: what the
    /// disk cannot follow is dropped and counted.
    pub fn write(&mut self, samples: &[f32]) {
        let fit = self.ring.slots().min(samples.len());
        if let Ok(chunk) = self.ring.write_chunk_uninit(fit) {
            chunk.fill_from_iter(samples.iter().map(|&sample| to_i16(sample)));
        }
        if fit < samples.len() {
            self.state
                .lost
                .fetch_add((samples.len() - fit) as u64, Ordering::Relaxed);
        }
        self.unannounced += samples.len();
        let per_wake = self.rate().unwrap_or(SampleRate::NARROW).hz() as usize / 20;
        if self.unannounced >= per_wake {
            self.unannounced = 0;
            if let Some(writer) = &self.writer {
                writer.thread().unpark();
            }
        }
    }

    /// Whether the file stopped growing: the disk is full, or the file as long as it may be.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.state.failed.load(Ordering::Acquire)
    }

    /// Samples that the disk was too slow for.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.state.lost.load(Ordering::Relaxed)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Recorder {
    /// Waits until everything is in the file.
    fn drop(&mut self) {
        self.state.closing.store(true, Ordering::Release);
        if let Some(writer) = self.writer.take() {
            writer.thread().unpark();
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

/// The writing thread, until the recorder is dropped or the disk refuses.
fn write_all(
    mut file: BufWriter<File>,
    mut samples: Consumer<i16>,
    shared: &Shared,
) -> io::Result<()> {
    let mut written = 0_u64;
    let mut block = Vec::with_capacity(RING * 2);
    loop {
        // Read before the ring: what came before the closing is then surely seen.
        let closing = shared.closing.load(Ordering::Acquire);
        let ready = samples.slots();
        if ready > 0 {
            let rate =
                SampleRate::new(shared.rate.load(Ordering::Acquire)).unwrap_or(SampleRate::FULL);
            block.clear();
            if let Ok(chunk) = samples.read_chunk(ready) {
                block.extend(chunk.into_iter().flat_map(i16::to_le_bytes));
            }
            written += ready as u64;
            if written > LONGEST {
                return Err(io::Error::from(io::ErrorKind::FileTooLarge));
            }
            // Sound first and its length afterwards: a reader in between sees less, never
            // more than there is.
            file.seek(io::SeekFrom::End(0))?;
            file.write_all(&block)?;
            file.flush()?;
            write_header(&mut file, rate, written)?;
        }
        if closing {
            return Ok(());
        }
        thread::park_timeout(LOOK);
    }
}

/// The 44 bytes before the sound (RIFF WAVE, PCM), written over those that are there.
fn write_header(file: &mut BufWriter<File>, rate: SampleRate, samples: u64) -> io::Result<()> {
    let data = u32::try_from(samples * 2).unwrap_or(u32::MAX - 36);
    let mut header = [0_u8; 44];
    let fields: [(usize, &[u8]); 13] = [
        (0, b"RIFF"),
        (4, &(data + 36).to_le_bytes()),
        (8, b"WAVE"),
        (12, b"fmt "),
        (16, &16_u32.to_le_bytes()),
        (20, &1_u16.to_le_bytes()),
        (22, &1_u16.to_le_bytes()),
        (24, &rate.hz().to_le_bytes()),
        (28, &(rate.hz() * 2).to_le_bytes()),
        (32, &2_u16.to_le_bytes()),
        (34, &16_u16.to_le_bytes()),
        (36, b"data"),
        (40, &data.to_le_bytes()),
    ];
    for (at, bytes) in fields {
        header[at..at + bytes.len()].copy_from_slice(bytes);
    }
    file.seek(io::SeekFrom::Start(0))?;
    file.write_all(&header)?;
    file.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("far.wav");
        let mut recorder = Recorder::create(&path).unwrap();
        recorder.begin(SampleRate::NARROW);
        recorder.write(&[0.5, -0.5, 2.0, -2.0, f32::NAN]);
        drop(recorder);
        let mut reader = hound::WavReader::open(&path).unwrap();
        let spec = reader.spec();
        assert_eq!(
            (spec.channels, spec.sample_rate, spec.bits_per_sample),
            (1, 8_000, 16)
        );
        let samples: Vec<i16> = reader.samples().map(Result::unwrap).collect();
        assert_eq!(samples, [16_384, -16_384, i16::MAX, i16::MIN, 0]);
    }

    #[test]
    fn a_file_without_sound_is_a_wav_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none.wav");
        let recorder = Recorder::create(&path).unwrap();
        assert_eq!(hound::WavReader::open(&path).unwrap().len(), 0);
        drop(recorder);
        assert_eq!(hound::WavReader::open(&path).unwrap().len(), 0);
    }

    #[test]
    fn the_first_rate_counts() {
        let folder = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::create(&folder.path().join("far.wav")).unwrap();
        assert_eq!(recorder.rate(), None);
        recorder.begin(SampleRate::WIDE);
        recorder.begin(SampleRate::FULL);
        assert_eq!(recorder.rate(), Some(SampleRate::WIDE));
    }

    #[test]
    fn a_path_that_cannot_be_written_is_told_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("no such folder/far.wav");
        assert!(matches!(
            Recorder::create(&missing),
            Err(RecordError::Unwritable { .. })
        ));
        assert!(matches!(
            Recorder::create(folder.path()),
            Err(RecordError::Unwritable { .. })
        ));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_at_once() {
        let full = Recorder::create(Path::new("/dev/full"));
        assert!(
            matches!(full, Err(RecordError::DiskFull { .. })),
            "{full:?}"
        );
    }

    #[test]
    fn a_file_that_grows_is_readable_at_every_moment() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("growing.wav");
        let mut recorder = Recorder::create(&path).unwrap();
        recorder.begin(SampleRate::NARROW);
        let mut seen = 0;
        let mut queued = 0_u32;
        // Reads as an outside program would; ends when the third block has been seen there.
        for _ in 0..2_000_000 {
            if queued < 1_200 && seen == queued {
                recorder.write(&[0.25; 400]);
                queued += 400;
            }
            let length = hound::WavReader::open(&path).unwrap().len();
            assert!(
                length >= seen && length <= queued,
                "{seen} then {length} of {queued}"
            );
            seen = length;
            if seen == 1_200 {
                break;
            }
        }
        assert_eq!(seen, 1_200);
    }
}
