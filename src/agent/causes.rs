//! From a final status to what it means for the person.

use super::EndCause;
use crate::sip::StatusCode;

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

#[cfg(test)]
mod tests {
    use super::*;

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
