//! The side that writes (RFC 3994 section 3.2).
//!
//! ```text
//!        typed: say active               every 80 s while typing: say active
//!  Idle ──────────────────▶ Active ◀──┐
//!   ▲ ▲                      │ │ └────┘
//!   │ └── 15 s without a key ┘ │
//!   │     say idle             │
//!   └──── sent, say nothing ───┘
//! ```

use std::time::{Duration, Instant};

use super::IsComposing;

/// Without a key for this long nobody is writing (section 3.2).
const IDLE_AFTER: Duration = Duration::from_secs(15);
/// What is promised as the longest time between two `active`; sixty at least (section 3.3).
const REFRESH_SECS: u32 = 90;
/// When it is really said again: early enough for the network.
const REFRESH_AFTER: Duration = Duration::from_secs(80);

/// What is to be done; to be polled until it answers `Wait`.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ComposerOutput {
    /// Send this in a MESSAGE of its own; whether it arrives is of no matter.
    Say(IsComposing),
    /// Nothing to do before this instant; `None`: nothing until the next input.
    Wait(Option<Instant>),
}

/// Whether the person is writing in one conversation.
#[derive(Debug, Default)]
pub struct Composer {
    state: State,
    /// At most one: the latest is all that counts.
    to_say: Option<IsComposing>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    Active {
        idle_at: Instant,
        refresh_at: Instant,
    },
}

impl Composer {
    /// Nobody is writing.
    #[must_use]
    pub fn new() -> Composer {
        Composer::default()
    }

    /// The draft changed and is not empty.
    pub fn typed(&mut self, now: Instant) {
        let idle = now + IDLE_AFTER;
        match &mut self.state {
            State::Active { idle_at, .. } => *idle_at = idle,
            State::Idle => {
                self.state = State::Active {
                    idle_at: idle,
                    refresh_at: now + REFRESH_AFTER,
                };
                self.say(true);
            }
        }
    }

    /// The draft was emptied, or the conversation closed.
    pub fn cleared(&mut self) {
        if let State::Active { .. } = self.state {
            self.state = State::Idle;
            self.say(false);
        }
    }

    /// The message went out, which says by itself that nothing is being written any more.
    pub fn sent(&mut self) {
        self.state = State::Idle;
        self.to_say = None;
    }

    /// When [`Composer::handle_timeout`] is to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Idle => None,
            State::Active {
                idle_at,
                refresh_at,
            } => Some(idle_at.min(refresh_at)),
        }
    }

    /// Says it again, or that it is over, when it is time; early calls do nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        let State::Active {
            idle_at,
            refresh_at,
        } = &mut self.state
        else {
            return;
        };
        if *idle_at <= now {
            self.state = State::Idle;
            self.say(false);
        } else if *refresh_at <= now {
            *refresh_at = now + REFRESH_AFTER;
            self.say(true);
        }
    }

    /// What is to be done next; to be called until it answers `Wait`.
    pub fn poll_output(&mut self) -> ComposerOutput {
        match self.to_say.take() {
            Some(said) => ComposerOutput::Say(said),
            None => ComposerOutput::Wait(self.deadline()),
        }
    }

    fn say(&mut self, active: bool) {
        self.to_say = Some(IsComposing {
            active,
            content_type: active.then(|| "text/plain".to_owned()),
            refresh: active.then_some(REFRESH_SECS),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Instant {
        #[expect(
            clippy::disallowed_methods,
            reason = "an instant to start from cannot be made otherwise"
        )]
        Instant::now()
    }

    #[track_caller]
    fn said(composer: &mut Composer) -> (bool, Option<u32>) {
        match composer.poll_output() {
            ComposerOutput::Say(said) => (said.active, said.refresh),
            ComposerOutput::Wait(until) => panic!("nothing said until {until:?}"),
        }
    }

    #[track_caller]
    fn silent(composer: &mut Composer) -> Option<Instant> {
        match composer.poll_output() {
            ComposerOutput::Wait(until) => until,
            ComposerOutput::Say(said) => panic!("{said:?}"),
        }
    }

    #[test]
    fn writing_is_said_once_and_its_end_fifteen_seconds_after_the_last_key() {
        let now = start();
        let mut composer = Composer::new();
        assert_eq!(silent(&mut composer), None);
        composer.typed(now);
        assert_eq!(said(&mut composer), (true, Some(90)));
        for second in 1..=10 {
            composer.typed(now + Duration::from_secs(second));
        }
        let due = silent(&mut composer).unwrap();
        assert_eq!(due - now, Duration::from_secs(25));
        composer.handle_timeout(due - Duration::from_millis(1));
        assert_eq!(silent(&mut composer), Some(due));
        composer.handle_timeout(due);
        assert_eq!(said(&mut composer), (false, None));
        assert_eq!(silent(&mut composer), None);
    }

    #[test]
    fn a_long_letter_is_said_again_before_the_other_side_gives_up() {
        let now = start();
        let mut composer = Composer::new();
        let mut at = Vec::new();
        for second in 0..200 {
            let now = now + Duration::from_secs(second);
            composer.handle_timeout(now);
            composer.typed(now);
            if let ComposerOutput::Say(said) = composer.poll_output() {
                assert!(said.active);
                at.push(second);
            }
        }
        assert_eq!(at, [0, 80, 160]);
    }

    #[test]
    fn a_message_that_is_sent_says_it_all() {
        let now = start();
        let mut composer = Composer::new();
        composer.typed(now);
        composer.sent();
        assert_eq!(silent(&mut composer), None, "not even that it began");
        composer.typed(now);
        assert_eq!(said(&mut composer), (true, Some(90)));
        composer.sent();
        assert_eq!(silent(&mut composer), None);
    }

    #[test]
    fn a_draft_that_is_thrown_away_is_no_writing() {
        let mut composer = Composer::new();
        composer.cleared();
        assert_eq!(silent(&mut composer), None);
        composer.typed(start());
        let _active = said(&mut composer);
        composer.cleared();
        assert_eq!(said(&mut composer), (false, None));
        composer.cleared();
        assert_eq!(silent(&mut composer), None);
    }
}
