//! Threads that carry sound run ahead of those that can wait, as far as the system allows it.
//!
//! Linux allows it to few by themselves; for the others `RealtimeKit` does it on request. It is
//! asked on a thread of its own: nobody waits for an answer.

use std::fmt;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};

/// How urgent it is, of 0 to 99: above all that is not sound, below the sound server.
#[cfg(target_os = "linux")]
const REALTIME: u8 = 10;

/// The same where a system knows urgency without real time.
const HIGH: u8 = 80;

/// What a thread was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted {
    /// It runs as soon as it has something to do.
    Realtime,
    /// It is preferred to others.
    High,
    /// It is one of many.
    Normal,
}

impl fmt::Display for Granted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Granted::Realtime => "realtime",
            Granted::High => "high",
            Granted::Normal => "normal",
        })
    }
}

/// Asks for the calling thread, which is `who`. Never waits and never fails; what is granted is
/// told in the log, since it may be granted later.
pub fn raise_current_thread(who: &'static str) {
    let granted = of_ourselves();
    if granted == Granted::Realtime {
        tracing::info!(who, %granted, "priority of a thread");
        return;
    }
    #[cfg(target_os = "linux")]
    rtkit::ask_later(who, granted);
    #[cfg(not(target_os = "linux"))]
    tracing::info!(who, %granted, "priority of a thread");
}

/// What a thread that carries sound would be granted here, found out by asking for one. Waits for
/// the answer at most as long as `patience`.
#[must_use]
pub fn granted_here(patience: Duration) -> Granted {
    let (answer, answered) = sync_channel(1);
    let asked = thread::Builder::new()
        .name("audio-priority".into())
        .spawn(move || {
            let granted = of_ourselves();
            #[cfg(target_os = "linux")]
            let granted = match granted {
                Granted::Realtime => granted,
                Granted::High | Granted::Normal => rtkit::ask(granted),
            };
            let _ = answer.send(granted);
        });
    let answered = asked
        .ok()
        .and_then(|_| answered.recv_timeout(patience).ok());
    answered.unwrap_or(Granted::Normal)
}

/// Gives real time up for the calling thread: it was slower than real time may be.
pub fn lower_current_thread() {
    #[cfg(unix)]
    {
        use thread_priority::{
            NormalThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy,
            thread_native_id,
        };
        let normal = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
        let Ok(middle) = ThreadPriorityValue::try_from(50) else {
            return;
        };
        let middle = ThreadPriority::Crossplatform(middle);
        if let Err(error) = set_thread_priority_and_policy(thread_native_id(), middle, normal) {
            tracing::debug!("a thread keeps its priority: {error}");
        }
    }
}

/// What the system grants without anybody's help.
fn of_ourselves() -> Granted {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{
            RealtimeThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy,
            thread_native_id,
        };
        let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
        let asked = ThreadPriorityValue::try_from(REALTIME).is_ok_and(|value| {
            let value = ThreadPriority::Crossplatform(value);
            set_thread_priority_and_policy(thread_native_id(), value, policy).is_ok()
        });
        if asked {
            return Granted::Realtime;
        }
    }
    let asked = ThreadPriorityValue::try_from(HIGH).is_ok_and(|value| {
        set_current_thread_priority(ThreadPriority::Crossplatform(value)).is_ok()
    });
    if asked {
        Granted::High
    } else {
        Granted::Normal
    }
}

#[cfg(target_os = "linux")]
mod rtkit {
    //! `RealtimeKit` over the system's D-Bus.

    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    use nix::sys::signal::{SigSet, Signal};
    use nix::unistd::{Pid, gettid};
    use zbus::blocking::Connection;
    use zbus::zvariant::{OwnedValue, Value};

    use super::Granted;

    const NAME: &str = "org.freedesktop.RealtimeKit1";
    const PATH: &str = "/org/freedesktop/RealtimeKit1";

    /// A limit in microseconds that is below this one would end the program for nothing.
    const SHORTEST: u64 = 100_000;

