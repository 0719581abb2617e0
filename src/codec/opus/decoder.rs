//! Opus packets to sound, and sound where packets are missing.

use std::fmt;
use std::time::Duration;

use super::super::{CodecError, MAX_PACKET_SAMPLES};
use super::packet::{has_dred, has_lbrr, is_celt, is_dtx};
use super::raw::{RawDecoder, RawDred, STEP, Span};
use crate::units::SampleRate;

/// The decoder's effort. From 5 on libopus conceals by a neural model ("deep PLC"), at 6 it also
/// smooths what SILK decodes (LACE), at 7 by a larger model (NoLACE). Measured with LBRR at
/// 24 kbit/s, PESQ-WB, medians of 25 (five talkers, five seeds), and seconds for a minute:
///
/// | effort | 5% lost | 10% lost | CPU |
/// | --- | --- | --- | --- |
/// | 0 | 4.02 | 3.76 | 0.12 |
/// | 5 | 3.99 | 3.77 | 0.19 |
/// | 6 | 4.07 | 3.81 | 0.28 |
/// | 7 | 4.07 | 3.82 | 0.51 |
const EFFORT: u8 = 6;

/// The effort in a pause, which may last for minutes: comfort noise comes out just as loud, for a
/// third of the work.
const PAUSE_EFFORT: u8 = 0;

/// The longest sound made in one go of the neural model.
const PIECE: usize = 960;

/// Deep redundancy comes in 10 ms; a longer piece that begins up to half of that before what is
/// known is still mostly known.
const VOCODER_FRAME: usize = 480;

/// Packets longer than an Ethernet frame are not looked into for deep redundancy.
const MAX_CARRIER: usize = 1_500;

/// How far back deep redundancy is read, in samples: 1 s, more than a packet can hold.
const MAX_REACH: i32 = 48_000;

/// Opus packets to sound.
///
/// What was lost can be had from packets behind it, best first:
///
/// 1. [`Decoder::decode_fec`], if the very next packet is here and carries a copy (LBRR, RFC 6716
///    section 2.1.7): the waveform, coarser;
/// 2. [`Decoder::decode_dred`], if any packet is here whose deep redundancy reaches back far
///    enough ([`Decoder::dred_reach`]): the voice, spoken anew by a vocoder;
/// 3. [`Decoder::conceal`]: a guess, which fades out.
///
/// They may be mixed as they come: each leaves the decoder so that the packet behind it is decoded
/// as usual.
#[derive(Debug)]
pub struct Decoder {
    raw: RawDecoder,
    dred: RawDred,
    carrier: Carrier,
    /// The last packet was CELT alone.
    celt: bool,
    /// The last packet began or went on with a pause.
    pause: bool,
}

/// The packet whose deep redundancy was read last.
struct Carrier {
    payload: Box<[u8; MAX_CARRIER]>,
    bytes: usize,
    span: Option<Span>,
    unfolded: bool,
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carrier")
            .field("bytes", &self.bytes)
            .field("span", &self.span)
            .field("unfolded", &self.unfolded)
            .finish_non_exhaustive()
    }
}

impl Decoder {
    /// A decoder to 48 kHz mono.
    ///
    /// # Errors
    /// When libopus cannot be set up.
    pub fn new() -> Result<Decoder, CodecError> {
        let mut raw = RawDecoder::new()?;
        raw.set_complexity(EFFORT);
        Ok(Decoder {
            raw,
            dred: RawDred::new()?,
            carrier: Carrier {
                payload: Box::new([0; MAX_CARRIER]),
                bytes: 0,
                span: None,
                unfolded: false,
            },
            celt: false,
            pause: false,
        })
    }

    /// Decodes one packet; answers the number of samples.
    ///
    /// # Errors
    /// A packet that breaks RFC 6716 section 3.4; a buffer too short for it.
    pub fn decode(&mut self, payload: &[u8], sound: &mut [f32]) -> Result<usize, CodecError> {
        self.set_pause(is_dtx(payload));
        let samples = self.raw.decode(payload, sound, false)?;
        self.celt = payload.first().is_some_and(|toc| is_celt(*toc));
        tame(&mut sound[..samples]);
        Ok(samples)
    }

    /// Whether `next` carries a copy of the sound before it, and libopus will use it: after a
    /// packet of CELT alone it conceals.
    #[must_use]
    pub fn has_fec(&self, next: &[u8]) -> bool {
        !self.celt && has_lbrr(next)
    }

    /// Fills `sound` with what was lost before `next`, from the copy in `next`; where it has
    /// none, or reaches not far enough back, by concealment. Multiples of 2.5 ms. Shorter than
    /// a frame of `next`, it is all concealment.
    ///
    /// # Errors
    /// As [`Decoder::decode`].
    pub fn decode_fec(&mut self, next: &[u8], sound: &mut [f32]) -> Result<(), CodecError> {
        self.set_pause(false);
        let samples = self.raw.decode(next, sound, true)?;
        sound[samples..].fill(0.0);
        tame(sound);
        Ok(())
    }

