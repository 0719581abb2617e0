//! Conferences: each member hears all others, and not itself.
//!
//! The mixer works at 48 kHz, 10 ms at a time. What the person at this phone says is added where
//! a member's sound is sent, since it comes by the microphone's clock; here are the far sides.

use super::bridge::{FRAME, fading};
use super::plan::{ConferenceId, MediaId};
use crate::dsp::level::level;
use crate::dsp::limiter::Limiter;
use crate::units::{Dbov, SampleRate};

/// Members of all conferences together.
pub const MEMBERS: usize = 8;

/// One that leaves keeps its seat until it has faded, so there are as many again.
const SEATS: usize = 2 * MEMBERS;

/// A level falls so fast, in dB for each 10 ms: a pause between two words is no end.
const FALL: f32 = 0.5;

/// Below this nobody speaks, in dBov.
const QUIET: f32 = -50.0;

/// The next speaker is louder than the last one by so many dB, for so many frames.
const LOUDER: f32 = 3.0;
const PATIENCE: u32 = 20;

/// All eight members have a seat each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the conference is full")]
pub struct Full;

/// Far sides, mixed. Allocates only when made.
#[derive(Debug)]
pub struct Mixer {
    seats: Vec<Seat>,
}

#[derive(Debug)]
struct Seat {
    taken: Option<Taken>,
    /// Its 10 ms, of this frame or, until it puts them, of the last one.
    sound: [f32; FRAME],
    /// It has put them.
    fresh: bool,
    /// It had sound in the last frame.
    sounding: bool,
    limiter: Limiter,
}

#[derive(Debug)]
struct Taken {
    media: MediaId,
    conference: ConferenceId,
    leaving: bool,
    /// In dBov.
    level: f32,
    /// It was the last to be the speaker of its conference.
    speaker: bool,
    /// Frames for which it has been louder than the speaker.
    louder: u32,
}

impl Default for Mixer {
    fn default() -> Self {
        let seat = || Seat {
            taken: None,
            sound: [0.0; FRAME],
            fresh: false,
            sounding: false,
            limiter: Limiter::new(SampleRate::FULL),
        };
        Mixer {
            seats: (0..SEATS).map(|_| seat()).collect(),
        }
    }
}

impl Mixer {
    /// Gives a call a seat in a conference, out of another one if it sits there.
    ///
    /// # Errors
    ///
    /// [`Full`] when all are taken.
    pub fn join(&mut self, media: MediaId, conference: ConferenceId) -> Result<(), Full> {
        if self.conference_of(media) == Some(conference) {
            return Ok(());
        }
        self.leave(media);
        let members = self.members().count();
        let free = self.seats.iter_mut().find(|seat| seat.taken.is_none());
        let Some(seat) = free.filter(|_| members < MEMBERS) else {
            return Err(Full);
        };
        (seat.fresh, seat.sounding) = (false, false);
        seat.limiter = Limiter::new(SampleRate::FULL);
        seat.taken = Some(Taken {
            media,
            conference,
            leaving: false,
            level: Dbov::SILENCE.0,
            speaker: false,
            louder: 0,
        });
        Ok(())
    }

    /// Takes a call out; its last sound fades. Nothing happens if it sits nowhere.
    pub fn leave(&mut self, media: MediaId) {
        let seat = self.seats.iter_mut().find(|seat| seat.is(media));
        if let Some(taken) = seat.and_then(|seat| seat.taken.as_mut()) {
            taken.leaving = true;
        }
    }

    /// Where a call sits.
    #[must_use]
    pub fn conference_of(&self, media: MediaId) -> Option<ConferenceId> {
        self.members()
            .find(|taken| taken.media == media)
            .map(|taken| taken.conference)
    }

