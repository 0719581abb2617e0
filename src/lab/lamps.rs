//! Extensions `700` to `749`: calls of nobody, that come and go by the clock.

use std::time::Duration;

use crate::events::dialog_info::{Dialog, DialogState, Direction, Participant};

/// How long each rings before it is answered.
const RINGS: Duration = Duration::from_secs(3);
/// How long each talks.
const TALKS: Duration = Duration::from_secs(5);

/// What such an extension does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blink {
    Idle,
    Rings,
    Talks,
}

/// What an extension does at some time after the lab began, in which of its calls, and when that
/// ends. `None`: it is none of these extensions.
///
/// Each has a call every 12 to 24 s, and no two neighbours at the same time.
pub(super) fn blink(extension: &str, elapsed: Duration) -> Option<(Blink, u64, Duration)> {
    let number = number(extension)?;
    let period = Duration::from_secs(12 + number % 7 * 2);
    let shifted = elapsed + Duration::from_secs(number * 3);
    let turn = shifted.as_nanos() / period.as_nanos();
    let turn = u64::try_from(turn).unwrap_or(u64::MAX);
    let within = Duration::from_nanos(
        u64::try_from(shifted.as_nanos() % period.as_nanos()).unwrap_or(u64::MAX),
    );
    let rings_at = period - RINGS - TALKS;
    let talks_at = period - TALKS;
    let (blink, until) = if within < rings_at {
        (Blink::Idle, rings_at)
    } else if within < talks_at {
        (Blink::Rings, talks_at)
    } else {
        (Blink::Talks, period)
    };
    Some((blink, turn, elapsed + (until - within)))
}

/// Its number from 0.
fn number(extension: &str) -> Option<u64> {
    let number: u64 = extension.parse().ok()?;
    (extension.len() == 3 && (700..750).contains(&number)).then(|| number - 700)
}

/// Its calls, as RFC 4235 tells them.
pub(super) fn dialogs(extension: &str, domain: &str, blink: Blink, turn: u64) -> Vec<Dialog> {
    let state = match blink {
        Blink::Idle => return Vec::new(),
        Blink::Rings => DialogState::Early,
        Blink::Talks => DialogState::Confirmed,
    };
    let name = format!("{extension}-{turn}");
    let side = |user: &str, display_name: Option<&str>| Participant {
        display_name: display_name.map(str::to_owned),
        identity: Some(format!("sip:{user}@{domain}")),
        target: None,
        rendering: None,
    };
    vec![Dialog {
        id: name.clone(),
        call_id: Some(format!("{name}@lab")),
        local_tag: Some(format!("l{turn}")),
        remote_tag: Some(format!("r{turn}")),
        direction: Some(Direction::Recipient),
        state,
        local: side(extension, None),
        remote: side("1135550142", Some("Cliente")),
        replaces: None,
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_lamp_goes_through_all_its_colours_and_says_when() {
        for extension in ["700", "713", "749"] {
            let mut at = Duration::ZERO;
            let mut seen = Vec::new();
            for _ in 0..7 {
                let (blink, _, until) = blink(extension, at).expect("a lamp");
                assert!(until > at && until - at <= Duration::from_secs(24));
                seen.push(blink);
                at = until;
            }
            let order = [Blink::Idle, Blink::Rings, Blink::Talks];
            let first = order.iter().position(|it| *it == seen[0]).expect("one");
            for (step, blink) in seen.iter().enumerate() {
                assert_eq!(*blink, order[(first + step) % 3], "{extension}");
            }
        }
    }

    #[test]
    fn other_extensions_have_no_calls_of_their_own() {
        for extension in ["600", "750", "0700", "1001", "", "7x0"] {
            assert_eq!(blink(extension, Duration::ZERO), None, "{extension}");
        }
    }
}
