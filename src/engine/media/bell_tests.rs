use std::cell::{Cell, RefCell};

use super::*;
use crate::audio::{DeviceError, PlayoutCallback, playout_ring, testing};

thread_local! {
    static SPEAKER: RefCell<Option<PlayoutCallback>> = const { RefCell::new(None) };
    static OPENED: Cell<usize> = const { Cell::new(0) };
    static ATTEMPT: RefCell<Option<testing::Attempt<Playout>>> = const { RefCell::new(None) };
}

fn there(wish: Wish) -> Opening<Playout> {
    assert_eq!(wish.name.as_deref(), Some("Caixa de som"));
    let (callback, writer) = playout_ring(SampleRate::FULL, 1);
    SPEAKER.set(Some(callback));
    OPENED.set(OPENED.get() + 1);
    let (attempt, opening) = testing::attempt();
    attempt.answer(Ok(testing::playout(writer, SampleRate::FULL)));
    opening
}

fn missing(_: Wish) -> Opening<Playout> {
    let (attempt, opening) = testing::attempt();
    attempt.answer(Err(DeviceError::None));
    opening
}

/// Never answers.
fn slow(_: Wish) -> Opening<Playout> {
    let (attempt, opening) = testing::attempt();
    ATTEMPT.set(Some(attempt));
    opening
}

struct Room {
    bell: Bell,
    now: Instant,
}

impl Room {
    fn new(open: fn(Wish) -> Opening<Playout>) -> Room {
        let mut bell = Bell::with_speakers(open);
        bell.ringer().set_sound([0.5; 48_000].into());
        bell.select(Some("Caixa de som".into()));
        Room {
            bell,
            now: crate::engine::clock::now(),
        }
    }

    /// So many times 10 ms pass. The loudest that was heard of the speaker of calls, and of the one
    /// that rings.
    fn pass(&mut self, ticks: usize) -> (f32, f32) {
        let (mut calls, mut apart) = (0.0_f32, 0.0_f32);
        for _ in 0..ticks {
            self.now += Duration::from_millis(10);
            self.bell.tend(self.now);
            let mut mix = [0.0_f32; MIX];
            self.bell.mix_into(&mut mix);
            calls = mix.iter().fold(calls, |most, s| most.max(s.abs()));
            SPEAKER.with_borrow_mut(|speaker| {
                let mut frame = [0.0_f32; MIX];
                if let Some(speaker) = speaker {
                    speaker.fill(&mut frame);
                }
                apart = frame.iter().fold(apart, |most, s| most.max(s.abs()));
            });
        }
        (calls, apart)
    }

    fn is_open(&mut self) -> bool {
        let own = self.bell.own.as_mut();
        own.is_some_and(|own| own.device.running().is_some())
    }
}

#[test]
fn it_rings_on_its_own_speaker_which_is_open_for_as_long_as_it_rings() {
    let mut room = Room::new(there);
    assert_eq!(room.pass(50), (0.0, 0.0));
    assert!(!room.is_open() && OPENED.get() == 0, "an idle phone");
    for ring in 1..=2 {
        room.bell.ringer().ring(true);
        assert!(room.bell.is_apart() && !room.bell.is_with_calls());
        assert_eq!(room.pass(100), (0.0, 0.5));
        room.bell.ringer().ring(false);
        room.pass(20);
        assert!(!room.is_open() && OPENED.get() == ring);
    }
}

#[test]
fn a_speaker_that_is_gone_leaves_the_ring_to_that_of_calls() {
    let mut room = Room::new(missing);
    room.bell.ringer().ring(true);
    assert_eq!(room.pass(20).0, 0.5);
    assert!(room.bell.is_with_calls() && !room.bell.is_apart());
    room.bell.ringer().ring(false);
    room.pass(20);
    // The next call asks again.
    room.bell.ringer().ring(true);
    assert!(room.bell.is_apart());
}

#[test]
fn a_speaker_that_does_not_answer_is_not_waited_for() {
    let mut room = Room::new(slow);
    room.bell.ringer().ring(true);
    assert_eq!(room.pass(79).0, 0.0);
    assert_eq!(room.pass(5).0, 0.5);
    let attempt = ATTEMPT.take().unwrap();
    let (_, writer) = playout_ring(SampleRate::FULL, 1);
    attempt.answer(Ok(testing::playout(writer, SampleRate::FULL)));
    assert_eq!(room.pass(5).0, 0.5, "it does not move while it rings");
}

#[test]
fn a_ring_that_ends_while_its_speaker_opens_is_heard_nowhere() {
    let mut room = Room::new(slow);
    room.bell.ringer().ring(true);
    room.pass(10);
    room.bell.ringer().ring(false);
    assert_eq!(room.pass(100), (0.0, 0.0));
    assert!(!room.bell.is_apart() && !room.bell.is_with_calls());
}

#[test]
fn without_a_choice_it_rings_where_calls_are_heard() {
    let mut room = Room::new(there);
    room.bell.select(None);
    room.bell.ringer().ring(true);
    assert_eq!(room.pass(20), (0.5, 0.0));
    assert_eq!(OPENED.get(), 0);
}
