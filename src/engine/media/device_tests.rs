//! The supervisor with its clock turned by hand.

use std::cell::RefCell;
use std::io::Write;
use std::sync::{Arc, Mutex};

use super::*;
use crate::audio::testing::{self, Attempt};
use crate::audio::{CaptureCallback, DeviceInfo, Fault, capture_ring};
use crate::units::SampleRate;

/// A device that moves its frames when it is told to.
struct Counter {
    health: Arc<Health>,
    callback: CaptureCallback,
    place: Place,
}

impl Runs for Counter {
    const DIRECTION: Direction = Direction::Input;
    fn health(&self) -> &Health {
        &self.health
    }
    fn place(&self) -> &Place {
        &self.place
    }
}

fn device_at(host: &'static str, id: Option<&str>, stands_in: bool) -> Counter {
    let (callback, _) = capture_ring(SampleRate::FULL, 1);
    Counter {
        health: callback.health(),
        callback,
        place: Place {
            host,
            id: id.map(str::to_owned),
            stands_in,
        },
    }
}

fn device() -> Counter {
    device_at("PulseAudio", None, false)
}

fn list_of(default: &str, ids: &[&str]) -> DeviceList {
    let info = |id: &&str| DeviceInfo {
        name: (*id).to_owned(),
        id: (*id).to_owned(),
        host: "WASAPI",
        is_default: *id == default,
        is_monitor: false,
    };
    DeviceList {
        inputs: ids.iter().map(info).collect(),
        outputs: Vec::new(),
    }
}

thread_local! {
    static ATTEMPTS: RefCell<Vec<Attempt<Counter>>> = const { RefCell::new(Vec::new()) };
    static WISHES: RefCell<Vec<Wish>> = const { RefCell::new(Vec::new()) };
}

fn open(wish: Wish) -> Opening<Counter> {
    WISHES.with_borrow_mut(|wishes| wishes.push(wish));
    let (attempt, opening) = testing::attempt();
    ATTEMPTS.with_borrow_mut(|attempts| attempts.push(attempt));
    opening
}

fn attempts() -> usize {
    ATTEMPTS.with_borrow(Vec::len)
}

fn answer(outcome: Result<Counter, DeviceError>) {
    ATTEMPTS.with_borrow_mut(|attempts| attempts.pop().unwrap().answer(outcome));
}

struct Bench {
    device: Device<Counter>,
    now: Instant,
}

impl Bench {
    fn new() -> Bench {
        Bench {
            device: Device::new(None, open),
            now: crate::engine::clock::now(),
        }
    }

    /// With a device that was opened and has run for long.
    fn settled(device: Counter) -> Bench {
        let mut bench = Bench::new();
        bench.step(Duration::ZERO);
        answer(Ok(device));
        bench.tend(5, true);
        bench
    }

    /// Tends once after `pause`; a running device has moved meanwhile.
    fn step(&mut self, pause: Duration) -> Option<Change> {
        self.now += pause;
        if let Some(counter) = self.device.running() {
            counter.callback.take(&[0.0_f32; 480]);
        }
        self.device.tend(self.now, true, Duration::from_secs(2))
    }

    /// How long until the next attempt, which fails.
    fn until_attempt(&mut self) -> Duration {
        let since = self.now;
        while attempts() == 0 {
            self.step(Duration::from_millis(10));
        }
        answer(Err(DeviceError::None));
        let waited = self.now - since;
        self.step(Duration::ZERO);
        waited
    }

    /// Tends every 100 ms for so long; what was told.
    fn tend(&mut self, seconds: u64, wanted: bool) -> Vec<Change> {
        let mut told = Vec::new();
        for _ in 0..seconds * 10 {
            if wanted {
                told.extend(self.step(Duration::from_millis(100)));
            } else {
                self.now += Duration::from_millis(100);
                told.extend(self.device.tend(self.now, false, Duration::from_secs(2)));
            }
        }
        told
    }
}

#[test]
fn a_sound_system_that_hangs_is_asked_once_and_told_once() {
    let mut bench = Bench::new();
    let told = bench.tend(120, true);
    assert!(
        matches!(told[..], [Change::Gone(DeviceError::TimedOut)]),
        "{told:?}"
    );
    assert_eq!(attempts(), 1);
    // It answers after all.
    answer(Ok(device()));
    let told = bench.tend(1, true);
    assert!(matches!(told[..], [Change::Opened]), "{told:?}");
    assert!(bench.device.running().is_some());
}

#[test]
fn the_next_call_does_not_ask_again_while_the_last_question_hangs() {
    let mut bench = Bench::new();
    for _ in 0..10 {
        let told = bench.tend(20, true);
        assert!(
            matches!(told[..], [Change::Gone(DeviceError::TimedOut)]),
            "each call is told once: {told:?}"
        );
        bench.tend(1, false);
    }
    assert_eq!(attempts(), 1);
    answer(Err(DeviceError::None));
    bench.tend(3, true);
    assert_eq!(attempts(), 1, "a new one, in place of that which ended");
    answer(Ok(device()));
    assert!(
        bench
            .tend(1, true)
            .iter()
            .any(|c| matches!(c, Change::Opened))
    );
}