    /// Whether nobody sits anywhere: then there is nothing to mix.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seats.iter().all(|seat| seat.taken.is_none())
    }

    /// Takes a member's 10 ms of this frame; of a call that sits nowhere, nothing.
    pub fn put(&mut self, media: MediaId, frame: &[f32; FRAME]) {
        let Some(seat) = self.seats.iter_mut().find(|seat| seat.is(media)) else {
            return;
        };
        seat.sound = *frame;
        seat.fresh = true;
        if !seat.sounding {
            for (n, sample) in seat.sound.iter_mut().enumerate() {
                *sample *= 1.0 - fading(n);
            }
        }
        if let Some(taken) = &mut seat.taken {
            taken.level = level(frame).0.max(taken.level - FALL);
        }
    }

    /// Everybody has put what they have: who has nothing after sound before, fades. The last
    /// frame goes on turned around, so that there is no step.
    pub fn settle(&mut self) {
        for seat in &mut self.seats {
            if seat.fresh {
                continue;
            }
            if std::mem::replace(&mut seat.sounding, false) {
                seat.sound.reverse();
                for (n, sample) in seat.sound.iter_mut().enumerate() {
                    *sample *= fading(n);
                }
            } else {
                seat.sound.fill(0.0);
            }
            if let Some(taken) = &mut seat.taken {
                taken.level = (taken.level - FALL).max(Dbov::SILENCE.0);
            }
        }
    }

    /// What a member hears: everybody else of its conference. False, and `out` untouched, for a
    /// call that sits nowhere.
    pub fn others(&mut self, media: MediaId, out: &mut [f32; FRAME]) -> bool {
        let Some(conference) = self.conference_of(media) else {
            return false;
        };
        out.fill(0.0);
        let mut voices = 0;
        for seat in &self.seats {
            let Some(taken) = &seat.taken else { continue };
            if taken.media == media || taken.conference != conference {
                continue;
            }
            voices += 1;
            for (sum, sample) in out.iter_mut().zip(&seat.sound) {
                *sum += sample;
            }
        }
        // A single voice is as loud as it is, to the bit.
        if voices > 1
            && let Some(seat) = self.seats.iter_mut().find(|seat| seat.is(media))
        {
            seat.limiter.apply(out);
        }
        true
    }

    /// The frame is over: the seats of those who left and have faded are free.
    pub fn finish_frame(&mut self) {
        for seat in &mut self.seats {
            if std::mem::replace(&mut seat.fresh, false) {
                seat.sounding = true;
            } else if seat.taken.as_ref().is_some_and(|taken| taken.leaving) {
                seat.taken = None;
                seat.sounding = false;
            }
        }
        self.choose_speakers();
    }

    /// The loudest speaks; who speaks already goes on until another has been louder for a while.
    fn choose_speakers(&mut self) {
        for n in 0..self.seats.len() {
            let Some(taken) = &self.seats[n].taken else {
                continue;
            };
            let (media, conference, own) = (taken.media, taken.conference, taken.level);
            let speaker = self
                .members()
                .find(|taken| taken.conference == conference && taken.speaker);
            let speakers_level = speaker.map_or(Dbov::SILENCE.0, |taken| taken.level);
            let is_speaker = speaker.is_some_and(|taken| taken.media == media);
            let louder = !is_speaker && own > QUIET && own > speakers_level + LOUDER;
            let nobody = speaker.is_none();
            let Some(taken) = &mut self.seats[n].taken else {
                continue;
            };
            taken.louder = if louder { taken.louder + 1 } else { 0 };
            if taken.louder >= PATIENCE || (louder && nobody) {
                for seat in &mut self.seats {
                    if let Some(other) = &mut seat.taken
                        && other.conference == conference
                    {
                        other.speaker = other.media == media;
                        other.louder = 0;
                    }
                }
            }
        }
    }

    /// How loud a member has been lately.
    #[must_use]
    pub fn level(&self, media: MediaId) -> Option<Dbov> {
        self.members()
            .find(|taken| taken.media == media)
            .map(|taken| Dbov(taken.level))
    }

    /// Who speaks in a conference, or spoke last.
    #[must_use]
    pub fn speaker(&self, conference: ConferenceId) -> Option<MediaId> {
        self.members()
            .find(|taken| taken.conference == conference && taken.speaker)
            .map(|taken| taken.media)
    }

    fn members(&self) -> impl Iterator<Item = &Taken> {
        self.seats
            .iter()
            .filter_map(|seat| seat.taken.as_ref())
            .filter(|taken| !taken.leaving)
    }
}

