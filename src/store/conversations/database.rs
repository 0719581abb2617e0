//! The database file: how it is opened, what stands in it, and what changes it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::damaged::{is_damage, put_aside};
use super::{MOST_KEPT, NewRecord, RecordState, Sending, Unsent};

/// The schema that this version writes; `PRAGMA user_version`.
const SCHEMA: u32 = 1;

/// Ids are never given twice, so that a late word about a message that was thrown away meets nobody.
const TABLES: &str = "
    CREATE TABLE conversation (
        id INTEGER PRIMARY KEY,
        account INTEGER NOT NULL,
        peer TEXT NOT NULL,
        name TEXT,
        UNIQUE (account, peer)
    );
    CREATE TABLE message (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        conversation INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
        at_ms INTEGER NOT NULL,
        text TEXT NOT NULL,
        state TEXT NOT NULL,
        cause TEXT,
        status INTEGER,
        reason TEXT,
        until_unix INTEGER,
        unread INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX message_of ON message (conversation, id);
    CREATE INDEX message_unread ON message (conversation) WHERE unread = 1;
    CREATE INDEX message_unsent ON message (state) WHERE state IN ('sending', 'waiting');
";

/// Why nothing is kept. The file, if there is one, is untouched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum OpenError {
    #[error("the conversations are of schema {found}, this version reads up to {SCHEMA}")]
    TooNew { found: u32 },
    #[error("the file of the conversations is not usable: {0}")]
    File(#[from] std::io::Error),
    #[error("the database of the conversations is not usable: {0}")]
    Database(#[from] rusqlite::Error),
}

/// One database, in a file or in memory.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) connection: Connection,
}

impl Database {
    /// One that is forgotten with the program.
    pub(super) fn in_memory() -> Database {
        let made = Connection::open_in_memory().and_then(|connection| {
            make_tables(&connection)?;
            Ok(connection)
        });
        Database {
            connection: made.expect("a database in memory needs nothing but memory"),
        }
    }

    /// That in a file, made if it is not there; and where a damaged one was put.
    pub(super) fn in_file(file: &Path) -> Result<(Database, Option<PathBuf>), OpenError> {
        match Database::open(file) {
            Err(OpenError::Database(error)) if is_damage(&error) => {
                let aside = put_aside(file)?;
                Ok((Database::open(file)?, Some(aside)))
            }
            Err(error) => Err(error),
            Ok(database) => Ok((database, None)),
        }
    }

    fn open(file: &Path) -> Result<Database, OpenError> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        for_owner_alone(file)?;
        let connection = Connection::open(file)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        // A page that was half written when the power went is found in the log, or was never there.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "secure_delete", true)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        let whole: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if whole != "ok" {
            let corrupt = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
            return Err(rusqlite::Error::SqliteFailure(corrupt, Some(whole)).into());
        }
        let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        match found {
            0 => make_tables(&connection)?,
            SCHEMA => {}
            found => return Err(OpenError::TooNew { found }),
        }
        Ok(Database { connection })
    }

    /// Writes a message down. One of ours is to be sent.
    pub(super) fn add(&mut self, new: &NewRecord) -> rusqlite::Result<Option<Unsent>> {
        let change = self.connection.transaction()?;
        change
            .prepare(
                "INSERT INTO conversation (account, peer, name) VALUES (?1, ?2, ?3)
                 ON CONFLICT (account, peer) DO UPDATE SET name = coalesce(?3, name)",
            )?
            .execute(params![new.account, new.peer, new.name])?;
        let state = if new.sending.is_some() {
            "sending"
        } else {
            "received"
        };
        let until = new.sending.and_then(|sending| sending.until_unix);
        change
            .prepare(
                "INSERT INTO message (conversation, at_ms, text, state, until_unix, unread)
                 SELECT id, ?3, ?4, ?5, ?6, ?7 FROM conversation WHERE account = ?1 AND peer = ?2",
            )?
            .execute(params![
                new.account,
                new.peer,
                signed(new.at_ms),
                new.text,
                state,
                until.map(signed),
                new.sending.is_none(),
            ])?;
        let id = change.last_insert_rowid();
        change
            .prepare("DELETE FROM message WHERE id <= ?1")?
            .execute([id.saturating_sub(signed(MOST_KEPT))])?;
        change.commit()?;
        Ok(new.sending.map(|sending| Unsent {
            id: id.unsigned_abs(),
            account: new.account,
            peer: new.peer.clone(),
            text: new.text.clone(),
            until_unix: sending.until_unix,
        }))
    }

    /// A message of ours stands otherwise. One that came stays as it is, and so does one that is no
    /// more.
    pub(super) fn change(&mut self, id: u64, state: &RecordState) -> rusqlite::Result<()> {
        let (state, cause, status, reason) = match state {
            RecordState::Received => return Ok(()),
            RecordState::Sending => ("sending", None, None, None),
            RecordState::Waiting { cause } => ("waiting", Some(cause), None, None),
            RecordState::Delivered => ("delivered", None, None, None),
            RecordState::Failed {
                cause,
                status,
                reason,
            } => ("failed", Some(cause), *status, reason.as_ref()),
        };
        self.connection
            .prepare(
                "UPDATE message SET state = ?2, cause = ?3, status = ?4, reason = ?5
                 WHERE id = ?1 AND state <> 'received'",
            )?
            .execute(params![signed(id), state, cause, status, reason])?;
        Ok(())
    }

    /// A message that failed is to be sent again, as a new one at the end of its conversation.
    pub(super) fn again(
        &mut self,
        id: u64,
        sending: Sending,
        at_ms: u64,
    ) -> rusqlite::Result<Option<Unsent>> {
        let found = self
            .connection
            .prepare(
                "SELECT account, peer, text FROM message JOIN conversation
                 ON conversation.id = message.conversation
                 WHERE message.id = ?1 AND state = 'failed'",
            )?
            .query_row([signed(id)], |row| {
                Ok(NewRecord {
                    account: row.get(0)?,
                    peer: row.get(1)?,
                    name: None,
                    text: row.get(2)?,
                    at_ms,
                    sending: Some(sending),
                })
            })
            .optional()?;
        let Some(new) = found else {
            return Ok(None);
        };
        let unsent = self.add(&new)?;
        self.connection
            .prepare("DELETE FROM message WHERE id = ?1")?
            .execute([signed(id)])?;
        Ok(unsent)
    }

    /// All of a conversation has been read.
    pub(super) fn read(&mut self, account: u32, peer: &str) -> rusqlite::Result<()> {
        self.connection
            .prepare(
                "UPDATE message SET unread = 0 WHERE unread = 1 AND conversation =
                 (SELECT id FROM conversation WHERE account = ?1 AND peer = ?2)",
            )?
            .execute(params![account, peer])?;
        Ok(())
    }

    /// Throws a conversation away.
    pub(super) fn forget(&mut self, account: u32, peer: &str) -> rusqlite::Result<()> {
        self.connection.execute(
            "DELETE FROM conversation WHERE account = ?1 AND peer = ?2",
            params![account, peer],
        )?;
        Ok(())
    }

    /// Throws all conversations of an account away.
    pub(super) fn forget_account(&mut self, account: u32) -> rusqlite::Result<()> {
        self.connection
            .execute("DELETE FROM conversation WHERE account = ?1", [account])?;
        Ok(())
    }

    /// What was on its way when the program ended: messages with time left are sent again, the others
    /// may have come there or not.
    pub(super) fn take_up(&mut self, unix: u64) -> rusqlite::Result<Vec<Unsent>> {
        self.connection.execute(
            "UPDATE message SET state = 'failed', cause = 'interrupted'
             WHERE state IN ('sending', 'waiting') AND coalesce(until_unix, 0) <= ?1",
            [signed(unix)],
        )?;
        let mut query = self.connection.prepare(
            "SELECT message.id, account, peer, text, until_unix FROM message JOIN conversation
             ON conversation.id = message.conversation
             WHERE state IN ('sending', 'waiting') ORDER BY message.id LIMIT ?1",
        )?;
        let rows = query.query_map([signed(super::QUEUE as u64)], |row| {
            Ok(Unsent {
                id: row.get::<_, i64>(0)?.unsigned_abs(),
                account: row.get(1)?,
                peer: row.get(2)?,
                text: row.get(3)?,
                until_unix: row.get::<_, Option<i64>>(4)?.map(i64::unsigned_abs),
            })
        })?;
        rows.collect()
    }
}

fn make_tables(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.execute_batch(&format!(
        "BEGIN; {TABLES} PRAGMA user_version = {SCHEMA}; COMMIT;"
    ))
}

/// SQLite's numbers have a sign; ours here are far from where that matters.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What people write to each other is nobody else's on this machine. The log beside the file takes
/// after it.
#[cfg(unix)]
fn for_owner_alone(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let made = options.open(file)?;
    made.set_permissions(fs::Permissions::from_mode(0o600))
}

/// The folder of a person is that person's alone.
#[cfg(not(unix))]
fn for_owner_alone(_: &Path) -> std::io::Result<()> {
    Ok(())
}
