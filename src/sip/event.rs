//! What a subscription, a notification or a publication is about: Event and Allow-Events (RFC
//! 6665 sections 8.2.1 and 8.2.2).

use std::fmt;

use super::header::{HeaderError, Headers};
use super::header_name::HeaderName;
use super::lexer;
use super::params::Params;

/// The value of Event: `dialog;id=7;shared`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The package with its templates, as it came: `presence`, `presence.winfo`.
    pub package: String,
    /// What tells two subscriptions to one package in one dialog apart.
    pub id: Option<String>,
    /// All other parameters.
    pub params: Params,
}

impl Event {
    /// A package without id and parameters.
    #[must_use]
    pub fn new(package: impl Into<String>) -> Event {
        Event {
            package: package.into(),
            id: None,
            params: Params::new(),
        }
    }

    /// With this id: `refer;id=93809824`.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Event {
        self.id = Some(id.into());
        self
    }

    /// Whether a notification with the other one belongs to a subscription with this one: package
    /// and id are compared byte by byte, parameters not at all (RFC 6665 section 8.2.1).
    #[must_use]
    pub fn matches(&self, other: &Event) -> bool {
        self.package == other.package && self.id == other.id
    }

    fn read(value: &str) -> Option<Event> {
        let (package, params) = value.split_at(value.find(';').unwrap_or(value.len()));
        let package = lexer::trim(package);
        if !lexer::is_token(package) {
            return None;
        }
        let (mut params, _) = Params::read_header(params)?;
        let id = params.get("id").map(str::to_owned);
        params.remove("id");
        Some(Event {
            package: package.to_owned(),
            id: id.filter(|id| !id.is_empty()),
            params,
        })
    }
}

impl fmt::Display for Event {
    /// The id stands before all other parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.package)?;
        let mut id = Params::new();
        if let Some(value) = &self.id {
            id.set("id", Some(value));
        }
        write!(f, "{id}{}", self.params)
    }
}

impl Headers {
    /// What a SUBSCRIBE, NOTIFY or PUBLISH is about.
    ///
    /// # Errors
    /// Missing or unreadable.
    pub fn event(&self) -> Result<Event, HeaderError> {
        let name = HeaderName::EVENT;
        match self.get(&name) {
            Some(value) => Event::read(value).ok_or_else(|| HeaderError::malformed(&name)),
            None => Err(HeaderError::Missing { name }),
        }
    }

    /// Whether the sender notifies of this package: `None` when it does not say (RFC 6665 section
    /// 8.2.2).
    #[must_use]
    pub fn allows_event(&self, package: &str) -> Option<bool> {
        self.has(&HeaderName::ALLOW_EVENTS)
            .then(|| self.has_token(&HeaderName::ALLOW_EVENTS, package))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(value: &str) -> Result<Event, HeaderError> {
        let mut headers = Headers::new();
        headers.push("o", value);
        headers.event()
    }

    #[test]
    fn package_id_and_parameters_are_told_apart() {
        let read = event("dialog ; shared ;id=7; call-id=\"a;b\"").unwrap();
        assert_eq!(read.package, "dialog");
        assert_eq!(read.id.as_deref(), Some("7"));
        assert_eq!(read.params.get("call-id"), Some("a;b"));
        assert!(read.params.has("shared"));
        assert!(!read.params.has("id"));
        assert_eq!(read.to_string(), "dialog;id=7;shared;call-id=\"a;b\"");
        assert_eq!(
            event("presence.winfo"),
            Ok(Event::new("presence.winfo")),
            "a template belongs to the type"
        );
    }

    #[test]
    fn only_package_and_id_say_whether_a_notification_is_meant() {
        let refer = Event::new("refer").with_id("93809824");
        assert!(refer.matches(&event("refer;id=93809824;x=1").unwrap()));
        assert!(!refer.matches(&event("refer").unwrap()));
        assert!(!Event::new("refer").matches(&refer));
        assert!(!Event::new("dialog").matches(&Event::new("Dialog")));
        assert_eq!(refer.to_string(), "refer;id=93809824");
    }

    #[test]
    fn what_is_no_package_is_told() {
        let name = HeaderName::EVENT;
        let malformed = HeaderError::malformed(&name);
        for value in ["", ";id=7", "two words", "dialog;=7", "dialog x;id=7"] {
            assert_eq!(event(value), Err(malformed.clone()), "{value}");
        }
        assert_eq!(event("dialog;id="), Ok(Event::new("dialog")));
        assert_eq!(Headers::new().event(), Err(HeaderError::Missing { name }));
    }

    #[test]
    fn who_does_not_say_what_it_notifies_of_may_notify_of_anything() {
        let mut headers = Headers::new();
        assert_eq!(headers.allows_event("dialog"), None);
        headers.push("Allow-Events", "presence, Dialog");
        headers.push("u", "message-summary");
        assert_eq!(headers.allows_event("dialog"), Some(true));
        assert_eq!(headers.allows_event("message-summary"), Some(true));
        assert_eq!(headers.allows_event("refer"), Some(false));
    }
}
