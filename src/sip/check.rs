//! What a message does wrong although it could be read. Each clause once.

use super::defect::{Defect, DefectKind, Severity};
use super::digest::split_schemes;
use super::header::Headers;
use super::header_name::HeaderName;
use super::lexer;
use super::name_addr::NameAddr;
use super::via::Via;
use super::vocabulary::{Method, StatusCode};

/// A defect that changes nothing.
pub(super) fn note(kind: DefectKind, header: Option<String>, section: &'static str) -> Defect {
    Defect {
        kind,
        header,
        section,
        severity: Severity::Note,
    }
}

/// A defect for which a request is answered 400 and a response dropped.
pub(super) fn faulty(kind: DefectKind, header: Option<String>, section: &'static str) -> Defect {
    Defect {
        kind,
        header,
        section,
        severity: Severity::Faulty(StatusCode::BAD_REQUEST),
    }
}

/// What follows from a defect of the first line. Spaces too many leave no doubt about what is
/// meant; a Request-URI with spaces, brackets or headers does, and a proxy on the way may have
/// read it otherwise.
pub(super) fn start_line_defect(kind: DefectKind) -> Defect {
    match kind {
        DefectKind::SpaceInRequestUri | DefectKind::BracketsInRequestUri => {
            faulty(kind, None, "RFC 3261 7.1")
        }
        DefectKind::HeadersInRequestUri => faulty(kind, None, "RFC 3261 19.1.1"),
        _ => note(kind, None, "RFC 3261 7.1"),
    }
}

/// Checks every header that has rules. `method` is `None` for a response.
pub(super) fn headers(
    headers: &Headers,
    method: Option<&Method>,
    has_body: bool,
    defects: &mut Vec<Defect>,
) {
    let mut check = Check {
        headers,
        method,
        defects,
    };
    check.repeated();
    check.vias();
    for name in [HeaderName::FROM, HeaderName::TO] {
        check.addresses(&name, false);
    }
    for name in [
        HeaderName::CONTACT,
        HeaderName::ROUTE,
        HeaderName::RECORD_ROUTE,
    ] {
        check.addresses(&name, true);
    }
    for name in LESSER_ADDRESSES {
        check.addresses(&name, true);
    }
    check.star();
    check.tag_of_from();
    check.cseq();
    check.max_forwards();
    check.numbers();
    check.content_type(has_body);
    check.auth();
    check.date();
    check.warnings();
}

/// Headers with addresses that nothing depends upon.
const LESSER_ADDRESSES: [HeaderName; 9] = [
    HeaderName::PATH,
    HeaderName::SERVICE_ROUTE,
    HeaderName::REFER_TO,
    HeaderName::REFERRED_BY,
    HeaderName::REPLY_TO,
    HeaderName::P_ASSERTED_IDENTITY,
    HeaderName::P_PREFERRED_IDENTITY,
    HeaderName::REMOTE_PARTY_ID,
    HeaderName::DIVERSION,
];

/// Headers that may stand once, and whether the message is void when they disagree.
const SINGLE: [(HeaderName, bool); 14] = [
    (HeaderName::FROM, true),
    (HeaderName::TO, true),
    (HeaderName::CALL_ID, true),
    (HeaderName::CSEQ, true),
    (HeaderName::MAX_FORWARDS, true),
    (HeaderName::CONTENT_TYPE, true),
    (HeaderName::REFER_TO, true),
    (HeaderName::REPLACES, true),
    (HeaderName::EVENT, true),
    (HeaderName::EXPIRES, false),
    (HeaderName::MIN_EXPIRES, false),
    (HeaderName::SUBJECT, false),
    (HeaderName::DATE, false),
    (HeaderName::SESSION_EXPIRES, false),
];

struct Check<'a> {
    headers: &'a Headers,
    method: Option<&'a Method>,
    defects: &'a mut Vec<Defect>,
}

