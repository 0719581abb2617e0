//! What the process ends with, for scripts.

use std::process::ExitCode;

use crate::agent::{CallEnd, EndCause, MessageFailure, RegistrationCause, WatchCause};

/// How a command ended. The numbers are a promise: README lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Exit {
    /// Answered and ended well; registered.
    Well = 0,
    /// The command line cannot be carried out as it stands.
    Usage = 2,
    /// The far side said no.
    Rejected = 3,
    /// Nobody took the call.
    NoAnswer = 4,
    /// No way there, or no word from there.
    Network = 5,
    /// Password wrong or missing.
    Authentication = 6,
    /// Answered, but no sound came.
    Media = 7,
    /// What was asked for is against a rule of the account, or not as protected as was asked for.
    Policy = 8,
    /// A fault of ours.
    Bug = 70,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// What a call's end means for the exit code. `heard`: at least one packet of its sound came.
#[must_use]
pub(super) fn of_call(end: &CallEnd, heard: bool) -> Exit {
    match end.cause {
        // Who handed it over has done what was to be done, heard or not.
        EndCause::Transferred | EndCause::Replaced => Exit::Well,
        EndCause::HungUp if heard => Exit::Well,
        EndCause::HungUp | EndCause::NoMedia => Exit::Media,
        EndCause::Cancelled
        | EndCause::AnsweredElsewhere
        | EndCause::NoAnswer
        | EndCause::Unavailable => Exit::NoAnswer,
        EndCause::Declined
        | EndCause::DeclinedElsewhere
        | EndCause::Forwarded
        | EndCause::DoNotDisturb
        | EndCause::Busy
        | EndCause::NotFound
        | EndCause::NoCommonCodec
        | EndCause::Forbidden
        | EndCause::Redirected
        | EndCause::Refused => Exit::Rejected,
        EndCause::NotEncrypted => Exit::Policy,
        EndCause::WrongPassword | EndCause::PasswordNeeded => Exit::Authentication,
        EndCause::WeakDigest | EndCause::ForeignServer | EndCause::Unencrypted => Exit::Policy,
        EndCause::HostNotFound
        | EndCause::Unreachable
        | EndCause::NotSecured
        | EndCause::TimedOut
        | EndCause::ServerTrouble
        | EndCause::NotAcknowledged => Exit::Network,
    }
}

/// What a message that was not delivered means for the exit code.
#[must_use]
pub(super) const fn of_message(cause: MessageFailure) -> Exit {
    match cause {
        MessageFailure::NotAnAddress
        | MessageFailure::Length
        | MessageFailure::TooMany
        | MessageFailure::NoAccount => Exit::Usage,
        MessageFailure::NotFound
        | MessageFailure::Forbidden
        | MessageFailure::Declined
        | MessageFailure::NotUnderstood
        | MessageFailure::Refused => Exit::Rejected,
        MessageFailure::Unavailable | MessageFailure::Withdrawn => Exit::NoAnswer,
        MessageFailure::WrongPassword | MessageFailure::PasswordNeeded => Exit::Authentication,
        MessageFailure::WeakDigest
        | MessageFailure::ForeignServer
        | MessageFailure::Unencrypted => Exit::Policy,
        MessageFailure::TooLong
        | MessageFailure::NotRegistered
        | MessageFailure::HostNotFound
        | MessageFailure::Unreachable
        | MessageFailure::TimedOut
        | MessageFailure::ServerTrouble => Exit::Network,
    }
}

/// What a watch that failed means for the exit code.
#[must_use]
pub(super) const fn of_watch(cause: WatchCause) -> Exit {
    match cause {
        WatchCause::WrongPassword | WatchCause::PasswordNeeded => Exit::Authentication,
        WatchCause::WeakDigest | WatchCause::ForeignServer | WatchCause::Unencrypted => {
            Exit::Policy
        }
        WatchCause::NotAllowed
        | WatchCause::NotFound
        | WatchCause::NotOffered
        | WatchCause::Refused => Exit::Rejected,
        WatchCause::Unreachable | WatchCause::TimedOut | WatchCause::ServerTrouble => Exit::Network,
    }
}

/// What a failed registration means for the exit code.
#[must_use]
pub(super) const fn of_registration(cause: RegistrationCause) -> Exit {
    match cause {
        RegistrationCause::WrongPassword
        | RegistrationCause::PasswordNeeded
        | RegistrationCause::AuthUnsupported => Exit::Authentication,
        RegistrationCause::WeakDigest | RegistrationCause::Unencrypted => Exit::Policy,
        RegistrationCause::HostNotFound
        | RegistrationCause::Unreachable
        | RegistrationCause::NotSecured(_)
        | RegistrationCause::TimedOut
        | RegistrationCause::ServerTrouble => Exit::Network,
        RegistrationCause::Forbidden
        | RegistrationCause::UnknownUser
        | RegistrationCause::Refused => Exit::Rejected,
    }
}
