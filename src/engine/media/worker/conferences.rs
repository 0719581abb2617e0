//! Who sits in a conference, and what its members hear.

use super::{Call, MediaReport, Worker};
use crate::media::bridge::FRAME;
use crate::media::mixer::Mixer;
use crate::media::plan::{ConferenceId, MediaId};

impl<R: Fn(MediaReport)> Worker<R> {
    pub(super) fn confer(&mut self, media: MediaId, conference: Option<ConferenceId>) {
        let Some(call) = self.calls.iter_mut().find(|call| call.media == media) else {
            return;
        };
        let Some(conference) = conference else {
            self.mixer.leave(media);
            call.seat.leave();
            return;
        };
        if self.mixer.join(media, conference).is_err() {
            call.seat.leave();
            (self.report)(MediaReport::ConferenceFull { media });
        } else {
            call.seat.join(call.session.capture_rate());
        }
    }
}

/// Everybody in a conference has said their 10 ms: the others hear it, and whoever speaks is told.
pub(super) fn settle(
    mixer: &mut Mixer,
    calls: &mut [Call],
    speakers: &mut Vec<(ConferenceId, MediaId)>,
    report: &impl Fn(MediaReport),
) {
    mixer.settle();
    let mut others = [0.0; FRAME];
    for call in calls.iter_mut() {
        if mixer.others(call.media, &mut others) {
            call.seat.hear(&others);
        }
    }
    mixer.finish_frame();
    for call in calls.iter() {
        let Some(conference) = mixer.conference_of(call.media) else {
            continue;
        };
        if mixer.speaker(conference) != Some(call.media) {
            continue;
        }
        let media = call.media;
        if speakers.contains(&(conference, media)) {
            continue;
        }
        speakers.retain(|(known, _)| *known != conference);
        speakers.push((conference, media));
        report(MediaReport::Speaking { conference, media });
    }
}