#[test]
fn a_server_that_died_is_tried_again_within_a_quarter_of_a_second_for_half_a_minute() {
    let mut bench = Bench::settled(device());
    bench.device.running().unwrap().health.report(Fault::Gone);
    let told = bench.step(Duration::from_millis(10));
    assert!(matches!(told, Some(Change::Gone(DeviceError::None))));
    let died_at = bench.now;
    let mut longest = Duration::ZERO;
    while bench.now - died_at < Duration::from_secs(29) {
        longest = longest.max(bench.until_attempt());
    }
    assert!(longest <= Duration::from_millis(260), "{longest:?}");
    bench.tend(3, true);
    answer(Err(DeviceError::None));
    bench.step(Duration::ZERO);
    assert!(bench.until_attempt() >= Duration::from_secs(2));
}

#[test]
fn a_bare_card_is_left_alone_for_five_seconds_after_its_server_died() {
    let mut bench = Bench::settled(device());
    bench.device.running().unwrap().health.report(Fault::Gone);
    let died_at = bench.now;
    while bench.now - died_at < Duration::from_secs(7) {
        bench.until_attempt();
        let wish = WISHES.with_borrow_mut(|wishes| wishes.pop().unwrap());
        let away = bench.now - died_at;
        if away < Duration::from_millis(4_900) {
            assert!(wish.servers_only, "after {away:?}");
        } else if away > Duration::from_millis(5_300) {
            assert!(!wish.servers_only, "after {away:?}");
        }
    }
}

#[test]
fn a_device_that_comes_and_goes_is_tried_more_and_more_seldom() {
    let mut bench = Bench::new();
    let mut pauses = Vec::new();
    bench.step(Duration::ZERO);
    for _ in 0..8 {
        answer(Ok(device()));
        bench.step(Duration::from_millis(10));
        bench.device.running().unwrap().health.report(Fault::Gone);
        bench.step(Duration::from_millis(10));
        // A list that changes with each flap brings no attempt forward.
        bench
            .device
            .handle_devices(bench.now, &list_of("a", &["a"]));
        let since = bench.now;
        while attempts() == 0 {
            bench.step(Duration::from_millis(10));
        }
        pauses.push((bench.now - since).as_millis());
    }
    assert_eq!(pauses, [200, 400, 800, 1_600, 2_000, 2_000, 2_000, 2_000]);
    // It stays this time: the next loss is like a first one.
    answer(Ok(device()));
    bench.tend(3, true);
    bench.device.running().unwrap().health.report(Fault::Gone);
    bench.step(Duration::from_millis(10));
    assert_eq!(bench.until_attempt(), Duration::from_millis(100));
}

#[test]
fn a_default_that_is_another_is_followed_and_the_same_one_is_left_running() {
    let mut bench = Bench::settled(device_at("WASAPI", Some("desk"), false));
    let both = ["desk", "headset"];
    assert!(
        !bench
            .device
            .handle_devices(bench.now, &list_of("desk", &both))
    );
    assert!(bench.device.running().is_some());
    assert!(
        bench
            .device
            .handle_devices(bench.now, &list_of("headset", &both))
    );
    assert!(bench.device.running().is_none());
    bench.step(Duration::from_millis(10));
    answer(Ok(device_at("WASAPI", Some("headset"), false)));
    let told = bench.step(Duration::from_millis(10));
    assert!(matches!(told, Some(Change::Opened)), "{told:?}");
}

#[test]
fn the_default_stands_in_for_a_chosen_device_until_that_is_back() {
    let mut bench = Bench::settled(device_at("WASAPI", Some("desk"), false));
    bench.device.select(Some("headset".into()));
    bench.step(Duration::from_millis(10));
    answer(Ok(device_at("WASAPI", Some("desk"), true)));
    let told = bench.step(Duration::from_millis(10));
    assert!(matches!(told, Some(Change::StandsIn)), "{told:?}");
    assert!(
        !bench
            .device
            .handle_devices(bench.now, &list_of("desk", &["desk"]))
    );
    let back = list_of("desk", &["desk", "headset"]);
    assert!(bench.device.handle_devices(bench.now, &back));
}

#[test]
fn a_device_that_runs_is_not_given_up_for_nothing() {
    let mut bench = Bench::settled(device());
    assert!(
        !bench
            .device
            .handle_devices(bench.now, &DeviceList::default())
    );
    assert!(bench.device.running().is_some());
}

/// What is logged, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_device_that_tells_of_581_errors_and_is_gone_is_one_line_in_the_log() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::WARN)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let mut bench = Bench::settled(device());
        for burst in [100, 400, 80] {
            let health = &bench.device.running().unwrap().health;
            (0..burst).for_each(|_| health.report(Fault::Other));
            bench.step(Duration::from_millis(10));
        }
        bench.device.running().unwrap().health.report(Fault::Gone);
        bench.tend(3, true);
    });
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("errors=581"), "{text}");
}
