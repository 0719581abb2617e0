//! What was wrong with a message that could still be read.

use super::vocabulary::StatusCode;

/// One thing that a message does wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// What it is.
    pub kind: DefectKind,
    /// The header it is in, under its long name; `None` for the start line and the body.
    pub header: Option<String>,
    /// Where it is forbidden: `RFC 3261 20.14`.
    pub section: &'static str,
    /// What follows from it.
    pub severity: Severity,
}

/// What follows from a defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The meaning is clear all the same: the message is used as if it were right.
    Note,
    /// The message must not be acted upon: a request is answered with this status (an ACK with
    /// nothing), a response is dropped.
    Faulty(StatusCode),
}

/// What a message does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DefectKind {
    /// Empty lines before the start line (allowed, RFC 3261 section 7.5; worth knowing).
    LeadingLineBreaks,
    /// More than single spaces in or after the start line.
    StartLineSpacing,
    /// White space inside the Request-URI.
    SpaceInRequestUri,
    /// `<…>` around the Request-URI.
    BracketsInRequestUri,
    /// Headers behind `?` in the Request-URI.
    HeadersInRequestUri,
    /// A line that ends with LF alone.
    BareLineFeed,
    /// A CR that ends no line; read as a space.
    BareCarriageReturn,
    /// A control character that may not stand there.
    ControlCharacter,
    /// A header line without a colon or with a name that is none; it was left out.
    UnreadableLine,
    /// No empty line after the headers.
    NoEmptyLine,
    /// A header that may stand once stands several times, saying the same.
    RepeatedHeader,
    /// A header that may stand once stands several times, saying different things.
    ConflictingHeaders,
    /// A header that must be there is not.
    MissingHeader,
    /// A header's value does not follow its grammar.
    MalformedValue,
    /// A number larger than the header allows.
    NumberOutOfRange,
    /// CSeq names another method than the request line.
    MethodMismatch,
    /// Content-Length promises more than came.
    BodyTooShort,
    /// Content-Length promises less than came; the rest was left out.
    BytesAfterBody,
    /// A body without a Content-Type.
    BodyWithoutType,
    /// A Via of another version of SIP.
    OtherVersion,
    /// A branch that names no transaction: absent, or not of RFC 3261.
    OldBranch,
    /// From without a tag.
    MissingTag,
    /// A response with more than one Via has come to the wrong place.
    SeveralVias,
    /// A display name that needs quotes.
    QuotesNeeded,
    /// A quoted string without its end.
    UnbalancedQuote,
    /// A URI that needs angle brackets around it.
    BracketsNeeded,
    /// White space between angle bracket and URI.
    SpaceInBrackets,
    /// Nothing between two semicolons.
    EmptyParameter,
    /// Nothing between two commas.
    EmptyListElement,
    /// `Contact: *` beside other contacts or where it may not be.
    StarContact,
    /// A date that is not in the one allowed form.
    MalformedDate,
}

impl DefectKind {
    /// A name for machines: `bytes-after-body`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            DefectKind::LeadingLineBreaks => "leading-line-breaks",
            DefectKind::StartLineSpacing => "start-line-spacing",
            DefectKind::SpaceInRequestUri => "space-in-request-uri",
            DefectKind::BracketsInRequestUri => "brackets-in-request-uri",
            DefectKind::HeadersInRequestUri => "headers-in-request-uri",
            DefectKind::BareLineFeed => "bare-line-feed",
            DefectKind::BareCarriageReturn => "bare-carriage-return",
            DefectKind::ControlCharacter => "control-character",
            DefectKind::UnreadableLine => "unreadable-line",
            DefectKind::NoEmptyLine => "no-empty-line",
            DefectKind::RepeatedHeader => "repeated-header",
            DefectKind::ConflictingHeaders => "conflicting-headers",
            DefectKind::MissingHeader => "missing-header",
            DefectKind::MalformedValue => "malformed-value",
            DefectKind::NumberOutOfRange => "number-out-of-range",
            DefectKind::MethodMismatch => "method-mismatch",
            DefectKind::BodyTooShort => "body-too-short",
            DefectKind::BytesAfterBody => "bytes-after-body",
            DefectKind::BodyWithoutType => "body-without-type",
            DefectKind::OtherVersion => "other-version",
            DefectKind::OldBranch => "old-branch",
            DefectKind::MissingTag => "missing-tag",
            DefectKind::SeveralVias => "several-vias",
            DefectKind::QuotesNeeded => "quotes-needed",
            DefectKind::UnbalancedQuote => "unbalanced-quote",
            DefectKind::BracketsNeeded => "brackets-needed",
            DefectKind::SpaceInBrackets => "space-in-brackets",
            DefectKind::EmptyParameter => "empty-parameter",
            DefectKind::EmptyListElement => "empty-list-element",
            DefectKind::StarContact => "star-contact",
            DefectKind::MalformedDate => "malformed-date",
        }
    }
}
