//! What no compiler guards in a single package: which module may know which, who may read the
//! clock, and that nothing of one machine gets into the sources.

#[path = "tidy/source.rs"]
mod source;

use source::{Code, modules_named};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Who may name whom: a module, and the modules it may use besides itself.
///
/// Written out rather than computed from layers, because this table is the architecture: adding a
/// word to it is a decision.
const MAY_USE: &[(&str, &[&str])] = &[
    ("allocations", &[]),
    ("resident", &[]),
    ("units", &[]),
    ("redact", &[]),
    // Certificates as values: whoever opens, reports or shows a connection speaks of them.
    ("trust", &["units", "redact"]),
    // Pure cores; none of them knows another.
    ("sip", &["units", "redact"]),
    // A codec's name is its name in SDP, and candidates are lines of it.
    ("sdp", &["units", "redact", "codec", "nat"]),
    // Bodies; who carries them is no matter.
    ("events", &["units", "redact"]),
    ("nat", &["units", "redact"]),
    ("rtp", &["units", "redact"]),
    ("codec", &["units", "redact"]),
    ("dsp", &["units", "redact"]),
    // The microphone's side: echo, noise, gain.
    ("voice", &["units", "redact", "dsp"]),
    // The sound of one call.
    ("jitter", &["units", "redact", "rtp", "codec", "dsp"]),
    (
        "media",
        &["units", "redact", "nat", "rtp", "codec", "dsp", "jitter"],
    ),
    // The sound of a call, measured.
    (
        "bench",
        &[
            "units", "redact", "nat", "rtp", "codec", "dsp", "voice", "jitter", "media",
        ],
    ),
    // The phone.
    (
        "agent",
        &[
            "units", "redact", "trust", "sip", "events", "sdp", "nat", "rtp", "codec", "dsp",
            "jitter", "media",
        ],
    ),
    // The outside world carries bytes, samples and records, and decides nothing.
    ("net", &["units", "redact", "trust"]),
    ("audio", &["units", "redact"]),
    // What a person chose about the voice is kept as it is.
    ("store", &["units", "redact", "voice"]),
    ("platform", &["units", "redact"]),
    // Where clock, sockets, threads and cores meet.
    (
        "engine",
        &[
            "units", "redact", "trust", "sip", "events", "sdp", "nat", "rtp", "codec", "dsp",
            "voice", "jitter", "media", "agent", "net", "audio", "store", "platform",
        ],
    ),
    // A server on loopback: an engine of another kind, which borrows clock and sockets from ours.
    (
        "lab",
        &[
            "units", "redact", "sip", "events", "sdp", "nat", "rtp", "codec", "dsp", "jitter",
            "media", "agent", "net", "engine",
        ],
    ),
    // Sentences for what agent and engine say as data.
    (
        "i18n",
        &[
            "units", "redact", "trust", "events", "codec", "voice", "agent", "engine",
        ],
    ),
    // Faces: equals, so neither knows the other.
    (
        "cli",
        &[
            "units",
            "redact",
            "trust",
            "sip",
            "events",
            "sdp",
            "nat",
            "rtp",
            "codec",
            "dsp",
            "voice",
            "jitter",
            "media",
            "bench",
            "allocations",
            "resident",
            "agent",
            "net",
            "audio",
            "store",
            "platform",
            "engine",
            "lab",
            "i18n",
        ],
    ),
    (
        "ui",
        &[
            "units", "redact", "trust", "sip", "events", "sdp", "nat", "rtp", "codec", "dsp",
            "voice", "jitter", "media", "agent", "net", "audio", "store", "platform", "engine",
            "lab", "i18n",
        ],
    ),
];

/// Macros stand at the root of a crate, wherever they are written; here is where each belongs.
const MACROS: &[(&str, &str)] = &[("say", "i18n")];

/// Where the clock may be read: the one clock, and the two places that stamp what arrives.
const CLOCK_READERS: &[&str] = &["src/engine/clock.rs", "src/audio/", "src/net/"];

