//! Session timers (RFC 4028): one side of a call shows again and again that it is still there, and
//! the other ends the call when that stops.
//!
//! ```text
//!  agreed in a 2xx ──half of the interval──▶ refresh (UPDATE or INVITE) ──2xx──▶ agreed anew
//!        │ (the far side refreshes)
//!        └──nothing for the interval, but a bit──▶ BYE
//! ```

use std::fmt;
use std::time::{Duration, Instant};

use super::header::{HeaderError, Headers};
use super::header_name::HeaderName;
use super::lexer;
use super::message::{Request, Response};
use super::params::Params;

/// The option tag (section 3).
pub const TIMER: &str = "timer";

/// The shortest interval that anybody may ask for (section 4).
pub const SHORTEST: Duration = Duration::from_secs(90);

/// The longest that is kept, so that instants do not overflow. Nobody talks for so long.
const LONGEST: u64 = 7 * 24 * 3600;

/// Which side of a request refreshes the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresher {
    /// Who sent the request.
    Uac,
    /// Who answered it.
    Uas,
}

/// The header of that name (section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionExpires {
    /// The session ends so long after the last refresh, in whole seconds.
    pub interval: Duration,
    /// Who refreshes; a request may leave it to whom it asks.
    pub refresher: Option<Refresher>,
}

impl SessionExpires {
    /// Reads the value of the header; `None` for what is none. An unknown refresher is as good as
    /// none.
    #[must_use]
    pub fn read(value: &str) -> Option<SessionExpires> {
        let (seconds, params) = value.split_at(value.find(';').unwrap_or(value.len()));
        let (params, _) = Params::read_header(params)?;
        let refresher = match params.get("refresher") {
            Some(side) if side.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
            Some(side) if side.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
            _ => None,
        };
        Some(SessionExpires {
            interval: seconds_of(seconds)?,
            refresher,
        })
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.interval.as_secs())?;
        match self.refresher {
            Some(Refresher::Uac) => f.write_str(";refresher=uac"),
            Some(Refresher::Uas) => f.write_str(";refresher=uas"),
            None => Ok(()),
        }
    }
}

impl Headers {
    /// The interval that a request asks for, or a 2xx grants; `None` where there is none.
    ///
    /// # Errors
    /// The header cannot be read.
    pub fn session_expires(&self) -> Result<Option<SessionExpires>, HeaderError> {
        match self.get(&HeaderName::SESSION_EXPIRES) {
            None => Ok(None),
            Some(value) => SessionExpires::read(value)
                .map(Some)
                .ok_or(HeaderError::malformed(&HeaderName::SESSION_EXPIRES)),
        }
    }

    /// The shortest interval that somebody on the way takes (section 5); [`SHORTEST`] where nobody
    /// says one, or a shorter one.
    #[must_use]
    pub fn min_se(&self) -> Duration {
        let value = self.get(&HeaderName::MIN_SE);
        let value = value.map(|value| value.split(';').next().unwrap_or_default());
        let least = value.and_then(seconds_of).unwrap_or(SHORTEST);
        least.max(SHORTEST)
    }

    fn knows_timers(&self) -> bool {
        let tokens = self.tokens(&HeaderName::SUPPORTED);
        tokens.iter().any(|tag| tag.eq_ignore_ascii_case(TIMER))
    }
}

fn seconds_of(text: &str) -> Option<Duration> {
    let text = lexer::trim(text);
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // What does not fit is as long as can be.
    let seconds = text.parse::<u64>().unwrap_or(LONGEST);
    Some(Duration::from_secs(seconds.min(LONGEST)))
}

/// What a dialog keeps of its timer while it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTimer {
    interval: Duration,
    ours: bool,
    /// When we refresh, or try again to.
    refresh_at: Instant,
    /// When the call is ended if nothing has come.
    end_at: Instant,
}

/// What is due of a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionDue {
    /// Send a refresh.
    Refresh,
    /// The session is over: BYE (section 10).
    End,
}

impl SessionTimer {
    /// Agreed at this moment; `ours`: we refresh.
    fn agreed(now: Instant, interval: Duration, ours: bool) -> SessionTimer {
        // Section 10: before the end by a third of the interval, or 32 s if that is less.
        let early = (interval / 3).min(Duration::from_secs(32));
        SessionTimer {
            interval,
            ours,
            refresh_at: now + interval / 2,
            end_at: now + interval - early,
        }
    }

