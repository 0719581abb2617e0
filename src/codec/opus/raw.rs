//! The decoding half of libopus as it is in C, in a safe coat: the one place with its pointers.
//!
//! `audiopus` keeps the decoder's pointer to itself, and DRED and the decoder's effort cannot be
//! reached without it.
#![expect(
    unsafe_code,
    reason = "libopus is C; every call is wrapped here, and nowhere else"
)]

use std::ffi::c_int;
use std::ptr::NonNull;

use audiopus::Error;
use audiopus_sys as c;

use super::super::{CodecError, MAX_PACKET_SAMPLES};

/// The one rate that is decoded to.
const HZ: i32 = 48_000;

/// Samples of the shortest piece that libopus conceals: 2.5 ms.
pub(super) const STEP: usize = 120;

/// A decoder to 48 kHz mono.
#[derive(Debug)]
pub(super) struct RawDecoder(NonNull<c::OpusDecoder>);

// SAFETY: the state is plain memory on the heap, which this value alone points to; libopus keeps
// nothing for a thread.
unsafe impl Send for RawDecoder {}

impl RawDecoder {
    pub(super) fn new() -> Result<RawDecoder, CodecError> {
        let mut error: c_int = 0;
        // SAFETY: the rate and the number of channels are such as libopus knows, and `error` lives
        // through the call.
        let state = unsafe { c::opus_decoder_create(HZ, 1, &raw mut error) };
        checked(error)?;
        let state = NonNull::new(state).ok_or(CodecError::Malformed)?;
        Ok(RawDecoder(state))
    }

    /// Effort, 0 to 10: from 5 on losses are concealed by a neural model.
    pub(super) fn set_complexity(&mut self, complexity: u8) {
        let complexity = c_int::from(complexity.min(10));
        // SAFETY: the state is alive, and this request takes one `int`. It cannot fail for a value
        // in range.
        unsafe {
            c::opus_decoder_ctl(self.0.as_ptr(), c::OPUS_SET_COMPLEXITY_REQUEST, complexity);
        }
    }

    /// As after [`RawDecoder::new`], but for the effort.
    pub(super) fn reset(&mut self) {
        // SAFETY: the state is alive, and this request takes no argument. It cannot fail.
        unsafe {
            c::opus_decoder_ctl(self.0.as_ptr(), c::OPUS_RESET_STATE);
        }
    }

    /// Decodes a packet, or with `copy` the copy that it carries of the sound before it, which is
    /// then to be as long as `sound`; answers the number of samples.
    pub(super) fn decode(
        &mut self,
        payload: &[u8],
        sound: &mut [f32],
        copy: bool,
    ) -> Result<usize, CodecError> {
        // To libopus an empty packet is a lost one.
        if payload.is_empty() {
            return Err(CodecError::Malformed);
        }
        let bytes = i32::try_from(payload.len()).map_err(|_| CodecError::Malformed)?;
        let (out, room) = writable(sound)?;
        // SAFETY: the state is alive; libopus reads `bytes` bytes of the payload, which is a slice
        // of that length, and writes at most `room` samples of one channel to `out`.
        let made = unsafe {
            c::opus_decode_float(
                self.0.as_ptr(),
                payload.as_ptr(),
                bytes,
                out,
                room,
                c_int::from(copy),
            )
        };
        checked(made)
    }

    /// Fills `sound`, a multiple of [`STEP`], with a guess.
    pub(super) fn conceal(&mut self, sound: &mut [f32]) -> Result<usize, CodecError> {
        let (out, room) = writable(sound)?;
        // SAFETY: the state is alive; a null packet of length 0 means a lost one, and at most
        // `room` samples of one channel are written to `out`.
        let made =
            unsafe { c::opus_decode_float(self.0.as_ptr(), std::ptr::null(), 0, out, room, 0) };
        checked(made)
    }

    /// Fills `sound`, a multiple of [`STEP`], with what began `back` samples before the packet
    /// that `past` was read from; with a guess where it does not reach.
    pub(super) fn recall(
        &mut self,
        past: &RawDred,
        back: i32,
        sound: &mut [f32],
    ) -> Result<usize, CodecError> {
        let (out, room) = writable(sound)?;
        // SAFETY: both states are alive and used by nobody else; `features` was written by a parse
        // (`RawDred::new` makes the first), so that its fields may be read; its indices are checked
        // against its length by libopus; at most `room` samples are written to `out`.
        let made = unsafe {
            c::opus_decoder_dred_decode_float(
                self.0.as_ptr(),
                past.features.as_ptr(),
                back,
                out,
                room,
            )
        };
        checked(made)
    }
}

