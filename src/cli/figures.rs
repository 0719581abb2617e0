//! A call's figures as JSON, each second and in the mean.

use serde_json::{Map, Value, json};

use super::report::{fields, rounded};
use crate::media::{Quality, RemoteQuality};

/// All that is measured of a call, under the names of the `stats` event.
pub(super) fn quality_fields(quality: &Quality) -> Map<String, Value> {
    fields(json!({
        "rtt_ms": quality.rtt_ms.map(rounded),
        "one_way_ms": quality.one_way_ms.map(rounded),
        "jitter_ms": rounded(quality.jitter_ms),
        "loss_pct": rounded(quality.loss_pct),
        "discard_pct": rounded(quality.discard_pct),
        "remote_loss_pct": quality.remote_loss_pct.map(rounded),
        "buffer_ms": rounded(quality.buffer_ms),
        "buffer_nominal_ms": rounded(quality.buffer_nominal_ms),
        "buffer_max_ms": rounded(quality.buffer_max_ms),
        "concealed_pct": rounded(quality.concealed_pct),
        "repaired_pct": rounded(quality.repaired_pct),
        "stretched_pct": rounded(quality.stretched_pct),
        "silence_adjusted_pct": rounded(quality.silence_adjusted_pct),
        "burst_density_pct": rounded(quality.burst_density_pct),
        "burst_ms": rounded(quality.burst_ms),
        "gap_density_pct": rounded(quality.gap_density_pct),
        "gap_ms": rounded(quality.gap_ms),
        "end_system_ms": rounded(quality.end_system_ms),
        "mouth_to_ear_ms": quality.mouth_to_ear_ms.map(rounded),
        "r_factor": rounded(quality.r_factor),
        "mos_lq": rounded(quality.mos_lq),
        "mos": rounded(quality.mos),
        "speech_in_dbov": quality.speech_in.map(|level| rounded(level.0)),
        "speech_out_dbov": quality.speech_out.map(|level| rounded(level.0)),
        "far_side": quality.remote.as_ref().map(remote_fields),
    }))
}

/// What the far side said of how it hears us.
fn remote_fields(remote: &RemoteQuality) -> Value {
    json!({
        "loss_pct": rounded(remote.loss_pct),
        "discard_pct": rounded(remote.discard_pct),
        "burst_density_pct": rounded(remote.burst_density_pct),
        "burst_ms": rounded(remote.burst_ms),
        "gap_density_pct": rounded(remote.gap_density_pct),
        "gap_ms": rounded(remote.gap_ms),
        "end_system_ms": remote.end_system_ms.map(rounded),
        "buffer_nominal_ms": rounded(remote.buffer_nominal_ms),
        "r_factor": remote.r_factor.map(rounded),
        "mos_lq": remote.mos_lq.map(rounded),
        "mos": remote.mos.map(rounded),
    })
}

/// Means of what is measured each second; of what is counted since the beginning, the last.
#[derive(Clone, Debug, Default)]
pub(super) struct Means {
    always: [Mean; 14],
    sometimes: [Mean; 4],
    last: Option<Quality>,
}

impl Means {
    pub(super) fn add(&mut self, quality: &Quality) {
        let always = [
            quality.jitter_ms,
            quality.loss_pct,
            quality.discard_pct,
            quality.buffer_ms,
            quality.buffer_nominal_ms,
            quality.concealed_pct,
            quality.repaired_pct,
            quality.end_system_ms,
            quality.r_factor,
            quality.mos_lq,
            quality.mos,
            quality.buffer_max_ms,
            quality.stretched_pct,
            quality.silence_adjusted_pct,
        ];
        for (mean, value) in self.always.iter_mut().zip(always) {
            mean.add(value);
        }
        let sometimes = [
            quality.rtt_ms,
            quality.one_way_ms,
            quality.remote_loss_pct,
            quality.mouth_to_ear_ms,
        ];
        for (mean, value) in self.sometimes.iter_mut().zip(sometimes) {
            if let Some(value) = value {
                mean.add(value);
            }
        }
        self.last = Some(Quality {
            // What the far side said once holds until it says something else.
            remote: quality.remote.or(self.last.and_then(|last| last.remote)),
            // So does the level of who spoke last.
            speech_in: quality
                .speech_in
                .or(self.last.and_then(|last| last.speech_in)),
            speech_out: quality
                .speech_out
                .or(self.last.and_then(|last| last.speech_out)),
            ..*quality
        });
    }