    /// What a 2xx to a request of ours agrees on; `None`: the session does not expire (section
    /// 7.2).
    #[must_use]
    pub fn granted(now: Instant, response: &Response) -> Option<SessionTimer> {
        let granted = response.headers.session_expires().ok()??;
        // It must say who; a refresh too many does no harm.
        let ours = granted.refresher != Some(Refresher::Uas);
        let interval = granted.interval.max(SHORTEST);
        Some(SessionTimer::agreed(now, interval, ours))
    }

    /// What our 2xx to this request agrees on, with the header to put into it; `None`: nothing was
    /// asked for, and nothing is imposed.
    ///
    /// # Errors
    /// The interval is below `least`: 422, with `least` in its Min-SE (section 9). Only who knows
    /// of timers can be told so.
    pub fn grant(
        now: Instant,
        request: &Request,
        least: Duration,
    ) -> Result<Option<(SessionTimer, SessionExpires)>, Duration> {
        let headers = &request.headers;
        let Ok(Some(asked)) = headers.session_expires() else {
            return Ok(None);
        };
        let least = least.max(headers.min_se());
        let known = headers.knows_timers();
        if asked.interval < least && known {
            return Err(least);
        }
        // Section 9, table 2: who does not know of timers cannot refresh.
        let refresher = match asked.refresher {
            _ if !known => Refresher::Uas,
            Some(refresher) => refresher,
            None => Refresher::Uac,
        };
        let interval = asked.interval.max(least);
        let timer = SessionTimer::agreed(now, interval, refresher == Refresher::Uas);
        let header = SessionExpires {
            interval,
            refresher: Some(refresher),
        };
        Ok(Some((timer, header)))
    }

    /// What a request of ours within the dialog says: as it was agreed (section 7.4).
    #[must_use]
    pub fn header(&self) -> SessionExpires {
        SessionExpires {
            interval: self.interval,
            refresher: Some(if self.ours {
                Refresher::Uac
            } else {
                Refresher::Uas
            }),
        }
    }

    /// Asks for a longer interval from now on, as a 422 wants it.
    pub fn lengthen(&mut self, least: Duration) {
        self.interval = self.interval.max(least);
    }

    /// When to ask [`due`](Self::due).
    #[must_use]
    pub fn deadline(&self) -> Instant {
        if self.ours {
            self.refresh_at.min(self.end_at)
        } else {
            self.end_at
        }
    }

    /// What is due; a refresh is then not due again for half of what is left, so that one that
    /// failed is tried again in time.
    pub fn due(&mut self, now: Instant) -> Option<SessionDue> {
        if now >= self.end_at {
            return Some(SessionDue::End);
        }
        if !self.ours || now < self.refresh_at {
            return None;
        }
        let left = self.end_at.saturating_duration_since(now);
        self.refresh_at = now + (left / 2).max(Duration::from_secs(1));
        Some(SessionDue::Refresh)
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "any instant will do as the beginning of time"
)]
mod tests {
    use super::*;
    use crate::sip::{Method, StatusCode, Uri};

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn asking(headers: &[(HeaderName, &str)]) -> Request {
        let uri: Uri = "sip:1001@192.0.2.1".parse().unwrap();
        let mut request = Request::new(Method::Invite, uri);
        for (name, value) in headers {
            request.headers.push(name, *value);
        }
        request
    }

    fn granting(value: Option<&str>) -> Response {
        let mut response = asking(&[]).response(StatusCode::OK, None);
        if let Some(value) = value {
            response.headers.push(HeaderName::SESSION_EXPIRES, value);
        }
        response
    }

    #[test]
    fn the_header_is_read_as_it_is_written() {
        let read = |value| SessionExpires::read(value);
        let (interval, refresher) = (secs(4000), Some(Refresher::Uac));
        let uac = SessionExpires {
            interval,
            refresher,
        };
        assert_eq!(read("4000;refresher=uac"), Some(uac));
        assert_eq!(read(" 4000 ; Refresher=UAC"), Some(uac));
        assert_eq!(uac.to_string(), "4000;refresher=uac");
        assert_eq!(read("4000;x=y").map(|it| it.refresher), Some(None));
        assert_eq!(read("4000;refresher=me").map(|it| it.refresher), Some(None));
        for nonsense in ["", ";refresher=uac", "soon", "-1", "4000;refresher=\""] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
        let endless = read("99999999999999999999999").unwrap();
        assert_eq!(endless.interval, secs(LONGEST));
    }

