//! Whether packets of G.711 and G.722 are sent again, which have no protection of their own.
//!
//! Sent again (RFC 2198), each doubles what the payload takes: 64 kbit/s become 128. So nothing is
//! sent again before losses are told of; and where it fills the line, so that even more is lost or
//! packets wait ever longer, it is taken back and not tried again for a while.

use std::time::Duration;

use super::{CONGESTED, QUEUE, Report, percent};

/// Loss, in percent, from which it is worth twice the rate, and below which it is not.
const FROM: f32 = 3.0;
const BELOW: f32 = 1.0;

/// Reports in a row with so little loss before it ends: half a minute at the usual interval.
const CALM_REPORTS: u8 = 6;

/// Reports in which a beginning is on trial, and how much, in percent, loss must be above twice what
/// it was for it to have been a mistake: where losses come in runs they vary much by themselves.
const TRIAL: u8 = 2;
const WORSE: f32 = 6.0;

/// Reports for which it is not tried again after a mistake, the first time and at most.
const BARRED: u8 = 12;
const BARRED_AT_MOST: u8 = 96;

/// How many packets back one is carried again: the next before for losses here and there, the one
/// before that where they come in runs, which outlast the next.
const NEAR: u8 = 1;
const FAR: u8 = 2;

/// Decides from reports whether packets are sent again.
#[derive(Clone, Debug, Default)]
pub struct Resend {
    state: State,
    /// What the next mistake costs, in reports.
    penalty: u8,
    shortest_trip: Option<Duration>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum State {
    #[default]
    Once,
    Again {
        distance: u8,
        /// Loss when it began, and reports since.
        before: f32,
        reports: u8,
        calm: u8,
    },
    Barred {
        reports: u8,
    },
}

impl Resend {
    /// How many packets back one is carried again; 0: none is.
    #[must_use]
    pub fn distance(&self) -> u8 {
        match self.state {
            State::Again { distance, .. } => distance,
            State::Once | State::Barred { .. } => 0,
        }
    }

    /// Takes one report; answers [`Resend::distance`].
    pub fn handle_report(&mut self, report: &Report) -> u8 {
        let loss = percent(report.loss);
        let queue = report.round_trip.is_some_and(|trip| {
            let shortest = self.shortest_trip.map_or(trip, |known| known.min(trip));
            self.shortest_trip = Some(shortest);
            trip > shortest + QUEUE
        });
        let congested = queue && loss > CONGESTED;
        let wanted = match report.burst {
            Some(burst) if burst.is_in_runs(loss / 100.0) => FAR,
            _ => NEAR,
        };
        self.state = match self.state {
            State::Barred { reports } if reports > 1 => State::Barred {
                reports: reports - 1,
            },
            State::Once | State::Barred { .. } if loss >= FROM && !congested => State::Again {
                distance: wanted,
                before: loss,
                reports: 0,
                calm: 0,
            },
            State::Once | State::Barred { .. } => State::Once,
            State::Again {
                before, reports, ..
            } if congested || (reports < TRIAL && loss > 2.0 * before + WORSE) => {
                self.penalty = (self.penalty * 2).clamp(BARRED, BARRED_AT_MOST);
                State::Barred {
                    reports: self.penalty,
                }
            }
            State::Again { calm, .. } if loss < BELOW && calm + 1 >= CALM_REPORTS => State::Once,
            State::Again {
                distance,
                before,
                reports,
                calm,
            } => State::Again {
                // Further back at once; nearer only by ending.
                distance: if loss >= BELOW {
                    distance.max(wanted)
                } else {
                    distance
                },
                before,
                reports: reports.saturating_add(1),
                calm: if loss < BELOW { calm + 1 } else { 0 },
            },
        };
        self.distance()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Burst;
    use super::*;

    fn lost(loss: f64) -> Report {
        Report {
            loss,
            ..Report::default()
        }
    }

    fn slow(loss: f64, round_trip_ms: u64) -> Report {
        Report {
            round_trip: Some(Duration::from_millis(round_trip_ms)),
            ..lost(loss)
        }
    }

    #[test]
    fn packets_are_sent_again_while_many_are_lost() {
        let mut resend = Resend::default();
        for loss in [0.0, 0.01, 0.029] {
            assert_eq!(resend.handle_report(&lost(loss)), 0, "{loss}");
        }
        assert_eq!(resend.handle_report(&lost(0.05)), 1);
        // Neither one quiet report nor loss in between ends it.
        for loss in [0.0, 0.02, 0.0, 0.0, 0.0, 0.0, 0.0] {
            assert_eq!(resend.handle_report(&lost(loss)), 1, "{loss}");
        }
        assert_eq!(resend.handle_report(&lost(0.0)), 0);
    }

    #[test]
    fn runs_are_met_from_further_back() {
        let runs = Report {
            burst: Some(Burst { density: 0.6 }),
            ..lost(0.1)
        };
        let mut resend = Resend::default();
        assert_eq!(resend.handle_report(&lost(0.1)), 1);
        assert_eq!(resend.handle_report(&runs), 2);
        assert_eq!(resend.handle_report(&lost(0.1)), 2);
        assert_eq!(Resend::default().handle_report(&runs), 2);
    }

    #[test]
    fn a_full_line_is_not_filled_further_and_not_tried_soon() {
        let mut resend = Resend::default();
        resend.handle_report(&slow(0.0, 40));
        assert_eq!(resend.handle_report(&slow(0.2, 300)), 0);
        assert_eq!(resend.handle_report(&slow(0.05, 50)), 1);
        assert_eq!(resend.handle_report(&slow(0.12, 280)), 0);
        let quiet_for = |resend: &mut Resend| {
            (0..200)
                .take_while(|_| resend.handle_report(&slow(0.05, 50)) == 0)
                .count()
        };
        let first = quiet_for(&mut resend);
        assert_eq!(resend.handle_report(&slow(0.12, 280)), 0);
        let second = quiet_for(&mut resend);
        assert!(first >= 10 && second >= 2 * first, "{first} {second}");
    }

    #[test]
    fn more_loss_right_after_the_beginning_is_of_its_own_making() {
        let mut resend = Resend::default();
        assert_eq!(resend.handle_report(&lost(0.04)), 1);
        assert_eq!(resend.handle_report(&lost(0.15)), 0);
        let mut resend = Resend::default();
        for _ in 0..4 {
            assert_eq!(resend.handle_report(&lost(0.04)), 1);
        }
        assert_eq!(
            resend.handle_report(&lost(0.15)),
            1,
            "long after, it is the network's"
        );
    }

    #[test]
    fn nonsense_changes_nothing() {
        let mut resend = Resend::default();
        for loss in [f64::NAN, -1.0] {
            assert_eq!(resend.handle_report(&lost(loss)), 0);
        }
        assert_eq!(resend.handle_report(&lost(f64::INFINITY)), 1);
    }
}