    /// `None` when nothing was measured.
    pub(super) fn mean(&self) -> Option<Quality> {
        let [
            jitter_ms,
            loss_pct,
            discard_pct,
            buffer_ms,
            buffer_nominal_ms,
            concealed_pct,
            repaired_pct,
            end_system_ms,
            r_factor,
            mos_lq,
            mos,
            buffer_max_ms,
            stretched_pct,
            silence_adjusted_pct,
        ] = self.always.each_ref().map(|mean| mean.get().unwrap_or(0.0));
        let [rtt_ms, one_way_ms, remote_loss_pct, mouth_to_ear_ms] =
            self.sometimes.each_ref().map(Mean::get);
        let Quality {
            burst_density_pct,
            burst_ms,
            gap_density_pct,
            gap_ms,
            speech_in,
            speech_out,
            remote,
            ..
        } = self.last?;
        Some(Quality {
            rtt_ms,
            one_way_ms,
            jitter_ms,
            loss_pct,
            discard_pct,
            remote_loss_pct,
            buffer_ms,
            buffer_nominal_ms,
            buffer_max_ms,
            concealed_pct,
            repaired_pct,
            stretched_pct,
            silence_adjusted_pct,
            burst_density_pct,
            burst_ms,
            gap_density_pct,
            gap_ms,
            end_system_ms,
            mouth_to_ear_ms,
            r_factor,
            mos_lq,
            mos,
            speech_in,
            speech_out,
            remote,
        })
    }
}

/// A running mean.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f64,
    count: u32,
}

impl Mean {
    fn add(&mut self, value: f32) {
        self.sum += f64::from(value);
        self.count += 1;
    }

    fn get(&self) -> Option<f32> {
        (self.count > 0).then(|| (self.sum / f64::from(self.count)) as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_summed_up_by_means_and_what_was_counted_by_the_last_word() {
        let mut means = Means::default();
        assert!(means.mean().is_none());
        let remote = RemoteQuality {
            mos: Some(4.1),
            ..RemoteQuality::default()
        };
        means.add(&Quality {
            mos: 4.0,
            discard_pct: 2.0,
            stretched_pct: 3.0,
            silence_adjusted_pct: 5.0,
            burst_ms: 60.0,
            remote: Some(remote),
            ..Quality::default()
        });
        means.add(&Quality {
            mos: 3.0,
            rtt_ms: Some(80.0),
            burst_ms: 90.0,
            ..Quality::default()
        });
        let mean = means.mean().unwrap();
        assert_eq!((mean.mos, mean.discard_pct), (3.5, 1.0));
        assert_eq!((mean.stretched_pct, mean.silence_adjusted_pct), (1.5, 2.5));
        assert_eq!((mean.rtt_ms, mean.mouth_to_ear_ms), (Some(80.0), None));
        assert_eq!((mean.burst_ms, mean.remote), (90.0, Some(remote)));
    }

    #[test]
    fn what_is_not_known_is_null_and_never_left_out() {
        let fields = quality_fields(&Quality::default());
        for name in [
            "rtt_ms",
            "one_way_ms",
            "mouth_to_ear_ms",
            "speech_in_dbov",
            "speech_out_dbov",
            "far_side",
        ] {
            assert_eq!(fields.get(name), Some(&Value::Null), "{name}");
        }
        let told = quality_fields(&Quality {
            remote: Some(RemoteQuality {
                loss_pct: 12.5,
                ..RemoteQuality::default()
            }),
            ..Quality::default()
        });
        assert_eq!(told["far_side"]["loss_pct"], json!(12.5));
        assert_eq!(told["far_side"]["mos"], Value::Null);
    }
}