    #[test]
    fn who_refreshes_does_so_at_half_and_who_watches_ends_it_before_the_whole() {
        let start = Instant::now();
        let mut ours = SessionTimer::granted(start, &granting(Some("1800;refresher=uac"))).unwrap();
        assert_eq!(ours.deadline(), start + secs(900));
        assert_eq!(ours.due(start + secs(899)), None);
        assert_eq!(ours.due(start + secs(900)), Some(SessionDue::Refresh));
        // Section 10: 32 s before the end, since that is less than a third.
        let mut theirs =
            SessionTimer::granted(start, &granting(Some("1800;refresher=uas"))).unwrap();
        assert_eq!(theirs.deadline(), start + secs(1768));
        assert_eq!(theirs.due(start + secs(1767)), None);
        assert_eq!(theirs.due(start + secs(1768)), Some(SessionDue::End));
        let short = SessionTimer::granted(start, &granting(Some("90;refresher=uas"))).unwrap();
        assert_eq!(short.deadline(), start + secs(60));
    }

    #[test]
    fn a_refresh_without_success_is_tried_again_until_the_end() {
        let start = Instant::now();
        let mut timer = SessionTimer::granted(start, &granting(Some("90;refresher=uac"))).unwrap();
        let (mut tries, mut now) = (0, start);
        let ended = loop {
            now = timer.deadline().max(now);
            match timer.due(now) {
                Some(SessionDue::Refresh) => tries += 1,
                Some(SessionDue::End) => break now,
                None => panic!("a deadline without anything due"),
            }
            assert!(tries < 20, "without end");
        };
        assert!(tries >= 3, "{tries}");
        assert_eq!(ended, start + secs(60));
    }

    #[test]
    fn an_answer_without_the_header_has_no_timer() {
        let start = Instant::now();
        assert_eq!(SessionTimer::granted(start, &granting(None)), None);
        assert_eq!(SessionTimer::granted(start, &granting(Some("soon"))), None);
        let nameless = SessionTimer::granted(start, &granting(Some("1800"))).unwrap();
        assert!(nameless.ours);
    }

    #[test]
    fn who_is_asked_grants_by_the_table() {
        let start = Instant::now();
        let expires = HeaderName::SESSION_EXPIRES;
        let supported = (HeaderName::SUPPORTED, "timer");
        let granted = |headers: &[(HeaderName, &str)]| {
            let (timer, header) = SessionTimer::grant(start, &asking(headers), SHORTEST)
                .unwrap()
                .unwrap();
            (header.to_string(), timer.ours)
        };
        // Section 9, table 2, line by line.
        let uas = ("1800;refresher=uas".to_owned(), true);
        let uac = ("1800;refresher=uac".to_owned(), false);
        assert_eq!(granted(&[(expires.clone(), "1800")]), uas);
        assert_eq!(granted(&[(expires.clone(), "1800;refresher=uac")]), uas);
        let known = |value| [(expires.clone(), value), supported.clone()];
        assert_eq!(granted(&known("1800")), uac);
        assert_eq!(granted(&known("1800;refresher=uac")), uac);
        assert_eq!(granted(&known("1800;refresher=uas")), uas);
        let none = SessionTimer::grant(start, &asking(&[supported]), SHORTEST);
        assert_eq!(none, Ok(None));
    }

    #[test]
    fn an_interval_too_short_is_refused_to_who_can_ask_for_a_longer_one() {
        let start = Instant::now();
        let short = (HeaderName::SESSION_EXPIRES, "60");
        let supported = (HeaderName::SUPPORTED, "path, timer");
        let refused = SessionTimer::grant(start, &asking(&[short.clone(), supported]), SHORTEST);
        assert_eq!(refused, Err(SHORTEST));
        let (_, header) = SessionTimer::grant(start, &asking(&[short]), SHORTEST)
            .unwrap()
            .unwrap();
        assert_eq!(header.to_string(), "90;refresher=uas");
    }

    #[test]
    fn nobody_makes_the_shortest_interval_shorter() {
        let with = |value: &str| {
            let mut request = asking(&[]);
            request.headers.push(HeaderName::MIN_SE, value);
            request.headers.min_se()
        };
        assert_eq!(with("120"), secs(120));
        assert_eq!(with("120;lr"), secs(120));
        assert_eq!(with("10"), SHORTEST);
        assert_eq!(with("soon"), SHORTEST);
        assert_eq!(asking(&[]).headers.min_se(), SHORTEST);
    }
}
