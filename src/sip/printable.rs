//! A message for the log, without what must not stand there.

/// Headers whose values let somebody guess a password at leisure, or use it (RFC 3261 section
/// 20: all of digest's answers).
const SECRET: [&str; 4] = [
    "authorization",
    "proxy-authorization",
    "authentication-info",
    "proxy-authentication-info",
];
/// Stands for what was taken out.
const TAKEN_OUT: &str = "(not logged)";

/// The message as text, as it is but for the values of credentials. Keys of SRTP
/// (RFC 4568 section 9.1) go too. What is not UTF-8 is replaced.
#[must_use]
pub fn printable(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message);
    let mut printed = String::with_capacity(text.len());
    let mut secret = false;
    for line in text.split_inclusive('\n') {
        let folded = line.starts_with([' ', '\t']);
        if folded && secret {
            continue;
        }
        let name = line.split(':').next().unwrap_or_default();
        secret = SECRET
            .iter()
            .any(|header| name.trim().eq_ignore_ascii_case(header));
        if secret {
            printed.push_str(name);
            printed.push_str(": ");
            printed.push_str(TAKEN_OUT);
            printed.push_str("\r\n");
        } else if let Some(at) = line
            .find("inline:")
            .filter(|_| name.trim().eq_ignore_ascii_case("a=crypto"))
        {
            printed.push_str(&line[..at]);
            printed.push_str(TAKEN_OUT);
            printed.push_str("\r\n");
        } else {
            printed.push_str(line);
        }
    }
    printed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_not_printed_however_they_are_written() {
        let message = b"REGISTER sip:pbx.example.com SIP/2.0\r\n\
            To: <sip:1001@pbx.example.com>\r\n\
            AUTHORIZATION : Digest username=\"1001\", realm=\"pbx\",\r\n\
            \t nonce=\"n1\", response=\"6629fae49393a05397450978507c4ef1\"\r\n\
            Proxy-Authorization: Digest response=\"00000000000000000000000000000001\"\r\n\
            Expires: 300\r\n\
            \r\n";
        let printed = printable(message);
        assert!(
            !printed.contains("6629") && !printed.contains("0001\""),
            "{printed}"
        );
        assert!(!printed.contains("nonce"), "{printed}");
        assert!(printed.contains("To: <sip:1001@pbx.example.com>\r\n"));
        assert!(printed.ends_with("Expires: 300\r\n\r\n"));
    }

    #[test]
    fn keys_of_the_sound_are_not_printed() {
        let body = b"m=audio 4000 RTP/SAVP 0\r\n\
            a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n\
            a=sendrecv\r\n";
        let printed = printable(body);
        assert!(!printed.contains("d0Rm"), "{printed}");
        assert!(
            printed.contains("AES_CM_128_HMAC_SHA1_80 ") && printed.ends_with("a=sendrecv\r\n")
        );
    }

    #[test]
    fn anything_else_is_printed_as_it_came() {
        let message = "OPTIONS sip:a@b SIP/2.0\r\nWarning: 399 - \"ç\"\r\n\r\n folded: body";
        assert_eq!(printable(message.as_bytes()), message);
        assert_eq!(printable(b"\xff\x00"), "\u{fffd}\u{0}");
    }
}
