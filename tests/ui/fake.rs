//! A phone of cardboard: it shows what the test puts up and keeps what the window asks.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use jiff::tz::TimeZone;
use ramal::engine::{Command, Snapshot};
use ramal::i18n::Language;
use ramal::ui::{Phone, UiAction, UiOptions, Window};

use crate::scenes::NOON;

/// What the window and the test share.
pub(crate) struct Shared {
    snapshot: RefCell<Arc<Snapshot>>,
    sent: RefCell<Vec<String>>,
    watched: Cell<bool>,
    requested: RefCell<Vec<UiAction>>,
    now: Cell<Instant>,
    leaving: Cell<bool>,
    has_room: Cell<bool>,
}

/// The phone as the window sees it.
pub(crate) struct Fake(Rc<Shared>);

impl Phone for Fake {
    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.snapshot.borrow())
    }

    fn send(&self, command: Command) -> bool {
        if let Command::WatchDevices(shown) = command {
            // No wish of a person's.
            self.0.watched.set(shown);
        } else if self.0.has_room.get() {
            self.0.sent.borrow_mut().push(format!("{command:?}"));
        }
        self.0.has_room.get()
    }

    fn set_waker(&self, _waker: Box<dyn Fn() + Send + Sync>) {}

    fn is_leaving(&self) -> bool {
        self.0.leaving.get()
    }

    fn now(&self) -> Instant {
        self.0.now.get()
    }

    fn unix_secs(&self) -> u64 {
        NOON
    }

    fn request(&self, action: UiAction) {
        self.0.requested.borrow_mut().push(action);
    }
}

/// A window over a phone of cardboard.
pub(crate) struct Desk {
    pub(crate) harness: Harness<'static>,
    shared: Rc<Shared>,
}

impl Desk {
    /// A window of the usual size, in Portuguese.
    pub(crate) fn new(snapshot: Snapshot) -> Desk {
        let options = UiOptions {
            language: Some(Language::Portuguese),
            time_zone: TimeZone::UTC,
            ..UiOptions::default()
        };
        Desk::with(snapshot, options)
    }

    pub(crate) fn with(snapshot: Snapshot, options: UiOptions) -> Desk {
        let shared = Rc::new(Shared {
            snapshot: RefCell::new(Arc::new(snapshot)),
            sent: RefCell::default(),
            watched: Cell::default(),
            requested: RefCell::default(),
            now: Cell::new(some_instant()),
            leaving: Cell::default(),
            has_room: Cell::new(true),
        });
        let window = Rc::new(RefCell::new(None));
        let (made, phone) = (Rc::clone(&window), Fake(Rc::clone(&shared)));
        let mut harness = Harness::builder()
            .with_size(egui::vec2(380.0, 640.0))
            .with_os(egui::os::OperatingSystem::Nix)
            .with_context_setup(move |ctx| {
                *made.borrow_mut() = Some(Window::new(ctx, phone, options));
            })
            .build_ui(move |ui| {
                if let Some(window) = window.borrow_mut().as_mut() {
                    window.frame(ui);
                }
            });
        harness.run();
        Desk { harness, shared }
    }

    /// Clicks what has this accessible name, and lets the window settle. A long page is scrolled
    /// to it first.
    #[track_caller]
    pub(crate) fn click(&mut self, name: &str) {
        // What stands at the bottom of a page covers what scrolls behind it.
        let mut page = self.harness.ctx.content_rect().shrink(20.0);
        page.max.y -= 80.0;
        let node = self.harness.get_by_label(name);
        if !page.contains(node.rect().center()) {
            node.scroll_to_me();
            self.harness.run_steps(8);
        }
        self.harness.get_by_label(name).click();
        self.harness.run();
    }

    /// Types into what has the focus.
    pub(crate) fn type_text(&mut self, text: &str) {
        self.harness.event(egui::Event::Text(text.to_owned()));
        self.harness.run();
    }

    pub(crate) fn key(&mut self, key: egui::Key) {
        self.harness.key_press(key);
        self.harness.run();
    }

    pub(crate) fn command_key(&mut self, key: egui::Key) {
        self.harness
            .key_press_modifiers(egui::Modifiers::COMMAND, key);
        self.harness.run();
    }

    /// Whether something with this accessible name, or with this text, is on the window.
    pub(crate) fn shows(&self, text: &str) -> bool {
        self.harness.query_all_by_label(text).next().is_some()
    }

    /// Whether some text on the window contains this.
    pub(crate) fn says(&self, part: &str) -> bool {
        self.harness
            .query_all_by_label_contains(part)
            .next()
            .is_some()
    }

    /// Puts up another picture of the phone.
    pub(crate) fn put(&mut self, snapshot: Snapshot) {
        *self.shared.snapshot.borrow_mut() = Arc::new(snapshot);
        self.harness.run();
    }

    /// The same, and draws one frame of it alone.
    pub(crate) fn show(&mut self, snapshot: Snapshot) {
        *self.shared.snapshot.borrow_mut() = Arc::new(snapshot);
        self.harness.step();
    }

    /// Lets time pass on the phone's clock.
    pub(crate) fn pass(&mut self, span: Duration) {
        self.shared.now.set(self.shared.now.get() + span);
        self.harness.run();
    }

    /// Tells the program to end, as Ctrl-C does.
    pub(crate) fn interrupt(&mut self) {
        self.shared.leaving.set(true);
        self.harness.step();
    }

    pub(crate) fn now(&self) -> Instant {
        self.shared.now.get()
    }

    /// Makes the phone's queue full, or gives it room.
    pub(crate) fn set_room(&mut self, has_room: bool) {
        self.shared.has_room.set(has_room);
    }

    /// What was sent since the last time, as `Debug` writes it.
    pub(crate) fn sent(&mut self) -> Vec<String> {
        self.shared.sent.take()
    }

    /// Whether the engine keeps the list of devices up to date for the window.
    pub(crate) fn watches_devices(&self) -> bool {
        self.shared.watched.get()
    }

    /// What was asked of the program around the window since the last time.
    pub(crate) fn requested(&mut self) -> Vec<UiAction> {
        self.shared.requested.take()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "an instant can be had in no other way"
)]
pub(crate) fn some_instant() -> Instant {
    Instant::now()
}
