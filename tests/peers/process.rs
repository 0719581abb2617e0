//! Child processes that end with the test, also when it panics.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a program may take to end in its own way before it is killed.
const GRACE: Duration = Duration::from_secs(3);

/// A running program and everything it started: a process group of its own.
pub(crate) struct Running {
    name: String,
    child: Child,
    ended: Option<ExitStatus>,
    log: PathBuf,
}

/// Where a program is, looking also where system programs live.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// A command that dies with this test run, even if the run itself is killed.
///
/// Linux alone can promise that; elsewhere [`Running`]'s drop is the only guard.
pub(crate) fn command(program: &Path) -> Command {
    match find("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL", "--"]).arg(program);
            command
        }
        None => Command::new(program),
    }
}

/// The same without the right to raise priorities; needs `setpriv`.
pub(crate) fn unprivileged(program: &Path) -> Command {
    let mut command = Command::new(find("setpriv").expect("asked for with needs!"));
    command.args(["--pdeathsig", "KILL"]);
    // Only who has every right can drop one; others do not have this one.
    if is_root() {
        command.args(["--bounding-set", "-sys_nice"]);
    }
    command.arg("--").arg(program);
    command
}

fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("Uid:"));
    line.and_then(|line| line.split_whitespace().nth(2)) == Some("0")
}

impl Running {
    /// Starts `command` with its output in `NAME.log` in `folder`.
    pub(crate) fn start(name: &str, folder: &Path, command: &mut Command) -> Running {
        let log = folder.join(format!("{name}.log"));
        let out = File::create(&log).expect("the log can be written");
        let err = out.try_clone().expect("the log can be shared");
        Running::spawn(name, log, command.stdout(out).stderr(err))
    }

    /// Starts `command`, whose outputs the caller has set up; `log` is shown when it fails.
    pub(crate) fn spawn(name: &str, log: PathBuf, command: &mut Command) -> Running {
        let child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
        Running {
            name: name.to_owned(),
            child,
            ended: None,
            log,
        }
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    pub(crate) fn log_text(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// How it ended, if it has.
    pub(crate) fn status(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().expect("a child can be asked");
        }
        self.ended
    }

    /// Its exit code once it has ended by itself; none if a signal ended it.
    pub(crate) fn wait(&mut self, patience: Duration) -> Option<i32> {
        let (name, log) = (self.name.clone(), self.log.clone());
        wait_until(
            patience,
            || format!("{name} does not end\n{}", tail(&log, 30)),
            || self.status(),
        )
        .code()
    }

    /// What Ctrl-C at a terminal does.
    pub(crate) fn interrupt(&mut self) {
        self.signal("INT");
    }

    /// What the system does to a program that it has no memory for: no goodbye. Waits until it
    /// is gone.
    pub(crate) fn kill(&mut self) {
        self.signal("KILL");
        if self.ended.is_none() {
            self.ended = self.child.wait().ok();
        }
    }

    /// Its number to the system.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, then makes it, and waits until it is gone: a recording is whole only then.
    pub(crate) fn end(&mut self) {
        if self.status().is_none() {
            self.signal("TERM");
            let give_up = Instant::now() + GRACE;
            while self.status().is_none() && Instant::now() < give_up {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        // Also what it left behind in its group.
        self.kill();
    }

    fn signal(&self, signal: &str) {
        let _ = Command::new("kill")
            .args(["-s", signal, "--", &format!("-{}", self.child.id())])
            .stderr(Stdio::null())
            .status();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whether the programs of other people are here.
///
/// In continuous integration a missing one is a failure. At a desk the test says what it lacks and
/// is passed over.
pub(crate) fn at_hand(programs: &[&str]) -> bool {
    let missing: Vec<&&str> = programs.iter().filter(|p| find(p).is_none()).collect();
    if missing.is_empty() {
        return true;
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "missing: {missing:?}; scripts/setup.sh test installs them"
    );
    println!("PASSED OVER, missing: {missing:?}; `make setup` installs them");
    false
}

/// Asks until `what` answers, and fails with `saying` when `patience` is over.
///
/// Other programs tell nobody when they are ready; asking again is all that can be done.
pub(crate) fn wait_until<T>(
    patience: Duration,
    saying: impl Fn() -> String,
    mut what: impl FnMut() -> Option<T>,
) -> T {
    let give_up = Instant::now() + patience;
    loop {
        if let Some(answer) = what() {
            return answer;
        }
        assert!(Instant::now() < give_up, "{}", saying());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The last lines of a log, for a failure's message.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    let from = all.len().saturating_sub(lines);
    format!("--- {}\n{}\n", path.display(), all[from..].join("\n"))
}
