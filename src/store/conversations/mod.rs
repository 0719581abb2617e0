//! Conversations, kept in a database of their own on a thread of their own: nobody waits for a disk.
//!
//! What is written down is told again as a whole, [`Conversations`] once and again after each change:
//! the latest conversations, and a page of the one that is open. Where nothing shall be kept, or
//! nothing can be, the same is held in memory and forgotten with the program.

mod damaged;
mod database;
mod queries;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use database::Database;
use queries::Window;

/// Orders that may wait; one more is refused.
const QUEUE: usize = 256;
/// Conversations that are listed, the latest ones.
const LISTED: usize = 200;
/// Messages of the open conversation that are told at a time.
pub const PAGE: usize = 50;
/// Of them at most, however far back the person looks.
const MOST_SHOWN: usize = 1_000;
/// Messages kept of all conversations together; the oldest give way.
const MOST_KEPT: u64 = 100_000;

/// A message to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecord {
    /// The account's number in the settings.
    pub account: u32,
    /// The other side's address.
    pub peer: String,
    /// The name that it gives itself.
    pub name: Option<String>,
    /// What it says.
    pub text: String,
    /// When it was written, in milliseconds since 1970, UTC.
    pub at_ms: u64,
    /// `None`: it came. Else it is ours, and is to be sent.
    pub sending: Option<Sending>,
}

/// How a message of ours is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sending {
    /// Until when it is tried, in seconds since 1970, UTC; `None`: once.
    pub until_unix: Option<u64>,
}

/// A message as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its name: later ones have higher numbers.
    pub id: u64,
    /// What it says.
    pub text: String,
    /// When it was written, in milliseconds since 1970, UTC.
    pub at_ms: u64,
    /// How it stands.
    pub state: RecordState,
}

/// How a message stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordState {
    /// It came.
    Received,
    /// Ours, on its way.
    Sending,
    /// Ours, and tried again later.
    Waiting {
        /// What kept it, as whoever keeps it calls it.
        cause: String,
    },
    /// Ours, and there.
    Delivered,
    /// Ours, and not there.
    Failed {
        /// Why, as whoever keeps it calls it.
        cause: String,
        /// With which status.
        status: Option<u16>,
        /// The far side's own words.
        reason: Option<String>,
    },
}

/// A message of ours that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// Its name.
    pub id: u64,
    /// Whose it is.
    pub account: u32,
    /// To whom.
    pub peer: String,
    /// What it says.
    pub text: String,
    /// Until when it is tried, in seconds since 1970, UTC; `None`: once.
    pub until_unix: Option<u64>,
}

/// One conversation, by its last message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Whose it is.
    pub account: u32,
    /// With whom.
    pub peer: String,
    /// The name that they gave themselves last.
    pub name: Option<String>,
    /// The last message, of which no more than 200 characters are told.
    pub last: Record,
    /// Messages that nobody has read.
    pub unread: u32,
}

/// The open conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Whose it is.
    pub account: u32,
    /// With whom.
    pub peer: String,
    /// Oldest first.
    pub messages: Vec<Record>,
    /// There are older ones.
    pub more: bool,
}

/// All that is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The latest one first.
    pub list: Vec<Summary>,
    /// Unread messages of all conversations.
    pub unread: u32,
    /// The open one.
    pub open: Option<Page>,
}

/// What shall be done.
#[derive(Clone, Debug)]
pub enum ChatOrder {
    /// Write a message down; one of ours is answered with [`ChatAnswer::ToSend`].
    Add(Box<NewRecord>),
    /// A message of ours stands otherwise.
    Change {
        /// Which one.
        id: u64,
        /// How it stands.
        state: RecordState,
    },
    /// A message that failed is to be sent again.
    Again {
        /// Which one.
        id: u64,
        /// How.
        sending: Sending,
        /// When, in milliseconds since 1970, UTC.
        at_ms: u64,
    },
    /// All of a conversation has been read.
    Read {
        /// Whose.
        account: u32,
        /// With whom.
        peer: String,
    },
    /// From here on this conversation is open; `None`: none is.
    Open(Option<(u32, String)>),
    /// More of the open one.
    Older,
    /// Throw a conversation away.
    Forget {
        /// Whose.
        account: u32,
        /// With whom.
        peer: String,
    },
    /// Throw all conversations of an account away.
    ForgetAccount(u32),
    /// Keep them in the file, or, from here on, in memory alone: what is in the file stays there.
    Keep(bool),
}

/// What is told.
#[derive(Clone, Debug)]
pub enum ChatAnswer {
    /// How things stand after what was ordered.
    Told(Box<Told>),
    /// A message is written down: send it.
    ToSend(Unsent),
    /// The file was damaged, and put aside there, untouched.
    SetAside(PathBuf),
    /// Nothing can be kept: until the end of the program it is held in memory.
    NotKept(String),
}

/// The thread, as long as this lives. Dropping it waits until everything is written.
#[derive(Debug)]
pub struct Conversations {
    orders: Option<SyncSender<ChatOrder>>,
    thread: Option<JoinHandle<()>>,
}