impl Check<'_> {
    fn note(&mut self, kind: DefectKind, name: &HeaderName, section: &'static str) {
        self.defects
            .push(note(kind, Some(name.to_string()), section));
    }

    fn faulty(&mut self, kind: DefectKind, name: &HeaderName, section: &'static str) {
        self.defects
            .push(faulty(kind, Some(name.to_string()), section));
    }

    /// A request is refused; a response is better used with what it has than dropped, since its
    /// sender would only send it again.
    fn faulty_request(&mut self, kind: DefectKind, name: &HeaderName, section: &'static str) {
        if self.method.is_some() {
            self.faulty(kind, name, section);
        } else {
            self.note(kind, name, section);
        }
    }

    fn repeated(&mut self) {
        for (name, void) in SINGLE {
            let mut values = self.headers.get_all(&name);
            let Some(first) = values.next() else { continue };
            let others: Vec<_> = values.collect();
            if others.iter().any(|other| *other != first) {
                if void {
                    self.faulty(DefectKind::ConflictingHeaders, &name, name.section());
                } else {
                    self.note(DefectKind::ConflictingHeaders, &name, name.section());
                }
            } else if !others.is_empty() {
                self.note(DefectKind::RepeatedHeader, &name, name.section());
            }
        }
    }

    fn vias(&mut self) {
        let name = HeaderName::VIA;
        let mut count = 0;
        for value in self.headers.get_all(&name).flat_map(lexer::split_list) {
            if value.is_empty() {
                self.note(DefectKind::EmptyListElement, &name, "RFC 3261 7.3.1");
                continue;
            }
            count += 1;
            match Via::read(value) {
                Ok((via, kinds)) => {
                    if count == 1 && !via.has_magic_cookie() {
                        self.note(DefectKind::OldBranch, &name, "RFC 3261 8.1.1.7");
                    }
                    for kind in kinds {
                        self.note(kind, &name, name.section());
                    }
                }
                Err(_) => self.faulty_request(DefectKind::MalformedValue, &name, name.section()),
            }
        }
        if self.method.is_none() && count > 1 {
            self.faulty(DefectKind::SeveralVias, &name, "RFC 3261 8.1.3.3");
        }
    }

    fn addresses(&mut self, name: &HeaderName, list: bool) {
        let lesser = LESSER_ADDRESSES.contains(name);
        for value in self.headers.get_all(name) {
            let values = if list {
                lexer::split_list(value)
            } else {
                vec![value]
            };
            for value in values {
                if value.is_empty() {
                    self.note(DefectKind::EmptyListElement, name, "RFC 3261 7.3.1");
                } else if value != "*" || *name != HeaderName::CONTACT {
                    self.address(name, value, lesser);
                }
            }
        }
    }

    fn address(&mut self, name: &HeaderName, value: &str, lesser: bool) {
        let (address, kinds) = match NameAddr::read(value) {
            Ok(read) => read,
            Err(_) if lesser => {
                return self.note(DefectKind::MalformedValue, name, name.section());
            }
            Err(_) => {
                return self.faulty_request(DefectKind::MalformedValue, name, name.section());
            }
        };
        for kind in kinds {
            match kind {
                DefectKind::UnbalancedQuote if !lesser => {
                    self.faulty_request(kind, name, "RFC 3261 25.1");
                }
                DefectKind::BracketsNeeded if !lesser => {
                    self.faulty_request(kind, name, "RFC 3261 20.10");
                }
                _ => self.note(kind, name, "RFC 3261 25.1"),
            }
        }
        if *name == HeaderName::CONTACT {
            match address.params.get("expires").map(lexer::digits) {
                Some(None) => self.note(DefectKind::MalformedValue, name, name.section()),
                Some(Some(seconds)) if seconds > u64::from(u32::MAX) => {
                    self.note(DefectKind::NumberOutOfRange, name, name.section());
                }
                Some(Some(_)) | None => {}
            }
        }
    }

    /// `Contact: *` removes all bindings; it stands alone and in REGISTER only.
    fn star(&mut self) {
        let name = HeaderName::CONTACT;
        let mut values = self.headers.get_all(&name).flat_map(lexer::split_list);
        let star = values.any(|value| value == "*");
        let registers = self.method == Some(&Method::Register);
        if star && (!registers || self.headers.contacts().is_err()) {
            self.faulty_request(DefectKind::StarContact, &name, "RFC 3261 10.2.2");
        }
    }

    fn tag_of_from(&mut self) {
        if self.headers.from().is_ok_and(|from| from.tag().is_none()) {
            self.note(
                DefectKind::MissingTag,
                &HeaderName::FROM,
                "RFC 3261 8.1.1.3",
            );
        }
    }

    fn cseq(&mut self) {
        let Some(method) = self.method else { return };
        if self.headers.cseq().is_ok_and(|cseq| cseq.method != *method) {
            self.faulty(
                DefectKind::MethodMismatch,
                &HeaderName::CSEQ,
                "RFC 3261 8.1.1.5",
            );
        }
    }

    fn max_forwards(&mut self) {
        let name = HeaderName::MAX_FORWARDS;
        match self.headers.get(&name).map(lexer::digits) {
            None if self.method.is_some() => {
                self.note(DefectKind::MissingHeader, &name, "RFC 3261 8.1.1.6");
            }
            Some(None) => {
                self.faulty_request(DefectKind::MalformedValue, &name, name.section());
            }
            Some(Some(hops)) if hops > 255 => {
                self.faulty_request(DefectKind::NumberOutOfRange, &name, name.section());
            }
            None | Some(Some(_)) => {}
        }
    }

    /// Seconds: an unreadable number is as if it were not there (RFC 3261 section 10.3), one too
    /// large is the largest.
    fn numbers(&mut self) {
        for name in [
            HeaderName::EXPIRES,
            HeaderName::MIN_EXPIRES,
            HeaderName::RETRY_AFTER,
        ] {
            let Some(value) = self.headers.get(&name) else {
                continue;
            };
            let end = value.find([';', '(', ' ', '\t']).unwrap_or(value.len());
            match lexer::digits(&value[..end]) {
                None => self.note(DefectKind::MalformedValue, &name, name.section()),
                Some(seconds) if seconds > u64::from(u32::MAX) => {
                    self.note(DefectKind::NumberOutOfRange, &name, name.section());
                }
                Some(_) => {}
            }
        }
    }

    fn content_type(&mut self, has_body: bool) {
        let name = HeaderName::CONTENT_TYPE;
        if self.headers.has(&name) {
            if self.headers.content_type().is_none() {
                self.note(DefectKind::MalformedValue, &name, name.section());
            }
        } else if has_body {
            self.note(DefectKind::BodyWithoutType, &name, name.section());
        }
    }

    fn auth(&mut self) {
        for name in [
            HeaderName::AUTHORIZATION,
            HeaderName::PROXY_AUTHORIZATION,
            HeaderName::WWW_AUTHENTICATE,
            HeaderName::PROXY_AUTHENTICATE,
        ] {
            for value in self.headers.get_all(&name) {
                let schemes = split_schemes(value);
                let readable = |pieces: &Vec<&str>| {
                    super::params::Params::read_pieces(pieces.iter().copied()).is_some()
                };
                if schemes.is_empty() || !schemes.iter().all(|(_, pieces)| readable(pieces)) {
                    self.note(DefectKind::MalformedValue, &name, name.section());
                }
            }
        }
    }

    fn date(&mut self) {
        let name = HeaderName::DATE;
        if self.headers.get(&name).is_some_and(|date| !is_date(date)) {
            self.note(DefectKind::MalformedDate, &name, name.section());
        }
    }

    /// `warn-code` has three digits.
    fn warnings(&mut self) {
        let name = HeaderName::WARNING;
        for value in self.headers.get_all(&name).flat_map(lexer::split_list) {
            let code = value.split(lexer::is_lws).next().unwrap_or("");
            if code.len() != 3 || lexer::digits(code).is_none() {
                self.note(DefectKind::MalformedValue, &name, name.section());
            }
        }
    }
}

/// `rfc1123-date` with GMT, the one form that SIP has: `Sat, 13 Nov 2010 23:29:00 GMT`.
fn is_date(text: &str) -> bool {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let number = |text: &str, length: usize, max: u64| {
        text.len() == length && lexer::digits(text).is_some_and(|n| n <= max)
    };
    let parts: Vec<&str> = text.split(' ').collect();
    let [day_name, day, month, year, time, "GMT"] = parts[..] else {
        return false;
    };
    let time: Vec<&str> = time.split(':').collect();
    let [hours, minutes, seconds] = time[..] else {
        return false;
    };
    day_name
        .strip_suffix(',')
        .is_some_and(|day| DAYS.contains(&day))
        && number(day, 2, 31)
        && MONTHS.contains(&month)
        && number(year, 4, 9999)
        && number(hours, 2, 23)
        && number(minutes, 2, 59)
        && number(seconds, 2, 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_form_of_dates_is_known() {
        assert!(is_date("Sat, 13 Nov 2010 23:29:00 GMT"));
        assert!(!is_date("Fri, 01 Jan 2010 16:00:00 EST"));
        assert!(!is_date("Fri, 1 Jan 2010 16:00:00 GMT"));
        assert!(!is_date("13 Nov 2010"));
    }
}
