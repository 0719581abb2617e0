//! Conversations: what is written is first written down, then sent; what comes is written down and
//! shown. The faces wish through [`ChatWish`] and read a [`ChatsView`].

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::clock;
use super::driver::Driver;
use super::snapshot::Notice;
use crate::agent::{self, AccountId, MessageFailure, MessageId, MessageProgress, NewMessage};
use crate::sip::Uri;
use crate::store::{
    ChatAnswer, ChatOrder, Conversations, MessageSettings, NewRecord, Record, RecordState, Sending,
    Summary, Told, Unsent,
};

/// How long a message is tried again.
const TRIED_FOR: u64 = 24 * 3600;
/// Messages that wait for their account to be there, after a start.
const MAX_UNSENT: usize = 256;

/// Where conversations are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeepChats {
    /// There are none: messages are told by events alone.
    No,
    /// In memory, until the program ends.
    InMemory,
    /// In this file, unless the settings say otherwise.
    In(PathBuf),
}

/// A person's wish about messages.
#[derive(Clone, Debug)]
pub enum ChatWish {
    /// Shows a conversation; `None`: none.
    Open(Option<(AccountId, String)>),
    /// Shows more of the open one.
    Older,
    /// All of the open one has been read.
    Read,
    /// Writes to somebody.
    Write {
        /// Whose message it is.
        account: AccountId,
        /// To whom, as typed.
        to: String,
        /// What it says.
        text: String,
    },
    /// The text field of a message changed.
    Draft {
        /// Whose message it would be.
        account: AccountId,
        /// To whom, as typed.
        to: String,
        /// Whether anything stands in it.
        writing: bool,
    },
    /// Sends a message again that failed.
    Again(MessageId),
    /// Throws a conversation away.
    Forget {
        /// Whose it is.
        account: AccountId,
        /// With whom, as the list names it.
        peer: String,
    },
    /// Chooses how messages are dealt with.
    Set(MessageSettings),
}

/// Conversations at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatsView {
    /// The latest one first, at most 200.
    pub conversations: Vec<ConversationView>,
    /// Messages that nobody has read.
    pub unread: u32,
    /// The open one.
    pub open: Option<OpenConversation>,
    /// As it is stored.
    pub settings: MessageSettings,
}

/// One conversation in the list.
#[derive(Clone, Debug, PartialEq)]
pub struct ConversationView {
    /// Whose it is.
    pub account: AccountId,
    /// With whom: a URI.
    pub peer: String,
    /// The name that they gave themselves last. Untrusted.
    pub name: Option<String>,
    /// The last message, of which no more than 200 characters stand here.
    pub last: ChatMessage,
    /// Messages that nobody has read.
    pub unread: u32,
    /// They are writing.
    pub writes: bool,
}

/// The open conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenConversation {
    /// Whose it is.
    pub account: AccountId,
    /// With whom: a URI.
    pub peer: String,
    /// The name that they gave themselves last. Untrusted.
    pub name: Option<String>,
    /// Oldest first, at most 1,000.
    pub messages: Vec<ChatMessage>,
    /// There are older ones.
    pub more: bool,
    /// They are writing.
    pub writes: bool,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatMessage {
    /// Its name.
    pub id: MessageId,
    /// What it says. Untrusted if it came.
    pub text: String,
    /// When it was written, in milliseconds since 1970, UTC.
    pub at_ms: u64,
    /// How it stands.
    pub state: ChatState,
}

/// How a message stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChatState {
    /// It came.
    Received,
    /// Ours, on its way.
    Sending,
    /// Ours, and tried again later.
    Waiting(MessageFailure),
    /// Ours, and there.
    Delivered,
    /// Ours, and not there.
    Failed {
        /// Why.
        cause: MessageFailure,
        /// With which status.
        status: Option<u16>,
        /// The far side's own words. Untrusted.
        reason: Option<String>,
    },
}

/// What the engine holds of them.
#[derive(Debug, Default)]
pub(super) struct Chats {
    kept: Option<Conversations>,
    told: Told,
    /// Who is writing.
    typing: BTreeSet<(AccountId, String)>,
    /// To be sent as soon as their accounts are there.
    unsent: Vec<Unsent>,
}

impl Chats {
    /// Opens the conversations. `answer` is called on their thread.
    pub(super) fn open(
        keep: &KeepChats,
        settings: MessageSettings,
        answer: impl Fn(ChatAnswer) + Send + 'static,
    ) -> std::io::Result<Chats> {
        let file = match keep {
            KeepChats::No => return Ok(Chats::default()),
            KeepChats::InMemory => None,
            KeepChats::In(file) => Some(file.clone()),
        };
        let keeps = file.is_some() && settings.keep;
        let kept = Conversations::start(file, keeps, clock::unix(), answer)?;
        // An account that is used once has the number of the one before it.
        let _ = kept.give(ChatOrder::ForgetAccount(u32::MAX));
        Ok(Chats {
            kept: Some(kept),
            ..Chats::default()
        })
    }
}

