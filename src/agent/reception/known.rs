//! Who is on a person's list: the same number is written in many ways.

use crate::sip::Uri;

/// Numbers of so many digits are the same when one ends like the other: with and without country
/// code, trunk prefix, area code.
const WHOLE_NUMBER: usize = 8;

/// Whether this caller is on the list: by number in any writing, by name, or by `user@host`.
pub(super) fn lists(list: &[String], caller: &Uri) -> bool {
    let Some(user) = caller.user_unescaped().filter(|user| !user.is_empty()) else {
        return false;
    };
    let host = caller.as_sip().map(|sip| sip.host_port.host.to_string());
    list.iter().map(|entry| entry.trim()).any(|entry| {
        let entry = entry.strip_prefix("sip:").unwrap_or(entry);
        match entry.split_once('@') {
            Some((name, at)) => {
                name == user
                    && host
                        .as_deref()
                        .is_some_and(|it| it.eq_ignore_ascii_case(at))
            }
            None => entry == user || same_number(entry, &user),
        }
    })
}

fn same_number(one: &str, other: &str) -> bool {
    let (Some(one), Some(other)) = (digits(one), digits(other)) else {
        return false;
    };
    let whole = one.len() >= WHOLE_NUMBER && other.len() >= WHOLE_NUMBER;
    one == other || (whole && (one.ends_with(&other) || other.ends_with(&one)))
}

/// The digits of a number; `None` for what is none.
fn digits(text: &str) -> Option<String> {
    let bare: String = text
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}' | '+'))
        .collect();
    let number = !bare.is_empty() && bare.chars().all(|c| c.is_ascii_digit());
    number.then_some(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(entry: &str, caller: &str, expected: bool) {
        let caller: Uri = caller.parse().unwrap();
        let list = vec!["9999".to_owned(), entry.to_owned()];
        assert_eq!(lists(&list, &caller), expected, "{entry} {caller}");
    }

    #[test]
    fn a_number_is_the_same_in_every_writing() {
        check("1005", "sip:1005@pbx.example", true);
        check("(11) 3555-0142", "sip:+551135550142@trunk.example", true);
        check("+55 11 3555-0142", "tel:+55-11-3555-0142", true);
        check("011 3555 0142", "sip:1135550142@h", true);
        check("ana", "sip:ana@pbx.example", true);
        check("sip:ana@PBX.example", "sip:ana@pbx.example", true);
    }

    #[test]
    fn others_are_others() {
        check("1005", "sip:11005@h", false);
        check("005", "sip:1005@h", false);
        check("3555-0143", "sip:1135550142@h", false);
        check("ana@pbx.example", "sip:ana@elsewhere.example", false);
        check("", "sip:pbx.example", false);
        check("", "sip:1005@h", false);
        check("+", "sip:1005@h", false);
    }
}
