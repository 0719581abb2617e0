//! Ramal with its window, as anybody would start it, and what it told and was told on the wire.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use ramal::ui::theme::Palette;
use x11rb::protocol::xproto::Window;

use super::picture::Picture;
use super::process::{Running, command, tail, wait_until};
use super::screen::{RETURN, SOON, Screen};

/// A running Ramal, its window, and the log of every SIP message.
pub(crate) struct Program<'a> {
    screen: &'a Screen,
    colors: &'static Palette,
    running: Running,
    /// The one on which everything happens.
    pub(crate) window: Window,
}

/// A message as it came out of a socket, of the phone or of the lab beside it.
pub(crate) struct Message(String);

impl Message {
    /// Whether it is an answer to a method with this status.
    pub(crate) fn answers(&self, method: &str, status: u16) -> bool {
        let method = format!(" {method}");
        self.0.starts_with(&format!("SIP/2.0 {status} "))
            && self
                .header("CSeq")
                .is_some_and(|cseq| cseq.ends_with(&method))
    }

    /// Whether it is a request for a URI that begins so.
    pub(crate) fn asks(&self, method: &str, uri: &str) -> bool {
        self.0.starts_with(&format!("{method} {uri}"))
    }

    /// The value of a header, as our own writer spells its name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.0
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// Whether it has this in it, the body included.
    pub(crate) fn says(&self, part: &str) -> bool {
        self.0.contains(part)
    }

    /// Whether it takes the registration back (RFC 3261 section 10.2.2).
    pub(crate) fn unregisters(&self) -> bool {
        self.asks("REGISTER", "sip:") && self.header("Expires") == Some("0")
    }
}

impl<'a> Program<'a> {
    /// Starts it in `home`, where its settings are and nobody else's, without a sound card.
    pub(crate) fn start(
        screen: &'a Screen,
        home: &Path,
        words: &[&str],
        colors: &'static Palette,
    ) -> Program<'a> {
        let log = home.join("ramal.log");
        let mut line = command(Path::new(env!("CARGO_BIN_EXE_ramal")));
        line.args(words)
            .env_clear()
            .env("DISPLAY", screen.name())
            .env("HOME", home)
            .env("LANG", "C.UTF-8")
            .env("RAMAL_LOG", "ramal=info,ramal::engine::sip_port=trace")
            // No sound card, on a machine that has one too.
            .env("ALSA_CONFIG_PATH", "/dev/null")
            .env("PULSE_SERVER", "unix:/nonexistent")
            .env("NO_COLOR", "1")
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("the log can be written"));
        let running = Running::spawn("ramal", log.clone(), &mut line);
        let window = screen.first_window(|| tail(&log, 30));
        Program {
            screen,
            colors,
            running,
            window,
        }
    }

    /// Waits until such a message has come out of a socket.
    #[track_caller]
    pub(crate) fn hears(&self, what: &str, wanted: impl Fn(&Message) -> bool) {
        let saying = || format!("{what}: not heard\n{}", self.account());
        let heard = || messages(&self.running.log_text()).iter().any(&wanted);
        wait_until(SOON, saying, || heard().then_some(()));
    }

    /// Waits until the window shows something.
    #[track_caller]
    pub(crate) fn shows<T>(&self, what: &str, wanted: impl Fn(&Picture) -> Option<T>) -> T {
        let saying = || format!("{what}: not on the window\n{}", self.account());
        wait_until(SOON, saying, || wanted(&self.screen.picture(self.window)))
    }

    /// Waits until the field of the first setup has the keyboard.
    #[track_caller]
    pub(crate) fn shows_focus(&self, what: &str, rows: std::ops::Range<u32>) {
        self.shows(what, |seen| {
            let frame = seen.first_row(self.colors.accent, FIELD)?;
            rows.contains(&frame).then_some(())
        });
    }

    /// Calls with the keyboard from the page that dials.
    #[track_caller]
    pub(crate) fn dial(&self, number: &str) {
        self.shows("the page that dials", |seen| {
            let open = seen.longest(self.colors.accent_soft) >= SECTION;
            (open && seen.button(self.colors.bad).is_none()).then_some(())
        });
        self.screen.type_text(number);
        self.shows("a number to call", |seen| seen.button(self.colors.accent));
        self.screen.press(&[], RETURN);
        let called = format!("sip:{number}@");
        self.hears("a first answer to the call", |m| {
            let theirs = m.header("To").is_some_and(|to| to.contains(&called));
            m.0.starts_with("SIP/2.0 ") && theirs
        });
    }

    /// [`Program::dial`], and waits until the call stands.
    #[track_caller]
    pub(crate) fn call(&self, number: &str) {
        self.dial(number);
        self.hears("its answer", |m| m.answers("INVITE", 200));
        self.shows("hang up", |seen| seen.button(self.colors.bad));
    }

    /// What it looks like, and the log's last lines, for a failure's message.
    pub(crate) fn account(&self) -> String {
        let seen = self.running.log().with_file_name("last-seen.png");
        self.screen.picture(self.window).save(&seen);
        let log = tail(self.running.log(), 60);
        format!("the window: {}\n{log}", seen.display())
    }

    /// What Ctrl-C at its terminal does.
    pub(crate) fn interrupt(&mut self) {
        self.running.interrupt();
    }

    /// Fails unless it ends by itself and well.
    #[track_caller]
    pub(crate) fn ends_well(&mut self) {
        let code = self.running.wait(SOON);
        assert_eq!(code, Some(0), "{}", self.account());
        let log = self.running.log_text();
        for word in ["ERROR", "panicked"] {
            assert!(!log.contains(word), "{}", self.account());
        }
    }
}

