//! Tells when devices come and go.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
#[cfg(target_os = "linux")]
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::devices;
use super::list::DeviceList;
#[cfg(target_os = "linux")]
use super::pulse;

/// How often a sound system that does not tell is asked.
const POLL: Duration = Duration::from_secs(2);

/// How often it is looked whether a sound server that was there is there again.
#[cfg(target_os = "linux")]
const RETURN: Duration = Duration::from_millis(100);

/// How many such looks are taken before it is taken to be gone for good: 30 s.
#[cfg(target_os = "linux")]
const LOOKS: u32 = 300;

/// Watches the devices for as long as it is held, on a thread that may hang in the sound system
/// without harm.
#[derive(Debug)]
pub struct Watch {
    #[cfg(target_os = "linux")]
    line: Line,
    /// Dropped with the watch, which ends the thread.
    _until: SyncSender<()>,
}

/// The connection in which the thread waits, to be closed from outside.
#[cfg(target_os = "linux")]
type Line = Arc<Mutex<Option<pulse::HangUp>>>;

impl Watch {
    /// Begins to watch; `tell` gets the devices as they are, and again whenever they change. It
    /// is called on the watching thread.
    ///
    /// `None`: the system gives no thread.
    #[must_use]
    pub fn start(tell: impl FnMut(DeviceList) + Send + 'static) -> Option<Watch> {
        let (until, over) = sync_channel(0);
        let mut news = News { last: None, tell };
        #[cfg(target_os = "linux")]
        {
            let line = Line::default();
            let theirs = Arc::clone(&line);
            spawn(move || watch_server(&theirs, &over, &mut news))?;
            Some(Watch {
                line,
                _until: until,
            })
        }
        #[cfg(not(target_os = "linux"))]
        {
            spawn(move || while news.look(&over) {})?;
            Some(Watch { _until: until })
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        drop(locked(&self.line).take());
    }
}

fn spawn(work: impl FnOnce() + Send + 'static) -> Option<()> {
    let watching = thread::Builder::new()
        .name("audio-watch".into())
        .spawn(move || {
            let _quiet = devices::quieted();
            work();
        });
    watching.is_ok().then_some(())
}

/// Tells each state of things once.
struct News<T> {
    last: Option<DeviceList>,
    tell: T,
}

impl<T: FnMut(DeviceList)> News<T> {
    fn tell(&mut self, list: DeviceList) {
        if self.last.as_ref() != Some(&list) {
            self.last = Some(list.clone());
            (self.tell)(list);
        }
    }

    /// Asks a sound system that does not tell, and waits. False: it is over.
    fn look(&mut self, over: &Receiver<()>) -> bool {
        self.tell(devices::list_now());
        goes_on(over, POLL)
    }
}

/// Waits; false when the watch was dropped.
fn goes_on(over: &Receiver<()>, pause: Duration) -> bool {
    over.recv_timeout(pause) == Err(RecvTimeoutError::Timeout)
}

#[cfg(target_os = "linux")]
fn locked(line: &Line) -> std::sync::MutexGuard<'_, Option<pulse::HangUp>> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Listens to the sound server where it tells, and asks where there is none.
#[cfg(target_os = "linux")]
fn watch_server<T: FnMut(DeviceList)>(line: &Line, over: &Receiver<()>, news: &mut News<T>) {
    loop {
        let Ok(server) = pulse::Connection::open() else {
            if news.look(over) {
                continue;
            }
            return;
        };
        let Ok(hang_up) = server.hang_up_handle() else {
            return;
        };
        *locked(line) = Some(hang_up);
        // Dropped between the look at the server and here?
        if !goes_on(over, Duration::ZERO) {
            return;
        }
        let _ = pulse::subscribe(server, |list| {
            news.tell(list);
            goes_on(over, Duration::ZERO)
        });
        *locked(line) = None;
        // The server was there and is not: what it shared is gone until it is back, and its
        // cards are not to be touched meanwhile.
        news.tell(DeviceList::default());
        for _ in 0..LOOKS {
            if !goes_on(over, RETURN) {
                return;
            }
            if pulse::is_there() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_devices_are_told_once() {
        let mut told = 0;
        let mut news = News {
            last: None,
            tell: |_| told += 1,
        };
        for _ in 0..3 {
            news.tell(DeviceList::default());
        }
        assert_eq!(told, 1);
    }

    #[test]
    fn a_watch_tells_at_once_what_is_there_and_ends_when_it_is_dropped() {
        let (tell, told) = sync_channel(4);
        let watch = Watch::start(move |list| {
            let _ = tell.try_send(list);
        });
        told.recv_timeout(Duration::from_secs(20))
            .expect("the devices are told");
        drop(watch);
        // Its thread drops the other end.
        loop {
            match told.recv_timeout(Duration::from_secs(20)) {
                Ok(_) => {}
                Err(error) => {
                    assert_eq!(error, RecvTimeoutError::Disconnected);
                    break;
                }
            }
        }
    }
}