impl Seat {
    fn is(&self, media: MediaId) -> bool {
        let taken = self.taken.as_ref();
        taken.is_some_and(|taken| taken.media == media && !taken.leaving)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: ConferenceId = ConferenceId(1);
    const A: MediaId = MediaId(1);
    const B: MediaId = MediaId(2);
    const C: MediaId = MediaId(3);

    /// One frame in which each of these says its level; what each one hears.
    fn turn(mixer: &mut Mixer, said: &[(MediaId, f32)]) -> Vec<Option<[f32; FRAME]>> {
        for (media, level) in said {
            mixer.put(*media, &[*level; FRAME]);
        }
        mixer.settle();
        let hear = |(media, _): &(MediaId, f32)| {
            let mut out = [9.0; FRAME];
            mixer.others(*media, &mut out).then_some(out)
        };
        let heard = said.iter().map(hear).collect();
        mixer.finish_frame();
        heard
    }

    fn seated(members: &[MediaId]) -> Mixer {
        let mut mixer = Mixer::default();
        for media in members {
            mixer.join(*media, ROOM).unwrap();
        }
        mixer
    }

    #[test]
    fn each_hears_all_others_and_not_itself() {
        let mut mixer = seated(&[A, B, C]);
        let said = [(A, 0.125), (B, 0.25), (C, 0.5)];
        turn(&mut mixer, &said);
        let heard = turn(&mut mixer, &said);
        for (heard, expected) in heard.iter().zip([0.75, 0.625, 0.375]) {
            assert_eq!(heard.unwrap(), [expected; FRAME]);
        }
    }

    #[test]
    fn a_single_voice_passes_to_the_bit_however_loud() {
        let mut mixer = seated(&[A, B]);
        let loud: [f32; FRAME] = std::array::from_fn(|n| 1.0 - (n % 7) as f32 / 3.1);
        let mut heard = [0.0; FRAME];
        for _ in 0..2 {
            mixer.put(A, &loud);
            mixer.settle();
            assert!(mixer.others(B, &mut heard));
            mixer.finish_frame();
        }
        assert_eq!(heard, loud);
    }

    #[test]
    fn eight_at_once_stay_within_full_scale_and_a_ninth_finds_no_seat() {
        let members: Vec<MediaId> = (0..8).map(MediaId).collect();
        let mut mixer = seated(&members);
        assert_eq!(mixer.join(MediaId(8), ROOM), Err(Full));
        let said: Vec<(MediaId, f32)> = members.iter().map(|media| (*media, 0.4)).collect();
        for _ in 0..100 {
            for heard in turn(&mut mixer, &said) {
                assert!(heard.unwrap().iter().all(|s| (0.0..0.991).contains(s)));
            }
        }
        mixer.leave(MediaId(3));
        assert_eq!(
            mixer.join(MediaId(8), ROOM),
            Ok(()),
            "while the other one fades"
        );
    }

    #[test]
    fn whoever_joins_late_or_leaves_does_it_without_a_click() {
        let mut mixer = seated(&[A]);
        let mut heard = Vec::new();
        for frame in 0..40 {
            match frame {
                10 => mixer.join(B, ROOM).unwrap(),
                20 => mixer.leave(B),
                // It is taken back, and then its call is gone from one frame to the next.
                30 => mixer.join(B, ROOM).unwrap(),
                _ => {}
            }
            mixer.put(A, &[0.0; FRAME]);
            if frame < 35 {
                mixer.put(B, &[0.5; FRAME]);
            }
            mixer.settle();
            let mut out = [0.0; FRAME];
            mixer.others(A, &mut out);
            heard.extend_from_slice(&out);
            mixer.finish_frame();
        }
        let middle = |frame: usize| heard[frame * FRAME + FRAME / 2];
        let levels: Vec<f32> = [5, 15, 25, 33, 38].map(middle).to_vec();
        assert_eq!(levels, [0.0, 0.5, 0.0, 0.5, 0.0]);
        // 10 ms for half of full scale.
        let steps = heard.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        let steepest = steps.fold(0.0, f32::max);
        assert!(steepest < 0.5 / 400.0, "{steepest}");
    }

    #[test]
    fn two_conferences_do_not_hear_each_other_and_one_split_off_hears_nobody() {
        let mut mixer = seated(&[A, B, C]);
        let said = [(A, 0.125), (B, 0.25), (C, 0.5)];
        mixer.join(C, ConferenceId(2)).unwrap();
        for _ in 0..2 {
            turn(&mut mixer, &said);
        }
        let heard = turn(&mut mixer, &said);
        assert_eq!(heard[0].unwrap(), [0.25; FRAME]);
        assert_eq!(heard[2].unwrap(), [0.0; FRAME], "alone in the other one");
        mixer.leave(C);
        assert_eq!(turn(&mut mixer, &said)[2], None);
        assert_eq!(mixer.conference_of(C), None);
    }

    #[test]
    fn the_speaker_is_the_loudest_and_a_cough_does_not_change_it() {
        let mut mixer = seated(&[A, B]);
        for _ in 0..50 {
            turn(&mut mixer, &[(A, 0.1), (B, 0.0)]);
        }
        assert_eq!(mixer.speaker(ROOM), Some(A));
        // A mean square of a hundredth is 17 dB below that of a full sine.
        assert!((mixer.level(A).unwrap().0 + 16.99).abs() < 0.01);
        for _ in 0..5 {
            turn(&mut mixer, &[(A, 0.1), (B, 0.5)]);
        }
        assert_eq!(mixer.speaker(ROOM), Some(A));
        for _ in 0..100 {
            turn(&mut mixer, &[(A, 0.0), (B, 0.1)]);
        }
        assert_eq!(mixer.speaker(ROOM), Some(B));
        assert_eq!(mixer.speaker(ConferenceId(9)), None);
    }

    #[test]
    fn an_empty_mixer_says_so_once_the_last_one_has_faded() {
        let mut mixer = seated(&[A]);
        turn(&mut mixer, &[(A, 0.5)]);
        mixer.leave(A);
        assert!(!mixer.is_empty());
        turn(&mut mixer, &[]);
        assert!(mixer.is_empty());
    }
}
