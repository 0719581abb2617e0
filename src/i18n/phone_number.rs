//! Telephone numbers as people write them.

use super::Language;

/// A number in the writing that readers of `language` expect; what is no number of a known plan
/// comes back as it is. For display only: what is dialled is never touched.
#[must_use]
pub fn national(number: &str, language: Language) -> String {
    let plain = number.strip_prefix('+').unwrap_or(number);
    if plain.is_empty() || !plain.bytes().all(|byte| byte.is_ascii_digit()) {
        return number.to_owned();
    }
    if number.starts_with('+') {
        return match plain.strip_prefix("55").and_then(brazilian) {
            Some((area, line)) => format!("+55 {area} {line}"),
            None => number.to_owned(),
        };
    }
    if language != Language::Portuguese {
        return number.to_owned();
    }
    if let Some((area, line)) = brazilian(plain) {
        return format!("({area}) {line}");
    }
    // Numbers that are called the same from everywhere (0800, 0300, 4004 …).
    match (plain.len(), plain.get(..2)) {
        (11, Some("08" | "03")) => format!("{} {} {}", &plain[..4], &plain[4..7], &plain[7..]),
        (8, _) if !plain.starts_with('0') => format!("{}-{}", &plain[..4], &plain[4..]),
        (9, _) if plain.starts_with('9') => format!("{}-{}", &plain[..5], &plain[5..]),
        _ => number.to_owned(),
    }
}

/// Area code and line of a Brazilian number with area code: ten digits for a fixed line, eleven
/// for a mobile one, whose line begins with 9. No area code holds a zero.
fn brazilian(digits: &str) -> Option<(&str, String)> {
    let (area, line) = digits.split_at_checked(2)?;
    if area.contains('0') {
        return None;
    }
    let cut = match (line.len(), line.bytes().next()?) {
        (8, b'2'..=b'5' | b'7') => 4, // fixed lines; 7 is trunked radio
        (9, b'9') => 5,
        _ => return None,
    };
    Some((area, format!("{}-{}", &line[..cut], &line[cut..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brazilian_number_is_written_as_brazilians_write_it() {
        for (number, expected) in [
            ("1135550142", "(11) 3555-0142"),
            ("11987654321", "(11) 98765-4321"),
            ("1140028922", "(11) 4002-8922"),
            ("+551140028922", "+55 11 4002-8922"),
            ("+5511987654321", "+55 11 98765-4321"),
            ("08001234567", "0800 123 4567"),
            ("35550142", "3555-0142"),
            ("987654321", "98765-4321"),
        ] {
            assert_eq!(national(number, Language::Portuguese), expected);
        }
    }

    #[test]
    fn what_is_no_number_of_a_known_plan_stays_as_it_is() {
        for number in [
            "",
            "+",
            "600",
            "1001",
            "*72",
            "#31#",
            "1001@pbx",
            "+4930123456",
            "1012345678",
            "0135550142",
            "+55",
            "+5510",
            "jo\u{e3}o",
            "119876543210",
        ] {
            assert_eq!(national(number, Language::Portuguese), number);
        }
    }

    #[test]
    fn a_number_without_country_is_left_to_its_country() {
        assert_eq!(national("1135550142", Language::English), "1135550142");
        assert_eq!(
            national("+551135550142", Language::English),
            "+55 11 3555-0142"
        );
    }
}
