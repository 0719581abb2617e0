//! Two phones, each a process of its own, and what they say.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::engine::clock;

/// How long a phone may take until it can be reached.
const START: Duration = Duration::from_secs(10);

/// How often its words are looked at until then.
const LOOK: Duration = Duration::from_millis(5);

/// How long one that was asked to end may take.
const GRACE: Duration = Duration::from_millis(500);

/// A phone. It ends with this.
#[derive(Debug)]
pub(super) struct Phone {
    child: Child,
    told: PathBuf,
}

impl Phone {
    /// Starts this program with such arguments; what it tells goes to the file `told`.
    pub(super) fn start(arguments: &[String], told: &Path) -> io::Result<Phone> {
        let child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .arg("--json")
            // Nothing of the person's is asked for.
            .env("RAMAL_PASSWORD", "none")
            .stdin(Stdio::null())
            .stdout(File::create(told)?)
            .stderr(File::create(told.with_extension("stderr"))?)
            .spawn()?;
        Ok(Phone {
            child,
            told: told.to_owned(),
        })
    }

    /// Where it can be reached, once it can.
    pub(super) fn address(&mut self) -> io::Result<SocketAddr> {
        let give_up = clock::now() + START;
        loop {
            if let Some(address) = self.event("listening").as_ref().and_then(first_address) {
                return Ok(address);
            }
            if self.has_ended()? || clock::now() > give_up {
                let complaint = std::fs::read_to_string(self.told.with_extension("stderr"));
                let complaint = complaint.unwrap_or_default().trim().to_owned();
                return Err(io::Error::other(complaint));
            }
            pause();
        }
    }

    /// Whether the process is over.
    pub(super) fn has_ended(&mut self) -> io::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// The first event of a kind so far.
    pub(super) fn event(&self, kind: &str) -> Option<Value> {
        let text = std::fs::read_to_string(&self.told).ok()?;
        text.lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find(|event| event["event"] == kind)
    }

    /// Waits a little for its end by itself.
    fn wait(&mut self) -> bool {
        let give_up = clock::now() + GRACE;
        while clock::now() < give_up {
            if !matches!(self.has_ended(), Ok(false)) {
                return true;
            }
            pause();
        }
        false
    }
}

/// Another process can only be asked again.
#[expect(
    clippy::disallowed_methods,
    reason = "it tells nobody when it is ready"
)]
fn pause() {
    std::thread::sleep(LOOK);
}

fn first_address(listening: &Value) -> Option<SocketAddr> {
    listening["addresses"].get(0)?.as_str()?.parse().ok()
}

impl Drop for Phone {
    fn drop(&mut self) {
        if !matches!(self.has_ended(), Ok(true)) && !self.wait() {
            // It has ended meanwhile, or it does now.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
