//! From a final status, or the reason of a CANCEL, to what it means for the person.

use super::EndCause;
use crate::sip::{Headers, StatusCode};

/// What a final non-2xx answer to our INVITE means. `rang`: it had rung there before.
pub(super) fn of_final(status: StatusCode, rang: bool) -> EndCause {
    match status.code() {
        300..=399 => EndCause::Redirected,
        401 | 407 => EndCause::WrongPassword,
        403 => EndCause::Forbidden,
        404 | 410 | 416 | 484 | 485 | 604 => EndCause::NotFound,
        408 => EndCause::NoAnswer,
        415 | 488 | 606 => EndCause::NoCommonCodec,
        480 if rang => EndCause::NoAnswer,
        480 => EndCause::Unavailable,
        486 | 600 => EndCause::Busy,
        487 => EndCause::Cancelled,
        603 | 607 => EndCause::Declined,
        500..=599 => EndCause::ServerTrouble,
        _ => EndCause::Refused,
    }
}

/// What the CANCEL of a call that rings here means. A proxy that rang several phones says with
/// the status of the answer that one of them took it (RFC 3326 section 2); a gateway says so in
/// the words of the telephone network, "non-selected user clearing" (Q.850).
pub(super) fn of_cancel(headers: &Headers) -> EndCause {
    let elsewhere = |reason: &crate::sip::Reason| reason.is("SIP", 200) || reason.is("Q.850", 26);
    let reasons = headers.reasons();
    if reasons.iter().any(elsewhere) {
        return EndCause::AnsweredElsewhere;
    }
    // A 6xx of one phone ends it at all others (RFC 3261 section 16.7).
    let declined = |reason: &crate::sip::Reason| {
        let by = [600, 603, 607];
        by.iter().any(|cause| reason.is("SIP", *cause))
    };
    if reasons.iter().any(declined) {
        EndCause::DeclinedElsewhere
    } else {
        EndCause::Cancelled
    }
}

/// Why the far side ended a call that was answered, where it was no plain goodbye: the status that
/// its BYE tells, and its words (RFC 3326).
pub(super) fn told_of_bye(headers: &Headers) -> Option<(u16, String)> {
    headers.reasons().into_iter().find_map(|reason| {
        let failed = reason.protocol.eq_ignore_ascii_case("SIP");
        let status = reason
            .cause
            .filter(|cause| failed && (300..=699).contains(cause))?;
        Some((status, reason.text.unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_cancel(reasons: &[&str], expected: EndCause) {
        let mut headers = Headers::new();
        for reason in reasons {
            headers.push("Reason", *reason);
        }
        assert_eq!(of_cancel(&headers), expected, "{reasons:?}");
    }

    #[test]
    fn a_cancel_says_whether_another_phone_took_the_call() {
        check_cancel(&[], EndCause::Cancelled);
        check_cancel(
            &[r#"SIP;cause=200;text="Call completed elsewhere""#],
            EndCause::AnsweredElsewhere,
        );
        check_cancel(&["sip ; cause=200"], EndCause::AnsweredElsewhere);
        check_cancel(&["Q.850;cause=26"], EndCause::AnsweredElsewhere);
        check_cancel(
            &["Q.850;cause=16, SIP;cause=200"],
            EndCause::AnsweredElsewhere,
        );
        check_cancel(&["SIP;cause=603;text=Decline"], EndCause::DeclinedElsewhere);
        check_cancel(&["SIP;cause=486"], EndCause::Cancelled);
        check_cancel(&["SIP;cause=487", "Q.850;cause=16"], EndCause::Cancelled);
        check_cancel(&["Q.850;cause=200", "SIP;cause=26"], EndCause::Cancelled);
        check_cancel(&["nonsense here"], EndCause::Cancelled);
    }

    #[test]
    fn a_goodbye_may_say_what_went_wrong() {
        let told = |reason: &str| {
            let mut headers = Headers::new();
            headers.push("Reason", reason);
            told_of_bye(&headers)
        };
        let wrong = r#"Q.850;cause=41, SIP;cause=503;text="No circuit""#;
        assert_eq!(told(wrong), Some((503, "No circuit".to_owned())));
        assert_eq!(told("SIP;cause=408"), Some((408, String::new())));
        for plain in ["Q.850;cause=16", "SIP;cause=200", "SIP", "SIP;cause=9999"] {
            assert_eq!(told(plain), None, "{plain}");
        }
    }

    #[track_caller]
    fn check(code: u16, rang: bool, expected: EndCause) {
        let status = StatusCode::new(code).expect("a status");
        assert_eq!(of_final(status, rang), expected, "{code}");
    }

    #[test]
    fn each_final_status_has_a_meaning() {
        check(302, false, EndCause::Redirected);
        check(403, false, EndCause::Forbidden);
        check(404, false, EndCause::NotFound);
        check(480, false, EndCause::Unavailable);
        check(480, true, EndCause::NoAnswer);
        check(486, true, EndCause::Busy);
        check(488, false, EndCause::NoCommonCodec);
        check(503, false, EndCause::ServerTrouble);
        check(600, true, EndCause::Busy);
        check(603, true, EndCause::Declined);
        check(699, true, EndCause::Refused);
    }
}