impl Drop for RawDecoder {
    fn drop(&mut self) {
        // SAFETY: made by `opus_decoder_create`, and destroyed only here.
        unsafe { c::opus_decoder_destroy(self.0.as_ptr()) };
    }
}

/// What one packet says of the sound before it: its deep redundancy, and the model to read it.
#[derive(Debug)]
pub(super) struct RawDred {
    model: NonNull<c::OpusDREDDecoder>,
    features: NonNull<c::OpusDRED>,
}

// SAFETY: as for `RawDecoder`.
unsafe impl Send for RawDred {}

/// Which sound a packet's redundancy stands for, in samples before the packet's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Where it begins.
    pub(super) oldest: usize,
    /// Where it ends: nothing is kept of the pause that follows.
    pub(super) newest: usize,
}

impl RawDred {
    pub(super) fn new() -> Result<RawDred, CodecError> {
        let mut error: c_int = 0;
        // SAFETY: `error` lives through the call.
        let model = unsafe { c::opus_dred_decoder_create(&raw mut error) };
        checked(error)?;
        let model = NonNull::new(model).ok_or(CodecError::Malformed)?;
        // SAFETY: as before.
        let features = unsafe { c::opus_dred_alloc(&raw mut error) };
        let Some(features) = NonNull::new(features) else {
            // SAFETY: made above, and given to nobody.
            unsafe { c::opus_dred_decoder_destroy(model.as_ptr()) };
            return Err(CodecError::Malformed);
        };
        let mut dred = RawDred { model, features };
        // The memory comes as it is; reading a packet without redundancy marks it as empty.
        dred.read(&[0], HZ);
        Ok(dred)
    }

    /// Reads the redundancy of a packet, no more than `reach` samples back; `None` if it has none.
    /// [`RawDred::unfold`] has to follow before it can be heard.
    pub(super) fn read(&mut self, payload: &[u8], reach: i32) -> Option<Span> {
        if payload.is_empty() {
            return None;
        }
        let bytes = i32::try_from(payload.len()).ok()?;
        let mut newest: c_int = 0;
        // SAFETY: both states are alive and used by nobody else; libopus reads `bytes` bytes of the
        // payload, which is a slice of that length, and `newest` lives through the call.
        let oldest = unsafe {
            c::opus_dred_parse(
                self.model.as_ptr(),
                self.features.as_ptr(),
                payload.as_ptr(),
                bytes,
                reach,
                HZ,
                &raw mut newest,
                1,
            )
        };
        let oldest = usize::try_from(oldest).ok()?;
        let newest = usize::try_from(newest).ok()?;
        (oldest > newest).then_some(Span { oldest, newest })
    }

    /// Turns what was read into what can be heard: the costly part, once for each packet.
    pub(super) fn unfold(&mut self) -> Result<(), CodecError> {
        // SAFETY: both states are alive and used by nobody else; source and destination may be the
        // same, which libopus looks for.
        let done = unsafe {
            c::opus_dred_process(
                self.model.as_ptr(),
                self.features.as_ptr(),
                self.features.as_ptr(),
            )
        };
        checked(done).map(drop)
    }
}

impl Drop for RawDred {
    fn drop(&mut self) {
        // SAFETY: both were made by `RawDred::new`, and are given back only here.
        unsafe {
            c::opus_dred_free(self.features.as_ptr());
            c::opus_dred_decoder_destroy(self.model.as_ptr());
        }
    }
}

/// Where libopus may write, and how many samples: never more than one packet.
fn writable(sound: &mut [f32]) -> Result<(*mut f32, c_int), CodecError> {
    let room = c_int::try_from(sound.len().min(MAX_PACKET_SAMPLES)).unwrap_or(0);
    if room == 0 {
        return Err(CodecError::BufferTooShort {
            given: 0,
            needed: 1,
        });
    }
    Ok((sound.as_mut_ptr(), room))
}

/// libopus answers a number, or below zero what went wrong.
fn checked(answer: c_int) -> Result<usize, CodecError> {
    usize::try_from(answer).map_err(|_| CodecError::Opus(Error::Opus(answer.into())))
}
