//! What is read of the database: the latest conversations, and a page of the open one.

use rusqlite::{OptionalExtension, Row, params};

use super::database::{Database, signed};
use super::{LISTED, MOST_SHOWN, PAGE, Page, Record, RecordState, Summary, Told};

/// Which conversation is open, and how much of it is shown.
#[derive(Debug, Default)]
pub(super) struct Window {
    open: Option<(u32, String)>,
    shown: usize,
}

impl Window {
    pub(super) fn open(&mut self, open: Option<(u32, String)>) {
        if self.open != open {
            self.open = open;
            self.shown = PAGE;
        }
    }

    pub(super) fn widen(&mut self) {
        self.shown = (self.shown + PAGE).min(MOST_SHOWN);
    }
}

/// In the order of [`record`].
const COLUMNS: &str = "message.id, text, at_ms, state, cause, status, reason";

/// The same for a list, which shows the beginning of a text alone.
const SHORT: &str = "message.id, substr(text, 1, 200), at_ms, state, cause, status, reason";

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let state: String = row.get(3)?;
    let cause = row.get::<_, Option<String>>(4)?.unwrap_or_default();
    Ok(Record {
        id: row.get::<_, i64>(0)?.unsigned_abs(),
        text: row.get(1)?,
        at_ms: row.get::<_, i64>(2)?.unsigned_abs(),
        state: match state.as_str() {
            "received" => RecordState::Received,
            "sending" => RecordState::Sending,
            "waiting" => RecordState::Waiting { cause },
            "delivered" => RecordState::Delivered,
            _ => RecordState::Failed {
                cause,
                status: row.get(5)?,
                reason: row.get(6)?,
            },
        },
    })
}

impl Database {
    /// All that is told.
    pub(super) fn told(&self, window: &Window) -> rusqlite::Result<Told> {
        let unread = self
            .connection
            .prepare("SELECT count(*) FROM message WHERE unread = 1")?
            .query_row([], |row| row.get(0))?;
        let open = match &window.open {
            Some((account, peer)) => Some(self.page(*account, peer, window.shown)?),
            None => None,
        };
        Ok(Told {
            list: self.list()?,
            unread,
            open,
        })
    }

    fn list(&self) -> rusqlite::Result<Vec<Summary>> {
        let mut query = self.connection.prepare(&format!(
            "SELECT {SHORT}, account, peer, name,
               (SELECT count(*) FROM message AS other
                WHERE other.conversation = conversation.id AND other.unread = 1)
             FROM conversation JOIN message ON message.id =
               (SELECT max(id) FROM message AS last WHERE last.conversation = conversation.id)
             ORDER BY message.id DESC LIMIT ?1"
        ))?;
        let rows = query.query_map([signed(LISTED as u64)], |row| {
            Ok(Summary {
                last: record(row)?,
                account: row.get(7)?,
                peer: row.get(8)?,
                name: row.get(9)?,
                unread: row.get(10)?,
            })
        })?;
        rows.collect()
    }

    fn page(&self, account: u32, peer: &str, shown: usize) -> rusqlite::Result<Page> {
        let conversation: Option<i64> = self
            .connection
            .prepare("SELECT id FROM conversation WHERE account = ?1 AND peer = ?2")?
            .query_row(params![account, peer], |row| row.get(0))
            .optional()?;
        let mut query = self.connection.prepare(&format!(
            "SELECT {COLUMNS} FROM message WHERE conversation = ?1 ORDER BY id DESC LIMIT ?2"
        ))?;
        let one_more = signed(shown as u64 + 1);
        let rows = query.query_map(params![conversation, one_more], record)?;
        let mut messages: Vec<Record> = rows.collect::<rusqlite::Result<_>>()?;
        let more = messages.len() > shown;
        messages.truncate(shown);
        messages.reverse();
        Ok(Page {
            account,
            peer: peer.to_owned(),
            messages,
            more,
        })
    }
}
