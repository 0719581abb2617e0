//! What a face may ask of the phone.

use std::time::Duration;

use super::{
    AccountConfig, AccountId, Availability, CallId, MessageId, NewMessage, Package, Reception,
    WatchId,
};
use crate::sip::StatusCode;

/// A person's wish. Each is idempotent: asked twice, it does the second time nothing.
#[derive(Clone, Debug)]
pub enum Command {
    /// Adds an account, or replaces the one with the same id, and registers it if it registers.
    AddAccount(Box<AccountConfig>),
    /// Unregisters and forgets an account; its calls go on.
    RemoveAccount(AccountId),
    /// Registers now, without waiting for a retry.
    Register(AccountId),
    /// Removes the binding and stays away.
    Unregister(AccountId),
    /// Calls what the person typed: a URI, a number in any writing, a name at the account's domain.
    Dial {
        /// Whose call it is.
        account: AccountId,
        /// The call's name, chosen by whoever dials; must not be in use.
        call: CallId,
        /// As typed.
        target: String,
    },
    /// The same, without saying who calls (RFC 3323, RFC 3325).
    DialAnonymously {
        /// Whose call it is.
        account: AccountId,
        /// The call's name, chosen by whoever dials; must not be in use.
        call: CallId,
        /// As typed.
        target: String,
    },
    /// Changes what an account does about calls that come in, from the next one on.
    SetReception {
        /// Which account.
        account: AccountId,
        /// The rules.
        reception: Box<Reception>,
    },
    /// Takes an incoming call.
    Answer(CallId),
    /// Turns an incoming call away.
    Reject {
        /// Which call.
        call: CallId,
        /// With which final status: 486 busy, 480 unavailable, 603 declined.
        status: StatusCode,
    },
    /// Ends a call in whatever state it is: CANCEL, BYE, or 486 to one that rings here.
    HangUp(CallId),
    /// Puts the far side on hold.
    Hold(CallId),
    /// Takes the far side back.
    Resume(CallId),
    /// Hands the far side over to whom the person typed (REFER, RFC 3515). It is put on hold first,
    /// and taken back if it comes to nothing.
    Transfer {
        /// Which call.
        call: CallId,
        /// As typed.
        target: String,
    },
    /// Hands the far side over to that of another call (RFC 5589 section 7), also while it still
    /// rings there.
    TransferTo {
        /// Which call.
        call: CallId,
        /// The other one.
        other: CallId,
    },
    /// Has the far side of a call come into the conference that the far side of another one holds
    /// (RFC 4579 section 5.5).
    BringIn {
        /// Who comes in; the call ends when it is there.
        call: CallId,
        /// The call with the conference, as [`super::Event::Focus`] told.
        focus: CallId,
    },
    /// Lets the far side hand us over, as it asked with [`super::Event::TransferAsked`].
    AcceptTransfer(CallId),
    /// Does not; the call goes on.
    RefuseTransfer(CallId),
    /// Sends a message, in its turn; how it goes is told with [`super::Event::MessageProgress`].
    SendMessage(Box<NewMessage>),
    /// Takes back a message that is not on its way.
    WithdrawMessage(MessageId),
    /// The draft of a message changed: it is told to whom it is for (RFC 3994).
    Compose {
        /// Who writes.
        account: AccountId,
        /// To whom, as typed.
        to: String,
        /// Whether anything stands in it.
        writing: bool,
    },
    /// Sends silence instead of the microphone, or no longer.
    SetMuted {
        /// Which call.
        call: CallId,
        /// What it shall be.
        muted: bool,
    },
    /// Sends digits (`0`–`9 * # A`–`D`; others are passed over) one after the other.
    SendDtmf {
        /// Which call.
        call: CallId,
        /// At most 64 are taken at a time.
        digits: String,
    },
    /// Watches somebody else's state, from now on and for as long as the account is there; what is
    /// told of it comes as events of that name.
    Watch {
        /// The watch's name, chosen by whoever asks; another watch of that name ends.
        watch: WatchId,
        /// Who watches.
        account: AccountId,
        /// Whom: as typed.
        target: String,
        /// What of them.
        package: Package,
    },
    /// Watches no more.
    Unwatch(WatchId),
    /// Takes the call that rings at whom a watch of calls is for.
    PickUp {
        /// The watch.
        watch: WatchId,
        /// The name of the call that follows, as in `Dial`.
        call: CallId,
    },
    /// Publishes how the person of an account can be reached (RFC 3903), and from then on also
    /// that they are on the phone; `None` takes it back.
    Publish {
        /// Whose.
        account: AccountId,
        /// As they chose.
        availability: Option<Availability>,
    },
    /// Changes how sound is sent, from the next offer or answer on; see [`super::AgentConfig`].
    SetSending {
        /// Packet length.
        ptime: Duration,
        /// Pauses are described rather than sent.
        silence_suppression: bool,
        /// Packets may be sent again, with every codec.
        resend: bool,
    },
    /// Hangs up every call, removes every binding, and then says [`super::Event::Finished`].
    Shutdown,
}