#[test]
fn each_module_names_only_those_it_may_use() {
    let mut wrong = Vec::new();
    for (path, code) in rust_sources() {
        let Some(module) = module_of(&path) else {
            continue; // lib.rs and main.rs put the modules together
        };
        wrong.extend(forbidden_uses(&module, &path, &code));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_module_outside_the_table_is_noticed() {
    let known: Vec<&str> = MAY_USE.iter().map(|(name, _)| *name).collect();
    let strangers: Vec<String> = rust_sources()
        .iter()
        .filter_map(|(path, _)| module_of(path))
        .filter(|module| !known.contains(&module.as_str()))
        .collect();
    assert!(strangers.is_empty(), "not in MAY_USE: {strangers:?}");
}

#[test]
fn every_forbidden_arrow_is_seen_however_it_is_written() {
    let seen = |module: &str, path: &str, text: &str| {
        forbidden_uses(module, Path::new(path), &Code::of(text)).len()
    };
    let sip = |text: &str| seen("sip", "src/sip/uri.rs", text);
    assert_eq!(sip("use crate::sdp::Session;"), 1);
    assert_eq!(sip("use crate::{units::Samples, sdp::{self, parser}};"), 1);
    assert_eq!(sip("fn f() -> super::super::engine::Clock {}"), 1);
    assert_eq!(sip("mod deep { use super::super::super::rtp; }"), 1);
    assert_eq!(sip("use crate::*;"), 1);
    assert_eq!(sip("use super::super::*;"), 1);
    assert_eq!(sip("use ramal::media::plan;"), 1);
    assert_eq!(seen("ui", "src/ui/app.rs", "crate::cli::run()"), 1);
    assert_eq!(seen("audio", "src/audio/mod.rs", "use super::net;"), 1);
}

#[test]
fn what_is_allowed_or_only_written_about_is_left_alone() {
    for text in [
        "use crate::units::Samples;",
        "use crate::{redact::Secret, sip::uri};",
        "use super::headers; use super::super::units::Dbov;",
        "mod tests { use super::*; use super::super::sip; }",
        "pub(crate) struct X; pub(in crate::sip) struct Y;",
        "/// See [`crate::sdp`]. \n// crate::engine\n/* crate::ui /* nested */ crate::cli */",
        "const A: &str = \"crate::sdp\"; const B: &str = r#\"crate::\"ui\"#; const C: char = '\"';",
        "fn life<'a>(x: &'a str) { let _ = ('\\'', x); } use self::parts::crate_like;",
    ] {
        let found = forbidden_uses("sip", Path::new("src/sip/uri.rs"), &Code::of(text));
        assert!(found.is_empty(), "{text}: {found:?}");
    }
}

#[test]
fn only_the_one_clock_reads_the_time() {
    let sources = rust_sources();
    let of_tests: Vec<Vec<String>> = sources
        .iter()
        .flat_map(|(path, code)| code.test_files(&inner_path(path)))
        .collect();
    let wrong: Vec<String> = sources
        .iter()
        .filter(|(path, _)| !of_tests.iter().any(|of| inner_path(path).starts_with(of)))
        .filter(|(path, _)| {
            let path = slashed(path);
            !CLOCK_READERS.iter().any(|may| path.starts_with(may))
        })
        .flat_map(|(path, code)| clock_reads(path, code))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_read_of_the_clock_is_seen_outside_tests_only() {
    let reads = |text: &str| clock_reads(Path::new("src/sip/timer.rs"), &Code::of(text)).len();
    assert_eq!(reads("let t = std::time::Instant::now();"), 1);
    assert_eq!(reads("let t = SystemTime :: now ();"), 1);
    assert_eq!(
        reads("#[cfg(test)] mod tests { let t = Instant::now(); }"),
        0
    );
    assert_eq!(reads("mod tests {} fn f() { Instant::now(); }"), 1);
    assert_eq!(
        reads("/// Never `Instant::now()`.\nfn f(now: Instant) {}"),
        0
    );
}

#[test]
fn no_file_names_a_folder_of_one_machine() {
    let mut wrong = Vec::new();
    for path in tracked_files() {
        let Ok(bytes) = std::fs::read(root().join(&path)) else {
            continue; // deleted in the working copy
        };
        let text = String::from_utf8_lossy(&bytes);
        for (number, line) in text.lines().enumerate() {
            if let Some(folder) = machine_folder(line) {
                wrong.push(format!("{}:{}: {folder}", slashed(&path), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_folder_of_one_machine_is_seen_in_a_line() {
    let separator = '/';
    let path = |parts: &[&str]| {
        parts
            .iter()
            .map(|p| format!("{separator}{p}"))
            .collect::<String>()
    };
    assert!(machine_folder(&format!("let p = \"{}\";", path(&["home", "ana", "x"]))).is_some());
    assert!(machine_folder(&format!("cd {}", path(&["Users", "ana"]))).is_some());
    assert!(machine_folder(&format!("see {}", path(&["work", "main"]))).is_some());
    assert!(machine_folder("https://example.org/homework/work").is_none());
    assert!(machine_folder("a/home or at $HOME/.config, src/work/x").is_none());
}

/// With zbus driven by tokio, the accessibility bridge of the window can panic in its own threads.
#[test]
fn no_crate_turns_on_tokio_in_zbus() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--invert", "zbus"])
        .args([
            "--depth",
            "0",
            "--prefix",
            "none",
            "--format",
            "{p} features: {f}",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let text = String::from_utf8_lossy(&tree.stdout);
    assert!(
        tree.status.success(),
        "{}",
        String::from_utf8_lossy(&tree.stderr)
    );
    let versions: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("zbus v"))
        .collect();
    assert_eq!(versions.len(), 1, "one zbus: {text}");
    let features = versions[0]
        .split("features: ")
        .nth(1)
        .expect("features are listed");
    assert!(features.split(',').any(|f| f == "async-io"), "{features}");
    assert!(!features.split(',').any(|f| f == "tokio"), "{features}");
}

/// The modules named in `code` that `module` may not use, a line each.
fn forbidden_uses(module: &str, path: &Path, code: &Code) -> Vec<String> {
    let allowed = MAY_USE
        .iter()
        .find(|(name, _)| *name == module)
        .map_or(&[][..], |(_, may)| *may);
    modules_named(code, &inner_path(path))
        .into_iter()
        .map(|mut used| {
            if let Some((_, home)) = MACROS.iter().find(|(name, _)| *name == used.name) {
                used.name = (*home).to_owned();
            }
            used
        })
        .filter(|used| used.name != module && !allowed.contains(&used.name.as_str()))
        .map(|used| format!("{}:{}: {module} → {}", slashed(path), used.line, used.name))
        .collect()
}

/// Reads of a clock in `code`, a line each; those in test modules are values to start from.
fn clock_reads(path: &Path, code: &Code) -> Vec<String> {
    ["Instant", "SystemTime"]
        .iter()
        .flat_map(|clock| code.lines_with_path(&[clock, "now"]))
        .map(|line| format!("{}:{line}: reads the clock", slashed(path)))
        .collect()
}

/// A folder that exists on one machine only, if the line names one by its absolute path.
fn machine_folder(line: &str) -> Option<&'static str> {
    ["home", "Users", "work", "root"]
        .into_iter()
        .find(|folder| {
            let needle = format!("/{folder}/");
            line.match_indices(&needle).any(|(at, _)| {
                // `a/home/b` and `host/home/` are parts of something longer.
                let before = line[..at].chars().next_back();
                let after = line[at + needle.len()..].chars().next();
                !before.is_some_and(|c| c.is_alphanumeric() || "._-/$~}*)]".contains(c))
                    && after.is_some_and(char::is_alphanumeric)
            })
        })
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Path below the package, with slashes on every system.
fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// `src/sip/uri.rs` → `sip`; `None` for the roots.
fn module_of(path: &Path) -> Option<String> {
    inner_path(path).into_iter().next()
}

/// The module path of a file: `src/sip/transaction/mod.rs` → `[sip, transaction]`.
fn inner_path(path: &Path) -> Vec<String> {
    let mut parts: Vec<String> = path
        .with_extension("")
        .components()
        .skip(1)
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    let last = parts.last().cloned().unwrap_or_default();
    if last == "mod" || (parts.len() == 1 && (last == "lib" || last == "main")) {
        parts.pop();
    }
    parts
}

/// Every Rust file under `src`, its path from the package's root.
fn rust_sources() -> Vec<(PathBuf, Code)> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).expect("src can be listed") {
            let entry = entry.expect("src can be listed");
            let path = folder.join(entry.file_name());
            if entry.file_type().expect("entries have a type").is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let text = std::fs::read_to_string(root().join(&path)).expect("sources are text");
                found.push((path, Code::of(&text)));
            }
        }
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    assert!(found.len() > 15, "the sources are where they were");
    found
}

/// What belongs to the project: the files that version control knows.
fn tracked_files() -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output()
        .expect("git runs");
    let files: Vec<PathBuf> = String::from_utf8_lossy(&listed.stdout)
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .collect();
    assert!(files.len() > 15, "the sources are under version control");
    files
}
