//! Recorders on real files, and on a disk that is full.

use super::*;

const WAV: Layout = Layout {
    format: Format::Wav,
    channels: 1,
    serial: 1,
};
const OPUS: Layout = Layout {
    format: Format::OggOpus,
    channels: 2,
    serial: 1,
};

#[test]
fn what_is_recorded_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("far.wav");
    let mut recorder = Recorder::create(&path, WAV).unwrap();
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
    let recorder = Recorder::create(&path, WAV).unwrap();
    assert_eq!(hound::WavReader::open(&path).unwrap().len(), 0);
    drop(recorder);
    assert_eq!(hound::WavReader::open(&path).unwrap().len(), 0);
}

#[test]
fn the_first_rate_counts() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::create(&folder.path().join("far.wav"), WAV).unwrap();
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
        Recorder::create(&missing, WAV),
        Err(RecordError::Unwritable { .. })
    ));
    assert!(matches!(
        Recorder::create(folder.path(), WAV),
        Err(RecordError::Unwritable { .. })
    ));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_at_once() {
    let full = Recorder::create(Path::new("/dev/full"), WAV);
    assert!(
        matches!(full, Err(RecordError::DiskFull { .. })),
        "{full:?}"
    );
}

#[test]
fn a_file_that_grows_is_readable_at_every_moment() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("growing.wav");
    let mut recorder = Recorder::create(&path, WAV).unwrap();
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

/// A disk with room for so many bytes.
struct Small {
    file: io::Cursor<Vec<u8>>,
    room: u64,
    kept: Arc<std::sync::Mutex<Vec<u8>>>,
}

impl Write for Small {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.room.saturating_sub(self.file.position()) as usize;
        if left == 0 {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.file.write(&bytes[..bytes.len().min(left)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.kept.lock().unwrap().clone_from(self.file.get_ref());
        Ok(())
    }
}

impl Seek for Small {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Medium for Small {
    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.file.get_mut().truncate(bytes as usize);
        self.flush()
    }
}

/// What a small disk holds after so many seconds of sound, and whether it was full.
fn on_a_small_disk(layout: Layout, room: u64, seconds: usize) -> (Vec<u8>, bool) {
    let kept = Arc::default();
    let small = Small {
        file: io::Cursor::new(Vec::new()),
        room,
        kept: Arc::clone(&kept),
    };
    let (mut ring, samples) = RingBuffer::new(8_000 * 20 * usize::from(layout.channels));
    let shared = Shared::default();
    shared.rate.store(8_000, Ordering::Relaxed);
    shared.closing.store(true, Ordering::Relaxed);
    for n in 0..8_000 * seconds * usize::from(layout.channels) {
        ring.push((n * 7_919 % 20_000) as i16).unwrap();
    }
    let container = Container::new(layout.format, layout.channels, layout.serial);
    let outcome = write_all(small, container, samples, &shared);
    let full = outcome.is_err_and(|error| error.kind() == io::ErrorKind::StorageFull);
    let kept = kept.lock().unwrap().clone();
    (kept, full)
}

#[test]
fn a_disk_that_fills_up_leaves_a_file_that_reads() {
    let (file, full) = on_a_small_disk(WAV, 1 << 20, 2);
    assert!(!full);
    assert_eq!(
        hound::WavReader::new(file.as_slice()).unwrap().len(),
        16_000
    );
    let (file, full) = on_a_small_disk(WAV, 20_000, 2);
    assert!(full);
    assert_eq!(file.len(), 44, "no half block");
    assert_eq!(hound::WavReader::new(file.as_slice()).unwrap().len(), 0);
}

#[test]
fn an_opus_file_of_two_channels_is_written_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("both.opus");
    let mut recorder = Recorder::start(&path, OPUS).unwrap();
    recorder.begin(SampleRate::FULL);
    for _ in 0..300 {
        recorder.write(&[0.1; 960]);
    }
    recorder.finish();
    drop(recorder);
    let bytes = std::fs::read(&path).unwrap();
    assert!(bytes.starts_with(b"OggS\0\x02"));
    // The last page tells the whole length: three seconds behind 312 samples of look-ahead.
    let last = bytes
        .windows(5)
        .rposition(|five| five == b"OggS\0")
        .unwrap();
    assert_eq!(bytes[last + 5], 4);
    assert_eq!(
        bytes[last + 6..last + 14],
        (312_u64 + 3 * 48_000).to_le_bytes()
    );
}

/// Why this file stopped growing.
fn failure_of(path: &Path) -> Option<RecordFailure> {
    let mut recorder = Recorder::start(path, WAV).unwrap();
    recorder.write(&[0.1; 80]);
    recorder.finish();
    while !recorder.is_over() {
        thread::yield_now();
    }
    let why = recorder.take_failure();
    assert_eq!(recorder.take_failure(), None, "told once");
    assert_eq!(recorder.failure(), why);
    why
}

#[test]
fn a_file_that_cannot_be_made_in_mid_call_is_told_without_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a file, not a folder");
    std::fs::write(&file, "").unwrap();
    let below = file.join("call.wav");
    assert_eq!(failure_of(&below), Some(RecordFailure::Unwritable));
}

#[test]
fn a_folder_that_is_not_there_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Music/Ramal/call.wav");
    assert_eq!(failure_of(&path), None);
    assert_eq!(hound::WavReader::open(&path).unwrap().len(), 80);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_from_other_trouble() {
    assert_eq!(
        failure_of(Path::new("/dev/full")),
        Some(RecordFailure::DiskFull)
    );
}

#[test]
fn each_failure_is_kept_under_a_number_of_its_own() {
    for why in [
        RecordFailure::DiskFull,
        RecordFailure::TooLong,
        RecordFailure::Unwritable,
    ] {
        assert_eq!(RecordFailure::numbered(why.number()), Some(why));
    }
    assert_eq!(RecordFailure::numbered(0), None);
    let long = io::Error::from(io::ErrorKind::FileTooLarge);
    assert_eq!(RecordFailure::of(&long), RecordFailure::TooLong);
}
