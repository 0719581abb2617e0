//! Ramal itself, as anybody would run it: the program, its arguments, its lines of JSON.

use super::process::{Running, command, find, unprivileged};
use super::{DOMAIN, password, tail};
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

/// How long the next thing that should happen at once may take on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(15);

/// Names the program to be tried instead of the one that was built with the tests: what it costs is
/// worth measuring of an optimised build alone.
const PROGRAM: &str = "RAMAL_TEST_PROGRAM";

fn program() -> PathBuf {
    match std::env::var_os(PROGRAM) {
        Some(program) => program.into(),
        None => env!("CARGO_BIN_EXE_ramal").into(),
    }
}

/// Whether what it costs is that of the program people get.
pub(crate) fn is_optimised() -> bool {
    std::env::var_os(PROGRAM).is_some() || !cfg!(debug_assertions)
}

/// A command line under construction.
pub(crate) struct CommandLine {
    arguments: Vec<String>,
    password: Option<String>,
    environment: Vec<(String, String)>,
    privileged: bool,
    namespace: Option<String>,
}

impl CommandLine {
    /// `ramal call URI`, `ramal answer`, …
    pub(crate) fn new(words: &[&str]) -> CommandLine {
        CommandLine {
            arguments: words.iter().map(|word| (*word).to_owned()).collect(),
            password: None,
            environment: Vec::new(),
            privileged: true,
            namespace: None,
        }
    }

    pub(crate) fn with(mut self, words: &[&str]) -> CommandLine {
        self.arguments
            .extend(words.iter().map(|word| (*word).to_owned()));
        self
    }

    /// As a user of the registrar at `HOST:PORT`.
    pub(crate) fn account(self, user: &str, registrar: &str) -> CommandLine {
        let mut line = self.with(&[
            "--aor",
            &format!("sip:{user}@{DOMAIN}"),
            "--registrar",
            &format!("sip:{registrar}"),
            "--proxy",
            &format!("sip:{registrar};lr"),
        ]);
        line.password = Some(password(user));
        line
    }

    pub(crate) fn password(mut self, password: &str) -> CommandLine {
        self.password = Some(password.to_owned());
        self
    }

    /// Whose devices it uses, as `PULSE_SERVER` has it.
    pub(crate) fn sound_server(self, address: String) -> CommandLine {
        self.environment("PULSE_SERVER", &address)
    }

    /// A variable of its environment.
    pub(crate) fn environment(mut self, name: &str, value: &str) -> CommandLine {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// As somebody who may not raise priorities, even where the tests may.
    pub(crate) fn without_privilege(mut self) -> CommandLine {
        self.privileged = false;
        self
    }

    /// In a network of its own; needs `ip`.
    pub(crate) fn within(mut self, namespace: &str) -> CommandLine {
        self.namespace = Some(namespace.to_owned());
        self
    }

    pub(crate) fn start(self, folder: &Path, name: &str) -> Ramal {
        Ramal::start(folder, name, &self)
    }
}

/// A running Ramal and the events it has told of.
pub(crate) struct Ramal {
    running: Running,
    events: Receiver<Value>,
    seen: Vec<Value>,
    taken: Vec<bool>,
    complaints: PathBuf,
}

impl Ramal {
    fn start(folder: &Path, name: &str, line: &CommandLine) -> Ramal {
        let complaints = folder.join(format!("{name}.stderr"));
        let home = folder.join(format!("{name}-home"));
        std::fs::create_dir_all(&home).expect("folders can be made");
        let program = program();
        let mut ramal = if let Some(namespace) = &line.namespace {
            let mut ramal = command(&find("ip").expect("asked for with needs!"));
            ramal.args(["netns", "exec", namespace]).arg(&program);
            ramal
        } else if line.privileged {
            command(&program)
        } else {
            unprivileged(&program)
        };
        ramal
            .args(&line.arguments)
            .arg("--json")
            // Nobody's settings, keyring or screen.
            .env("HOME", &home)
            .env("LANG", "C.UTF-8")
            .env("LC_ALL", "C.UTF-8")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_DATA_HOME")
            .env_remove("XDG_STATE_HOME")
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("RAMAL_PASSWORD")
            .env_remove("PULSE_SERVER")
            .stdout(Stdio::piped())
            .stderr(File::create(&complaints).expect("the log can be written"));
        if let Some(password) = &line.password {
            ramal.env("RAMAL_PASSWORD", password);
        }
        for (name, value) in &line.environment {
            ramal.env(name, value);
        }
        let mut running = Running::spawn(name, complaints.clone(), &mut ramal);
        let lines = BufReader::new(running.child().stdout.take().expect("stdout is piped"));
        let (tell, events) = sync_channel(4096);
        std::thread::Builder::new()
            .name(format!("{name} events"))
            .spawn(move || {
                for line in lines.lines().map_while(Result::ok) {
                    let event = serde_json::from_str(&line)
                        .unwrap_or_else(|_| Value::String(format!("not JSON: {line}")));
                    if tell.send(event).is_err() {
                        break;
                    }
                }
            })
            .expect("threads can be started");
        Ramal {
            running,
            events,
            seen: Vec::new(),
            taken: Vec::new(),
            complaints,
        }
    }