/// The frame of a field is at least so long.
const FIELD: u32 = 200;
/// The ground of the open section on the rail, in one row.
const SECTION: u32 = 20;

/// A folder to live in, with settings already written if there are any.
pub(crate) fn home(test: &str, settings: Option<&str>) -> PathBuf {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("window")
        .join(test);
    let _ = std::fs::remove_dir_all(&home);
    let folder = home.join(".config/ramal");
    std::fs::create_dir_all(&folder).expect("folders can be made");
    if let Some(settings) = settings {
        std::fs::write(folder.join("settings.toml"), settings).expect("files can be written");
    }
    home
}

/// `ramal lab` on a port of its own.
pub(crate) struct Lab {
    _running: Running,
    pub(crate) address: String,
}

impl Lab {
    pub(crate) fn start(folder: &Path) -> Lab {
        let log = folder.join("lab.log");
        let mut line = command(Path::new(env!("CARGO_BIN_EXE_ramal")));
        line.args(["lab", "--bind", "127.0.0.1:0", "--json"])
            .stdout(File::create(&log).expect("the log can be written"))
            .stderr(Stdio::null());
        let running = Running::spawn("lab", log.clone(), &mut line);
        let read = || {
            let text = std::fs::read_to_string(&log).ok()?;
            let line: serde_json::Value = serde_json::from_str(text.lines().next()?).ok()?;
            Some(line["address"].as_str()?.to_owned())
        };
        let address = wait_until(Duration::from_secs(10), || tail(&log, 10), read);
        Lab {
            _running: running,
            address,
        }
    }
}

/// Takes what came out of sockets from a log. A message begins on the line that names it and ends
/// before the next line of the log's own, which begins with the year.
fn messages(log: &str) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::new();
    let mut inside = false;
    for line in log.lines() {
        if line.starts_with("20") && line.contains(": ") {
            let message = line.split_once(" received remote=");
            let first = message.and_then(|(_, rest)| rest.split_once(' '));
            inside = first.is_some();
            messages.extend(first.map(|(_, first)| Message(format!("{first}\n"))));
        } else if inside && let Some(message) = messages.last_mut() {
            message.0.push_str(line);
            message.0.push('\n');
        }
    }
    messages
}
