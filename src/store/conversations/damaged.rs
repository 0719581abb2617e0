//! Files that cannot be read any more: put aside, never thrown away.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// What belongs to a database besides its file, by the end of the name.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// Whether an error says that the file is no database, or no longer a whole one.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// Renames a database and what belongs to it; its new name.
///
/// # Errors
/// When the file cannot be renamed.
pub(super) fn put_aside(file: &Path) -> io::Result<PathBuf> {
    let aside = free_name(file);
    fs::rename(file, &aside)?;
    for ending in COMPANIONS {
        let (from, to) = (with_ending(file, ending), with_ending(&aside, ending));
        match fs::rename(from, to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(aside)
}

fn free_name(file: &Path) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let mut number = 1_u32;
    loop {
        let path = file.with_file_name(format!("{stem}.damaged-{number}.db"));
        if !path.exists() || number == u32::MAX {
            return path;
        }
        number += 1;
    }
}

pub(super) fn with_ending(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