    /// The first event of a kind that has not been asked for before.
    pub(crate) fn wait_for(&mut self, kind: &str, patience: Duration) -> Value {
        let give_up = Instant::now() + patience;
        loop {
            let next =
                (0..self.seen.len()).find(|at| !self.taken[*at] && self.seen[*at]["event"] == kind);
            if let Some(at) = next {
                self.taken[at] = true;
                return self.seen[at].clone();
            }
            let left = give_up.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(event) => self.keep(event),
                Err(RecvTimeoutError::Timeout) => panic!("no {kind} in time; {}", self.account()),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("ended without {kind}; {}", self.account())
                }
            }
        }
    }

    /// The next event of a kind, if it comes in time.
    pub(crate) fn next(&mut self, kind: &str, patience: Duration) -> Option<Value> {
        let give_up = Instant::now() + patience;
        loop {
            let next =
                (0..self.seen.len()).find(|at| !self.taken[*at] && self.seen[*at]["event"] == kind);
            if let Some(at) = next {
                self.taken[at] = true;
                return Some(self.seen[at].clone());
            }
            let left = give_up.saturating_duration_since(Instant::now());
            let event = self.events.recv_timeout(left).ok()?;
            self.keep(event);
        }
    }

    /// Waits for the end of the program and gives its exit code.
    pub(crate) fn exit_code(&mut self, patience: Duration) -> i32 {
        let code = self.running.wait(patience);
        while let Ok(event) = self.events.recv_timeout(Duration::from_secs(2)) {
            self.keep(event);
        }
        code.unwrap_or_else(|| panic!("ended by a signal; {}", self.account()))
    }

    /// Fails unless it ends with this exit code.
    pub(crate) fn ends_with(&mut self, code: i32, patience: Duration) {
        let ended = self.exit_code(patience);
        assert_eq!(ended, code, "{}", self.account());
    }

    /// Every event of a kind so far.
    pub(crate) fn all(&mut self, kind: &str) -> Vec<Value> {
        while let Ok(event) = self.events.try_recv() {
            self.keep(event);
        }
        self.seen
            .iter()
            .filter(|event| event["event"] == kind)
            .cloned()
            .collect()
    }

    /// What a person sees: everything on stderr.
    pub(crate) fn said(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.complaints).unwrap_or_default()).into_owned()
    }

    /// Its number to the system.
    pub(crate) fn id(&self) -> u32 {
        self.running.id()
    }

    /// What Ctrl-C does.
    pub(crate) fn interrupt(&mut self) {
        self.running.interrupt();
    }

    fn keep(&mut self, event: Value) {
        self.seen.push(event);
        self.taken.push(false);
    }

    /// The story so far, for a failure's message.
    fn account(&self) -> String {
        let kinds: Vec<String> = self
            .seen
            .iter()
            .filter(|event| event["event"] != "stats")
            .map(Value::to_string)
            .collect();
        format!(
            "events:\n{}\n{}",
            kinds.join("\n"),
            tail(&self.complaints, 30)
        )
    }
}
