//! How each call's packets find their way to the far side.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::driver::Driver;
use crate::media::Port;
use crate::media::plan::{MediaCommand, MediaId, Plan};

/// What is known of the ways of all calls.
#[derive(Debug, Default)]
pub(super) struct Reaching {
    /// The last plan of each.
    plans: BTreeMap<MediaId, Plan>,
}

impl Reaching {
    /// An order that is about to be given to the media thread.
    pub(super) fn note(&mut self, order: &MediaCommand) {
        match order {
            MediaCommand::Apply { media, plan } => {
                self.plans.insert(*media, (**plan).clone());
            }
            MediaCommand::Close { media } => {
                self.plans.remove(media);
            }
            _ => {}
        }
    }

    fn signalled(&self, media: MediaId, port: Port) -> Option<SocketAddr> {
        let plan = self.plans.get(&media)?;
        Some(match port {
            Port::Rtp => plan.remote_rtp,
            Port::Rtcp => plan.remote_rtcp,
        })
    }
}

impl Driver {
    /// Sends what is neither RTP nor RTCP where this port's packets go now.
    #[expect(dead_code, reason = "for handshakes on the path of the sound")]
    pub(super) fn send_on_path(&mut self, media: MediaId, port: Port, bytes: Vec<u8>) {
        if let Some(to) = self.reaching.signalled(media, port) {
            self.order_media(MediaCommand::Transmit {
                media,
                port,
                local: None,
                to,
                bytes,
            });
        }
    }
}
