//! Which payload types a session sends and takes.

use crate::media::plan::{Accepted, CodecChoice, Plan};
use crate::rtp::session::{PayloadFormat, PayloadKind};
use crate::units::{PayloadType, SampleRate};

/// Comfort noise (RFC 3551 table 4).
const STATIC_NOISE: PayloadType = const { PayloadType::new(13).expect("below 128") };

fn sound(payload_type: PayloadType, clock: SampleRate) -> PayloadFormat {
    PayloadFormat {
        payload_type,
        clock,
        kind: PayloadKind::Sound,
    }
}

fn noise(payload_type: PayloadType) -> PayloadFormat {
    PayloadFormat {
        payload_type,
        clock: SampleRate::NARROW,
        kind: PayloadKind::ComfortNoise,
    }
}

fn event((payload_type, hz): (PayloadType, u32)) -> Option<PayloadFormat> {
    let clock = SampleRate::new(hz)?;
    Some(PayloadFormat {
        payload_type,
        clock,
        kind: PayloadKind::Event,
    })
}

fn again((payload_type, hz): (PayloadType, u32)) -> Option<PayloadFormat> {
    Some(sound(payload_type, SampleRate::new(hz)?))
}

/// What may come by our offer.
pub(super) fn of_offer(accepted: &Accepted) -> Vec<PayloadFormat> {
    [noise(STATIC_NOISE)]
        .into_iter()
        .chain(accepted.comfort_noise.map(noise))
        .chain(accepted.redundancy.iter().copied().filter_map(again))
        .chain(accepted.dtmf.iter().copied().filter_map(event))
        .chain(
            accepted
                .codecs
                .iter()
                .map(|(number, kind)| sound(*number, kind.rtp_clock())),
        )
        .collect()
}

/// All that may be sent or come. What is spoken at `present` stays sendable until the packet being
/// filled is out, unless its number means something else by then.
pub(super) fn of_plan(plan: &Plan, present: Option<&CodecChoice>) -> Vec<PayloadFormat> {
    let speaks = |choice: &CodecChoice| sound(choice.payload_type, choice.kind.rtp_clock());
    let clock = plan.codec.kind.rtp_clock();
    // Later ones overrule earlier ones of the same number. Many send comfort noise under its
    // static number (RFC 3551 section 6) without a word in SDP.
    [noise(STATIC_NOISE)]
        .into_iter()
        .chain(present.map(speaks))
        .chain(plan.comfort_noise.map(noise))
        .chain(plan.codec.comfort_noise.map(noise))
        .chain([speaks(&plan.codec)])
        .chain(plan.codec.redundancy.map(|number| sound(number, clock)))
        .chain(plan.redundancy.iter().copied().filter_map(again))
        .chain(plan.dtmf_send.and_then(event))
        .chain(plan.dtmf_receive.iter().copied().filter_map(event))
        .chain(
            plan.accepted
                .iter()
                .map(|(number, kind)| sound(*number, kind.rtp_clock())),
        )
        .collect()
}
