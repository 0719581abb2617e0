//! The extensions that answer, and what each of them does.

use std::time::Duration;

use super::{PICKUP, lamps};

/// A service extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// `600`: says what you say, at once.
    Echo,
    /// `601`: speech, and a tone after it.
    Speech,
    /// `602`: a menu by digits.
    Menu,
    /// `603`: 486 Busy Here.
    Busy,
    /// `604`: rings and rings.
    NeverAnswers,
    /// `605`: 488 Not Acceptable Here.
    NoCodec,
    /// `606`: an echo over a bad network.
    BadNetwork,
    /// `607`: hangs up and calls you back.
    CallsBack,
    /// `608`: hangs up on you.
    HangsUp,
    /// `609`: says what you say, five seconds later.
    PlaysBack,
}

/// What happens to an INVITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// 200.
    Answers,
    /// 180 for ever.
    Rings,
    /// This status.
    Refuses(u16),
}

impl Service {
    /// All of them.
    pub const ALL: [Service; 10] = [
        Service::Echo,
        Service::Speech,
        Service::Menu,
        Service::Busy,
        Service::NeverAnswers,
        Service::NoCodec,
        Service::BadNetwork,
        Service::CallsBack,
        Service::HangsUp,
        Service::PlaysBack,
    ];

    /// Its extension.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Service::Echo => "600",
            Service::Speech => "601",
            Service::Menu => "602",
            Service::Busy => "603",
            Service::NeverAnswers => "604",
            Service::NoCodec => "605",
            Service::BadNetwork => "606",
            Service::CallsBack => "607",
            Service::HangsUp => "608",
            Service::PlaysBack => "609",
        }
    }

    /// The service at an extension. Those whose lamps change by themselves, `700` to `749`, speak,
    /// and so do their calls when they are picked up with [`PICKUP`] before the number.
    #[must_use]
    pub fn at(extension: &str) -> Option<Service> {
        let called = extension.strip_prefix(PICKUP).unwrap_or(extension);
        if lamps::blink(called, Duration::ZERO).is_some() {
            return Some(Service::Speech);
        }
        Service::ALL
            .into_iter()
            .find(|service| service.extension() == extension)
    }

    /// How it takes a call.
    #[must_use]
    pub const fn manner(self) -> Manner {
        match self {
            Service::Busy => Manner::Refuses(486),
            Service::NoCodec => Manner::Refuses(488),
            Service::NeverAnswers => Manner::Rings,
            Service::Echo
            | Service::Speech
            | Service::Menu
            | Service::BadNetwork
            | Service::CallsBack
            | Service::HangsUp
            | Service::PlaysBack => Manner::Answers,
        }
    }

    /// How long after the answer it hangs up by itself.
    #[must_use]
    pub const fn hangs_up_after(self) -> Option<Duration> {
        match self {
            Service::HangsUp => Some(Duration::from_secs(3)),
            Service::CallsBack => Some(Duration::from_secs(4)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_is_found_at_its_extension_and_nowhere_else() {
        for service in Service::ALL {
            assert_eq!(Service::at(service.extension()), Some(service));
        }
        assert_eq!(Service::at("700"), Some(Service::Speech));
        assert_eq!(Service::at("*8749"), Some(Service::Speech));
        assert_eq!(Service::at("*8600"), None);
        assert_eq!(Service::at("1001"), None);
        assert_eq!(Service::at("6000"), None);
    }
}
