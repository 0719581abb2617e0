//! The fuzz targets, tried without a fuzzer: each over its corpus and over mutations of it by a
//! seed, with no panic, to an end, and within its bound of memory. What a night of `make fuzz`
//! finds is put into the corpus and tried here for good.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[path = "../fuzz/targets.rs"]
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use ramal::allocations::{self, Counted};
use targets::{TARGETS, Target};

#[global_allocator]
static ALLOCATOR: Counted = Counted;

/// Mutations of each target, unless `RAMAL_FUZZ_RUNS` says another number.
const RUNS: usize = 20_000;
/// No input is longer: a datagram is not.
const LONGEST: usize = 65_536;

/// A generator of numbers that is the same everywhere (Marsaglia's xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// What is known to be read by a target: its own seeds, and for signalling the torture messages.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut folders = vec![fuzz().join("corpus").join(name)];
    if matches!(name, "sip" | "stream" | "agent") {
        folders.extend([data.join("rfc4475"), data.join("rfc5118")]);
    }
    let mut seeds = Vec::new();
    for folder in folders {
        let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .collect();
        files.sort();
        let torture = folder.starts_with(&data);
        seeds.extend(files.iter().map(|path| {
            let bytes = std::fs::read(path).unwrap();
            match name {
                "agent" if torture => framed(&bytes),
                "stream" if torture => [&[40], bytes.as_slice()].concat(),
                _ => bytes,
            }
        }));
    }
    assert!(!seeds.is_empty(), "{name} has seeds");
    seeds
}

/// A person who answers, and one datagram.
fn framed(datagram: &[u8]) -> Vec<u8> {
    let length = u16::try_from(datagram.len()).unwrap().to_be_bytes();
    [&[1], length.as_slice(), datagram].concat()
}

/// The words that the format is made of.
fn dictionary(name: &str) -> Vec<Vec<u8>> {
    let path = fuzz().join("dictionaries").join(format!("{name}.dict"));
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let words: Vec<Vec<u8>> = text.lines().filter_map(word).collect();
    assert!(!words.is_empty(), "{name} has words");
    words
}

/// A line of a libFuzzer dictionary: `"text"` with `\\`, `\"` and `\xAB`.
fn word(line: &str) -> Option<Vec<u8>> {
    let text = line.strip_prefix('"')?.strip_suffix('"')?;
    let mut word = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match (byte, byte == b'\\') {
            (_, false) => word.push(byte),
            (_, true) => match bytes.next()? {
                b'x' => {
                    let digits = [bytes.next()?, bytes.next()?];
                    let digits = std::str::from_utf8(&digits).ok()?;
                    word.push(u8::from_str_radix(digits, 16).ok()?);
                }
                other => word.push(other),
            },
        }
    }
    Some(word)
}

fn mutate(input: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len() + 1);
    match random.below(16) {
        0..=3 => {
            if let Some(byte) = input.get_mut(at) {
                *byte = random.next().to_le_bytes()[0];
            }
        }
        4..=5 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        6..=7 => {
            let end = (at + 1 + random.below(12)).min(input.len());
            input.drain(at.min(end)..end);
        }
        8..=10 => {
            let word = &words[random.below(words.len())];
            input.splice(at..at, word.iter().copied());
        }
        11..=13 => {
            let other = &seeds[random.below(seeds.len())];
            let from = random.below(other.len());
            let to = (from + random.below(80)).min(other.len());
            input.splice(at..at, other[from..to].iter().copied());
        }
        14 => {
            // The same over and over: what is counted nowhere grows by it.
            let end = (at + random.below(64)).min(input.len());
            let part = input[at.min(end)..end].to_vec();
            let times = random.below(64);
            input.splice(at..at, part.repeat(times));
        }
        _ => input.truncate(at),
    }
    input.truncate(LONGEST);
}

/// Tries one input: what part of its bound was held, or what was wrong.
fn try_one(target: &Target, input: &[u8]) -> Result<f64, String> {
    let mut broken = None;
    let held = allocations::most_held(|| {
        broken = catch_unwind(AssertUnwindSafe(|| (target.run)(input))).err();
    });
    if let Some(panic) = broken {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        return Err(format!("panic: {}", said.unwrap_or_default()));
    }
    let bound = target.at_most + target.per_byte * input.len();
    if held > bound {
        return Err(format!("held {held} bytes of {bound} for {}", input.len()));
    }
    Ok(held as f64 / bound as f64)
}

/// Tries a target over its corpus and its mutations: what part of its bound it held at
/// most, or what was found.
fn try_target(target: &Target, runs: usize) -> Result<f64, String> {
    let mut most = 0.0_f64;
    let seeds = corpus(target.name);
    let words = dictionary(target.name);
    let told = |input: &[u8], what: String| {
        let shown: String = input.escape_ascii().take(600).map(char::from).collect();
        format!("{}: {what}\n{shown}", target.name)
    };
    for seed in &seeds {
        most = most.max(try_one(target, seed).map_err(|what| told(seed, what))?);
    }
    for run in 0..runs {
        let mut random = Random((run as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut input = seeds[run % seeds.len()].clone();
        for _ in 0..=random.below(6) {
            mutate(&mut input, &seeds, &words, &mut random);
        }
        let held = try_one(target, &input);
        most = most.max(held.map_err(|what| told(&input, format!("run {run}: {what}")))?);
    }
    Ok(most)
}

fn runs() -> usize {
    let told = std::env::var("RAMAL_FUZZ_RUNS").ok();
    told.map_or(RUNS, |told| told.parse().unwrap())
}

#[test]
fn nothing_that_others_write_breaks_a_reader_or_makes_it_grow() {
    let found: Vec<String> = std::thread::scope(|scope| {
        let tried = TARGETS.map(|target| {
            scope.spawn(move || {
                // The phone is tried whole: that takes as long as all others.
                let runs = if target.name == "agent" {
                    runs() / 10
                } else {
                    runs()
                };
                (target.name, try_target(&target, runs))
            })
        });
        let mut found = Vec::new();
        for (name, tried) in tried.map(|one| one.join().unwrap()) {
            match tried {
                Ok(held) => println!("{name}: {:.0} % of its bound at most", held * 100.0),
                Err(what) => found.push(what),
            }
        }
        found
    });
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn a_planted_panic_is_found() {
    fn planted(data: &[u8]) {
        assert!(
            !data.windows(2).any(|pair| pair == b"@@"),
            "the planted one"
        );
    }
    let target = Target {
        run: planted,
        ..TARGETS[0]
    };
    let found = try_target(&target, RUNS).unwrap_err();
    assert!(found.contains("the planted one"), "{found}");
}

#[test]
fn planted_growth_is_found() {
    fn planted(data: &[u8]) {
        // Quadratic: a header that is kept once for each header.
        let lines = data.iter().filter(|byte| **byte == b'\n').count();
        std::hint::black_box(vec![0_u8; 40 * lines * lines]);
    }
    let target = Target {
        run: planted,
        ..TARGETS[0]
    };
    let found = try_target(&target, RUNS).unwrap_err();
    assert!(found.contains("held"), "{found}");
}

#[test]
fn every_target_has_a_binary_seeds_and_words() {
    let manifest = std::fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for target in &TARGETS {
        let name = target.name;
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        let binary = fuzz().join("fuzz_targets").join(format!("{name}.rs"));
        assert!(binary.exists(), "{}", binary.display());
        corpus(name);
        dictionary(name);
    }
}
