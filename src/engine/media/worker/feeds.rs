//! What a call is given instead of the microphone, and sounds that have been loaded.

use super::{MediaReport, Worker};
use crate::engine::media::Unusable;
use crate::engine::media::load::Loaded;
use crate::media::plan::{Feed, MediaId};

impl<R: Fn(MediaReport)> Worker<R> {
    pub(super) fn feed(&mut self, media: MediaId, feed: Feed) {
        let clip = match feed {
            Feed::HoldMusic => self.hold_music.clone(),
            // A file comes when it is loaded.
            Feed::Microphone | Feed::Silence | Feed::File(_) => None,
        };
        self.with(media, |call, _, _| {
            call.seat.feed = feed;
            call.seat.play(clip, call.session.capture_rate());
        });
    }

    pub(super) fn take_loaded(&mut self, loaded: Loaded) {
        match loaded {
            Loaded::Ring { sound, sample } => self.output.set_ring(sound, sample),
            Loaded::HoldMusic(clip) => {
                self.hold_music = clip;
                for call in &mut self.calls {
                    if call.seat.feed == Feed::HoldMusic {
                        let rate = call.session.capture_rate();
                        call.seat.play(self.hold_music.clone(), rate);
                    }
                }
            }
            Loaded::Player { media, clip } => self.with(media, |call, _, _| {
                if matches!(call.seat.feed, Feed::File(_)) {
                    call.seat.play(Some(clip), call.session.capture_rate());
                }
            }),
            Loaded::Unusable { what, path } => {
                match what {
                    Unusable::Ringtone => self.output.reset_ring(),
                    Unusable::HoldMusic => {}
                }
                (self.report)(MediaReport::SoundUnusable { what, path });
            }
        }
    }
}