impl Driver {
    pub(super) fn chat_wish(&mut self, wish: ChatWish) {
        match wish {
            ChatWish::Open(open) => {
                let open = open.and_then(|(account, to)| {
                    let peer = self.peer(account, &to)?;
                    Some((account.0, peer))
                });
                self.chat_order(ChatOrder::Open(open));
            }
            ChatWish::Older => self.chat_order(ChatOrder::Older),
            ChatWish::Read => {
                if let Some((account, peer)) = self.open_chat() {
                    self.chat_order(ChatOrder::Read { account, peer });
                }
            }
            ChatWish::Write { account, to, text } => self.write_message(account, &to, text),
            ChatWish::Draft {
                account,
                to,
                writing,
            } => {
                if self.message_settings().tell_typing {
                    self.hand_over(agent::Command::Compose {
                        account,
                        to,
                        writing,
                    });
                }
            }
            ChatWish::Again(id) => {
                let order = ChatOrder::Again {
                    id: id.0,
                    sending: self.sending(),
                    at_ms: clock::unix_ms(),
                };
                self.chat_order(order);
            }
            ChatWish::Forget { account, peer } => {
                let account = account.0;
                self.chat_order(ChatOrder::Forget { account, peer });
            }
            ChatWish::Set(settings) => {
                self.change_settings(|all| all.messages = settings);
                let keeps = settings.keep && self.settings.is_some();
                self.chat_order(ChatOrder::Keep(keeps));
                self.show_chats();
            }
        }
    }

    /// Writes a message down; it is sent when that is done.
    fn write_message(&mut self, account: AccountId, to: &str, text: String) {
        let Some(peer) = self.peer(account, to) else {
            return;
        };
        let order = ChatOrder::Add(Box::new(NewRecord {
            account: account.0,
            peer: peer.clone(),
            name: None,
            text,
            at_ms: clock::unix_ms(),
            sending: Some(self.sending()),
        }));
        self.chat_order(order);
        self.chat_order(ChatOrder::Open(Some((account.0, peer))));
    }

    /// The other side as conversations name it; a URI needs no account to be read.
    fn peer(&mut self, account: AccountId, to: &str) -> Option<String> {
        if let Ok(uri @ Uri::Sip(_)) = to.parse::<Uri>() {
            return Some(agent::correspondent(&uri));
        }
        match self.agent.correspondent(account, to) {
            Ok(peer) => Some(peer),
            Err(refusal) => {
                self.notice(Notice::Refused(refusal));
                None
            }
        }
    }

    fn sending(&self) -> Sending {
        let tries = self.message_settings().try_again;
        Sending {
            until_unix: tries.then(|| clock::unix() + TRIED_FOR),
        }
    }

    pub(super) fn message_settings(&self) -> MessageSettings {
        let settings = self.settings.as_ref();
        settings.map_or_else(MessageSettings::default, |(_, settings)| settings.messages)
    }

    fn open_chat(&self) -> Option<(u32, String)> {
        let open = self.chats.told.open.as_ref()?;
        Some((open.account, open.peer.clone()))
    }

    fn chat_order(&mut self, order: ChatOrder) {
        let Some(kept) = &self.chats.kept else {
            return;
        };
        if let Err(order) = kept.give(order) {
            tracing::error!("conversations take no more orders");
            if matches!(order, ChatOrder::Add(_)) {
                self.notice(Notice::MessageLost);
            }
        }
    }

    /// An account is there: what was written under it before the program ended goes out.
    pub(super) fn send_unsent(&mut self) {
        for unsent in std::mem::take(&mut self.chats.unsent) {
            self.send_message(unsent);
        }
    }

    fn send_message(&mut self, unsent: Unsent) {
        let account = AccountId(unsent.account);
        if self.agent.account_state(account).is_none() && self.chats.unsent.len() < MAX_UNSENT {
            self.chats.unsent.push(unsent);
            return;
        }
        let left = unsent
            .until_unix
            .map_or(0, |until| until.saturating_sub(clock::unix()));
        self.hand_over(agent::Command::SendMessage(Box::new(NewMessage {
            account,
            message: MessageId(unsent.id),
            to: unsent.peer,
            text: unsent.text,
            retry_for: Duration::from_secs(left),
        })));
    }