    /// How much of the sound just before `later` can be had from its deep redundancy (DRED), zero
    /// if it has none. `later` is any packet behind the loss, however many are missing.
    ///
    /// Reading takes some microseconds for a packet with DRED and is remembered for the last one.
    #[must_use]
    pub fn dred_reach(&mut self, later: &[u8]) -> Duration {
        let oldest = self.open(later).map_or(0, |span| span.oldest);
        SampleRate::FULL.duration_of(oldest as u64)
    }

    /// Fills `sound` with what began `back` before the sound of `later`, from the deep redundancy
    /// of `later`. Answers whether it held any of it; where it did not, `sound` is concealment. What
    /// is missing is to be asked for in its order, and directly after what came before it: the
    /// vocoder goes on from there.
    ///
    /// The first call for a packet costs about 0.3 ms, and every 20 ms about as much again.
    ///
    /// # Errors
    /// Only if libopus fails; then `sound` holds nothing of use.
    pub fn decode_dred(
        &mut self,
        later: &[u8],
        back: Duration,
        sound: &mut [f32],
    ) -> Result<bool, CodecError> {
        let mut back = SampleRate::FULL.samples_in(back);
        let Some(span) = self.open(later) else {
            self.conceal(sound);
            return Ok(false);
        };
        let end = back.saturating_sub(sound.len());
        if span.oldest + VOCODER_FRAME / 2 <= end.max(span.newest) || span.newest >= back {
            self.conceal(sound);
            return Ok(false);
        }
        if !self.carrier.unfolded {
            self.dred.unfold()?;
            self.carrier.unfolded = true;
        }
        self.set_pause(false);
        // Tens of milliseconds only: the vocoder knows nothing shorter.
        let whole = sound.len() / VOCODER_FRAME * VOCODER_FRAME;
        let (body, rest) = sound.split_at_mut(whole);
        for piece in body.chunks_mut(PIECE) {
            // More than what is kept is concealed, so that a bound hides nothing.
            let offset = i32::try_from(back).unwrap_or(MAX_REACH).min(2 * MAX_REACH);
            let made = self.raw.recall(&self.dred, offset, piece)?;
            piece[made..].fill(0.0);
            tame(piece);
            back = back.saturating_sub(piece.len());
        }
        self.conceal(rest);
        Ok(true)
    }

    /// Reads the deep redundancy of a packet, unless it is the one read last.
    fn open(&mut self, later: &[u8]) -> Option<Span> {
        if !has_dred(later) {
            return None;
        }
        let room = self.carrier.payload.get_mut(..later.len())?;
        if self.carrier.bytes != later.len() || room != later {
            room.copy_from_slice(later);
            self.carrier.bytes = later.len();
            self.carrier.unfolded = false;
            self.carrier.span = self.dred.read(later, MAX_REACH);
        }
        self.carrier.span
    }

    /// Fills `sound` with what might have been there, comfort noise in pauses.
    pub fn conceal(&mut self, sound: &mut [f32]) {
        // libopus makes multiples of 2.5 ms, and at most one packet at a time.
        for piece in sound.chunks_mut(MAX_PACKET_SAMPLES) {
            let whole = piece.len() / STEP * STEP;
            let (body, rest) = piece.split_at_mut(whole);
            self.conceal_steps(body);
            if !rest.is_empty() {
                let mut last = [0.0; STEP];
                self.conceal_steps(&mut last);
                rest.copy_from_slice(&last[..rest.len()]);
            }
        }
    }

    fn conceal_steps(&mut self, sound: &mut [f32]) {
        if sound.is_empty() {
            return;
        }
        let made = self.raw.conceal(sound).unwrap_or(0);
        sound[made..].fill(0.0);
        tame(sound);
    }

    fn set_pause(&mut self, pause: bool) {
        if self.pause != pause {
            self.pause = pause;
            self.raw
                .set_complexity(if pause { PAUSE_EFFORT } else { EFFORT });
        }
    }

    /// Forgets the stream heard so far.
    pub fn reset(&mut self) {
        self.raw.reset();
        self.set_pause(false);
        self.celt = false;
        (self.carrier.bytes, self.carrier.span) = (0, None);
    }
}

/// The float decoder may overshoot ±1, and a hostile packet drive it anywhere.
fn tame(sound: &mut [f32]) {
    for sample in sound {
        *sample = if sample.is_finite() {
            sample.clamp(-1.0, 1.0)
        } else {
            0.0
        };
    }
}