    /// Asks for the calling thread, and waits for the answer.
    pub(super) fn ask(before: Granted) -> Granted {
        if hold_back_warning() {
            ask_for(gettid(), before)
        } else {
            before
        }
    }

    /// Asks for the calling thread, on another one.
    pub(super) fn ask_later(who: &'static str, before: Granted) {
        if !hold_back_warning() {
            return;
        }
        let thread = gettid();
        let asked = std::thread::Builder::new()
            .name("audio-priority".into())
            .spawn(move || {
                let granted = ask_for(thread, before);
                tracing::info!(who, %granted, "priority of a thread");
            });
        if let Err(error) = asked {
            tracing::debug!("nobody asks for real time: {error}");
        }
    }

    /// Whether the calling thread can be made real time without danger to the program.
    fn hold_back_warning() -> bool {
        // The system warns a thread that has run for long without a pause by a signal that ends
        // the program where it is not held back; the media thread looks at its own clock.
        let mut warning = SigSet::empty();
        warning.add(Signal::SIGXCPU);
        let held_back = warning.thread_block();
        if let Err(error) = held_back {
            tracing::debug!("a thread is not made real time: {error}");
        }
        held_back.is_ok()
    }

    fn ask_for(thread: Pid, before: Granted) -> Granted {
        request(thread).unwrap_or_else(|error| {
            tracing::debug!("no real time from RealtimeKit: {error}");
            before
        })
    }

    fn request(thread: Pid) -> zbus::Result<Granted> {
        let bus = Connection::system()?;
        let thread = u64::try_from(thread.as_raw()).unwrap_or_default();
        match realtime(&bus, thread) {
            Ok(()) => Ok(Granted::Realtime),
            Err(error) => {
                tracing::debug!("no real time from RealtimeKit: {error}");
                let nice = i32::try_from(property(&bus, "MinNiceLevel")?).unwrap_or(0);
                let body = (thread, nice.max(-11));
                bus.call_method(
                    Some(NAME),
                    PATH,
                    Some(NAME),
                    "MakeThreadHighPriority",
                    &body,
                )?;
                Ok(Granted::High)
            }
        }
    }

    fn realtime(bus: &Connection, thread: u64) -> zbus::Result<()> {
        let longest = u64::try_from(property(bus, "RTTimeUSecMax")?).unwrap_or(0);
        if longest < SHORTEST {
            return Err(zbus::Error::Unsupported);
        }
        limit_realtime(longest).map_err(std::io::Error::from)?;
        let highest = property(bus, "MaxRealtimePriority")?;
        let urgency = u32::try_from(highest.clamp(1, i64::from(super::REALTIME))).unwrap_or(1);
        let body = (thread, urgency);
        bus.call_method(Some(NAME), PATH, Some(NAME), "MakeThreadRealtime", &body)?;
        Ok(())
    }

    /// How long a thread may run without a pause, in microseconds: without such a limit nobody
    /// is given real time. A limit that is lower already stays.
    fn limit_realtime(longest: u64) -> nix::Result<()> {
        let (_, hard) = getrlimit(Resource::RLIMIT_RTTIME)?;
        let hard = hard.min(longest);
        setrlimit(Resource::RLIMIT_RTTIME, hard / 2, hard)
    }

    /// One of its whole numbers, which are of two sizes.
    fn property(bus: &Connection, name: &str) -> zbus::Result<i64> {
        let properties = Some("org.freedesktop.DBus.Properties");
        let reply = bus.call_method(Some(NAME), PATH, properties, "Get", &(NAME, name))?;
        let value: OwnedValue = reply.body().deserialize()?;
        match &*value {
            Value::I32(number) => Ok(i64::from(*number)),
            Value::I64(number) => Ok(*number),
            Value::U32(number) => Ok(i64::from(*number)),
            _ => Err(zbus::Error::Unsupported),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_asks_goes_on_whatever_is_granted() {
        let asking = std::thread::Builder::new()
            .spawn(|| {
                let granted = of_ourselves();
                lower_current_thread();
                granted
            })
            .unwrap();
        assert_ne!(asking.join().unwrap().to_string(), "");
    }
}