    /// The account is gone, and its conversations with it.
    pub(super) fn forget_chats(&mut self, account: AccountId) {
        self.chats
            .unsent
            .retain(|unsent| unsent.account != account.0);
        self.chats.typing.retain(|(of, _)| *of != account);
        self.chat_order(ChatOrder::ForgetAccount(account.0));
    }

    /// Takes in what the agent says of messages.
    pub(super) fn chat_event(&mut self, event: &agent::Event) {
        match event {
            agent::Event::Message(message) => {
                self.chat_order(ChatOrder::Add(Box::new(NewRecord {
                    account: message.account.0,
                    peer: message.from.uri.clone(),
                    name: message.from.display_name.clone(),
                    text: message.text.clone(),
                    at_ms: clock::unix_ms(),
                    sending: None,
                })));
            }
            agent::Event::MessageProgress { message, progress } => {
                let (id, state) = (message.0, state_of(progress));
                self.chat_order(ChatOrder::Change { id, state });
            }
            agent::Event::Typing {
                account,
                peer,
                writes,
            } => {
                let who = (*account, peer.clone());
                if *writes {
                    self.chats.typing.insert(who);
                } else {
                    self.chats.typing.remove(&who);
                }
                self.show_chats();
            }
            _ => {}
        }
    }

    pub(super) fn chat_answer(&mut self, answer: ChatAnswer) {
        match answer {
            ChatAnswer::Told(told) => {
                self.chats.told = *told;
                self.show_chats();
            }
            ChatAnswer::ToSend(unsent) => self.send_message(unsent),
            ChatAnswer::SetAside(path) => {
                tracing::warn!(path = %path.display(), "damaged conversations were set aside");
                self.notice(Notice::MessagesSetAside { path });
            }
            ChatAnswer::NotKept(why) => {
                tracing::warn!("conversations are not kept: {why}");
                self.notice(Notice::MessagesNotKept);
            }
        }
    }

    /// Draws what the faces see of it.
    pub(super) fn show_chats(&mut self) {
        let told = &self.chats.told;
        let writes = |account: u32, peer: &str| {
            let mut typing = self.chats.typing.iter();
            typing.any(|(of, who)| of.0 == account && who == peer)
        };
        let open = told.open.as_ref().map(|page| OpenConversation {
            account: AccountId(page.account),
            peer: page.peer.clone(),
            name: name_of(&told.list, page.account, &page.peer),
            messages: page.messages.iter().map(message_of).collect(),
            more: page.more,
            writes: writes(page.account, &page.peer),
        });
        let conversations = told.list.iter().map(|one| ConversationView {
            account: AccountId(one.account),
            peer: one.peer.clone(),
            name: one.name.clone(),
            last: message_of(&one.last),
            unread: one.unread,
            writes: writes(one.account, &one.peer),
        });
        let view = ChatsView {
            conversations: conversations.collect(),
            unread: told.unread,
            open,
            settings: self.message_settings(),
        };
        self.picture.chats(Arc::new(view));
        self.dirty = true;
    }
}

fn name_of(list: &[Summary], account: u32, peer: &str) -> Option<String> {
    let mut list = list.iter();
    let one = list.find(|one| one.account == account && one.peer == peer)?;
    one.name.clone()
}

fn message_of(record: &Record) -> ChatMessage {
    let state = match &record.state {
        RecordState::Received => ChatState::Received,
        RecordState::Sending => ChatState::Sending,
        RecordState::Waiting { cause } => ChatState::Waiting(cause_of(cause)),
        RecordState::Delivered => ChatState::Delivered,
        RecordState::Failed {
            cause,
            status,
            reason,
        } => ChatState::Failed {
            cause: cause_of(cause),
            status: *status,
            reason: reason.clone(),
        },
    };
    ChatMessage {
        id: MessageId(record.id),
        text: record.text.clone(),
        at_ms: record.at_ms,
        state,
    }
}

fn state_of(progress: &MessageProgress) -> RecordState {
    match progress {
        MessageProgress::Sending => RecordState::Sending,
        MessageProgress::Waiting { cause, .. } => RecordState::Waiting {
            cause: cause.code().to_owned(),
        },
        MessageProgress::Delivered => RecordState::Delivered,
        MessageProgress::Failed {
            cause,
            status,
            reason,
        } => RecordState::Failed {
            cause: cause.code().to_owned(),
            status: *status,
            reason: reason.clone(),
        },
    }
}

/// What was written down of a cause. The program ended while it was on its way: that is as if no
/// answer had come.
fn cause_of(code: &str) -> MessageFailure {
    MessageFailure::from_code(code).unwrap_or(MessageFailure::TimedOut)
}