impl Conversations {
    /// Starts the thread. `file`: where they are kept; `None`: nowhere. `keeps`: whether they are to
    /// be kept there. What was on its way when the program ended is told as to be sent, or as failed.
    /// `unix`: now, in seconds since 1970, UTC. `answer` is called on the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        file: Option<PathBuf>,
        keeps: bool,
        unix: u64,
        answer: impl Fn(ChatAnswer) + Send + 'static,
    ) -> std::io::Result<Conversations> {
        let (orders, queue) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("messages".into())
            .spawn(move || {
                let mut desk = Desk::open(file, keeps, unix, answer);
                desk.work(&queue);
            })?;
        Ok(Conversations {
            orders: Some(orders),
            thread: Some(thread),
        })
    }

    /// Gives an order without waiting; handed back when the queue is full.
    ///
    /// # Errors
    /// The order, when it was not taken.
    pub fn give(&self, order: ChatOrder) -> Result<(), ChatOrder> {
        match &self.orders {
            Some(orders) => orders.try_send(order).map_err(|error| match error {
                TrySendError::Full(order) | TrySendError::Disconnected(order) => order,
            }),
            None => Err(order),
        }
    }
}

impl Drop for Conversations {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by the panic hook.
            let _ = thread.join();
        }
    }
}

/// What the thread works on.
struct Desk<A> {
    file: Option<PathBuf>,
    database: Database,
    /// In the file, rather than in memory.
    kept: bool,
    unix: u64,
    window: Window,
    answer: A,
}

impl<A: Fn(ChatAnswer)> Desk<A> {
    fn open(file: Option<PathBuf>, keeps: bool, unix: u64, answer: A) -> Desk<A> {
        let mut desk = Desk {
            file,
            database: Database::in_memory(),
            kept: false,
            unix,
            window: Window::default(),
            answer,
        };
        if keeps {
            desk.use_file();
        }
        desk
    }

    fn work(&mut self, queue: &Receiver<ChatOrder>) {
        self.tell();
        while let Ok(order) = queue.recv() {
            self.carry_out(&order);
            // How things stand is told once for all that waits.
            while let Ok(order) = queue.try_recv() {
                self.carry_out(&order);
            }
            self.tell();
        }
    }

    fn carry_out(&mut self, order: &ChatOrder) {
        match order {
            ChatOrder::Keep(true) => self.use_file(),
            ChatOrder::Keep(false) => self.use_memory(),
            ChatOrder::Open(open) => self.window.open(open.clone()),
            ChatOrder::Older => self.window.widen(),
            _ => {
                // Once more where the first time showed that the file is damaged or full.
                let done = self.write(order).or_else(|error| {
                    self.give_up_file(&error);
                    self.write(order)
                });
                match done {
                    Ok(Some(unsent)) => (self.answer)(ChatAnswer::ToSend(unsent)),
                    Ok(None) => {}
                    Err(error) => tracing::error!("a message cannot be kept: {error}"),
                }
            }
        }
    }

    fn write(&mut self, order: &ChatOrder) -> rusqlite::Result<Option<Unsent>> {
        let database = &mut self.database;
        match order {
            ChatOrder::Add(new) => database.add(new),
            ChatOrder::Change { id, state } => database.change(*id, state).map(|()| None),
            ChatOrder::Again { id, sending, at_ms } => database.again(*id, *sending, *at_ms),
            ChatOrder::Read { account, peer } => database.read(*account, peer).map(|()| None),
            ChatOrder::Forget { account, peer } => database.forget(*account, peer).map(|()| None),
            ChatOrder::ForgetAccount(account) => database.forget_account(*account).map(|()| None),
            ChatOrder::Keep(_) | ChatOrder::Open(_) | ChatOrder::Older => Ok(None),
        }
    }

    fn tell(&mut self) {
        let told = self.database.told(&self.window).or_else(|error| {
            self.give_up_file(&error);
            self.database.told(&self.window)
        });
        match told {
            Ok(told) => (self.answer)(ChatAnswer::Told(Box::new(told))),
            Err(error) => tracing::error!("conversations cannot be read: {error}"),
        }
    }

    fn use_memory(&mut self) {
        if std::mem::take(&mut self.kept) {
            self.database = Database::in_memory();
        }
    }

    fn use_file(&mut self) {
        let Some(file) = self.file.clone().filter(|_| !self.kept) else {
            return;
        };
        match Database::in_file(&file) {
            Ok((mut database, aside)) => {
                if let Some(aside) = aside {
                    (self.answer)(ChatAnswer::SetAside(aside));
                }
                match database.take_up(self.unix) {
                    Ok(unsent) => {
                        for unsent in unsent {
                            (self.answer)(ChatAnswer::ToSend(unsent));
                        }
                    }
                    Err(error) => tracing::warn!("messages not taken up again: {error}"),
                }
                self.database = database;
                self.kept = true;
            }
            Err(error) => (self.answer)(ChatAnswer::NotKept(error.to_string())),
        }
    }

    /// The file in use turned out to be unusable. A damaged one is put aside and a new one begun; else
    /// what follows is held in memory.
    fn give_up_file(&mut self, error: &rusqlite::Error) {
        if !self.kept {
            return;
        }
        self.use_memory();
        if damaged::is_damage(error) {
            self.use_file();
        } else {
            (self.answer)(ChatAnswer::NotKept(error.to_string()));
        }
    }
}

#[cfg(test)]
mod tests;
