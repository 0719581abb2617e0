//! Passwords in a file, under a passphrase: for systems without a keyring.
//!
//! Argon2id (RFC 9106) makes a key of the passphrase, slowly and with much memory, so that guessing
//! is dear; XChaCha20-Poly1305 seals everything under it, with a nonce by lot for each writing. The
//! head of the file, which says how the key was made, is sealed along. There is no plain form, not
//! even beside the file while it is written.
//!
//! ```text
//! "RAMALSEC" │ 1 │ memory KiB, passes, lanes (3 × u32) │ salt 16 │ nonce 24 │ sealed
//!                                           sealed: (account u32 │ length u32 │ password)*
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand::TryRng;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use super::{SecretError, Secrets};
use crate::redact::Secret;

const MAGIC: &[u8; 8] = b"RAMALSEC";
const FORMAT: u8 = 1;
const SALT: usize = 16;
const NONCE: usize = 24;
/// Magic, format, cost, salt.
const HEAD: usize = MAGIC.len() + 1 + 12 + SALT;
/// Passwords of a person are some hundred bytes; a file of this size is something else.
const MAX_BYTES: u64 = 1 << 20;

/// What a guess costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// RFC 9106 section 4, the second recommendation, for machines with little memory: 64 MiB, three
/// passes. Four lanes, though they run one after the other here.
const USUAL: Cost = Cost {
    memory_kib: 64 * 1024,
    passes: 3,
    lanes: 4,
};
/// What a file may ask for; one that wants more is no file of ours.
const MOST: Cost = Cost {
    memory_kib: 1024 * 1024,
    passes: 16,
    lanes: 16,
};

type Key = Zeroizing<[u8; 32]>;

/// The file, opened by its passphrase. Calls write to disk: for the `keyring` thread only.
pub struct EncryptedFile {
    path: PathBuf,
    cost: Cost,
    salt: [u8; SALT],
    key: Key,
    passwords: BTreeMap<u32, Secret<String>>,
}

/// Nothing of it is for a log.
impl std::fmt::Debug for EncryptedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EncryptedFile").finish_non_exhaustive()
    }
}

impl EncryptedFile {
    /// Opens the file, which is made with the first password that is put if there is none yet.
    ///
    /// # Errors
    /// [`SecretError::WrongPassphrase`], [`SecretError::Damaged`] for what is no such file, and
    /// [`SecretError::File`].
    pub fn open(path: &Path, passphrase: &Secret<String>) -> Result<EncryptedFile, SecretError> {
        EncryptedFile::open_with(path, passphrase, USUAL)
    }

    fn open_with(
        path: &Path,
        passphrase: &Secret<String>,
        cost: Cost,
    ) -> Result<EncryptedFile, SecretError> {
        let bytes = match read(path) {
            Ok(bytes) => bytes,
            Err(SecretError::File(error)) if error.kind() == ErrorKind::NotFound => {
                let salt = by_lot()?;
                return Ok(EncryptedFile {
                    path: path.to_owned(),
                    cost,
                    salt,
                    key: key_of(passphrase, &salt, cost)?,
                    passwords: BTreeMap::new(),
                });
            }
            Err(error) => return Err(error),
        };
        let (head, sealed) = bytes.split_at_checked(HEAD).ok_or(SecretError::Damaged)?;
        let (cost, salt) = read_head(head).ok_or(SecretError::Damaged)?;
        let key = key_of(passphrase, &salt, cost)?;
        let (nonce, sealed) = sealed
            .split_first_chunk::<NONCE>()
            .ok_or(SecretError::Damaged)?;
        let payload = Payload {
            msg: sealed,
            aad: head,
        };
        // A damaged body looks the same as a wrong passphrase; the person is told of the latter,
        // which is the more likely.
        let plain = cipher(&key)
            .decrypt(&XNonce::from(*nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| SecretError::WrongPassphrase)?;
        Ok(EncryptedFile {
            path: path.to_owned(),
            cost,
            salt,
            key,
            passwords: read_passwords(&plain).ok_or(SecretError::Damaged)?,
        })
    }

    /// Writes everything beside the old file and puts it in its place in one step.
    fn save(&self) -> Result<(), SecretError> {
        let head = write_head(self.cost, &self.salt);
        let nonce: [u8; NONCE] = by_lot()?;
        let plain = write_passwords(&self.passwords);
        let payload = Payload {
            msg: plain.as_slice(),
            aad: &head,
        };
        let sealed = cipher(&self.key)
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| SecretError::Damaged)?;
        write(&self.path, &[&head, nonce.as_slice(), &sealed].concat()).map_err(SecretError::File)
    }

    /// Keeps a change only if it is on disk.
    fn change(
        &mut self,
        account: u32,
        password: Option<Secret<String>>,
    ) -> Result<(), SecretError> {
        let before = match password {
            Some(password) => self.passwords.insert(account, password),
            None => self.passwords.remove(&account),
        };
        let saved = self.save();
        if saved.is_err() {
            match before {
                Some(before) => self.passwords.insert(account, before),
                None => self.passwords.remove(&account),
            };
        }
        saved
    }
}

impl Secrets for EncryptedFile {
    fn put(&mut self, account: u32, password: &Secret<String>) -> Result<(), SecretError> {
        self.change(account, Some(password.clone()))
    }

    fn find(&mut self, account: u32) -> Result<Option<Secret<String>>, SecretError> {
        Ok(self.passwords.get(&account).cloned())
    }

    fn remove(&mut self, account: u32) -> Result<(), SecretError> {
        if self.passwords.contains_key(&account) {
            self.change(account, None)?;
        }
        Ok(())
    }
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&**key).into())
}

fn key_of(passphrase: &Secret<String>, salt: &[u8; SALT], cost: Cost) -> Result<Key, SecretError> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32));
    let argon = Argon2::new(
        Algorithm::Argon2id,
        Version::V0x13,
        params.map_err(|_| SecretError::Damaged)?,
    );
    let mut key = Zeroizing::new([0; 32]);
    argon
        .hash_password_into(passphrase.reveal().as_bytes(), salt, key.as_mut_slice())
        .map_err(|_| SecretError::Damaged)?;
    Ok(key)
}

fn by_lot<const N: usize>() -> Result<[u8; N], SecretError> {
    let mut bytes = [0; N];
    SysRng
        .try_fill_bytes(&mut bytes)
        .map_err(|error| SecretError::File(io::Error::other(error)))?;
    Ok(bytes)
}

fn read(path: &Path) -> Result<Vec<u8>, SecretError> {
    if fs::metadata(path).map_err(SecretError::File)?.len() > MAX_BYTES {
        return Err(SecretError::Damaged);
    }
    fs::read(path).map_err(SecretError::File)
}

fn read_head(head: &[u8]) -> Option<(Cost, [u8; SALT])> {
    let rest = head.strip_prefix(MAGIC)?.strip_prefix(&[FORMAT])?;
    let (memory, rest) = number(rest)?;
    let (passes, rest) = number(rest)?;
    let (lanes, rest) = number(rest)?;
    let cost = Cost {
        memory_kib: memory,
        passes,
        lanes,
    };
    let fits = memory <= MOST.memory_kib && passes <= MOST.passes && lanes <= MOST.lanes;
    fits.then_some((cost, rest.try_into().ok()?))
}

fn write_head(cost: Cost, salt: &[u8; SALT]) -> Vec<u8> {
    let mut head = MAGIC.to_vec();
    head.push(FORMAT);
    for number in [cost.memory_kib, cost.passes, cost.lanes] {
        head.extend(number.to_le_bytes());
    }
    head.extend(salt);
    head
}

fn read_passwords(mut plain: &[u8]) -> Option<BTreeMap<u32, Secret<String>>> {
    let mut passwords = BTreeMap::new();
    while !plain.is_empty() {
        let (account, rest) = number(plain)?;
        let (length, rest) = number(rest)?;
        let (password, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        let password = std::str::from_utf8(password).ok()?;
        passwords.insert(account, Secret::from(password));
        plain = rest;
    }
    Some(passwords)
}

fn write_passwords(passwords: &BTreeMap<u32, Secret<String>>) -> Zeroizing<Vec<u8>> {
    let length = |password: &Secret<String>| 8 + password.reveal().len();
    // All of it at once: what grows leaves copies behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(passwords.values().map(length).sum()));
    for (account, password) in passwords {
        let password = password.reveal().as_bytes();
        let Ok(length) = u32::try_from(password.len()) else {
            continue;
        };
        plain.extend(account.to_le_bytes());
        plain.extend(length.to_le_bytes());
        plain.extend(password);
    }
    plain
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*number), rest))
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quick enough for tests.
    const CHEAP: Cost = Cost {
        memory_kib: 64,
        passes: 1,
        lanes: 1,
    };

    fn open(path: &Path, passphrase: &str) -> Result<EncryptedFile, SecretError> {
        EncryptedFile::open_with(path, &passphrase.into(), CHEAP)
    }

    fn place() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep").join("passwords.sealed");
        (folder, path)
    }

    #[test]
    fn passwords_come_back_by_the_passphrase_and_by_no_other() {
        let (_folder, path) = place();
        let mut file = open(&path, "correct horse").unwrap();
        file.put(1, &"s3cret".into()).unwrap();
        file.put(7, &"outra é".into()).unwrap();
        file.put(1, &"s4cret".into()).unwrap();
        let mut again = open(&path, "correct horse").unwrap();
        assert_eq!(again.find(1).unwrap(), Some("s4cret".into()));
        assert_eq!(again.find(7).unwrap(), Some("outra é".into()));
        assert_eq!(again.find(2).unwrap(), None);
        for wrong in ["correct horse ", "", "Correct horse"] {
            let refused = open(&path, wrong).unwrap_err();
            assert!(matches!(refused, SecretError::WrongPassphrase), "{refused}");
        }
        again.remove(1).unwrap();
        let mut third = open(&path, "correct horse").unwrap();
        assert_eq!(third.find(1).unwrap(), None);
        assert_eq!(third.find(7).unwrap(), Some("outra é".into()));
    }

    #[test]
    fn nothing_in_the_folder_is_plain_and_nothing_is_left_beside_the_file() {
        let (_folder, path) = place();
        let mut file = open(&path, "correct horse").unwrap();
        assert!(!path.exists(), "nothing was put");
        file.put(1, &"plainly visible".into()).unwrap();
        let first = fs::read(&path).unwrap();
        file.put(1, &"plainly visible".into()).unwrap();
        let second = fs::read(&path).unwrap();
        assert_ne!(
            first[HEAD..],
            second[HEAD..],
            "a nonce of its own each time"
        );
        let entries = fs::read_dir(path.parent().unwrap()).unwrap();
        let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["passwords.sealed"]);
        for bytes in [first, second] {
            let shown = String::from_utf8_lossy(&bytes).into_owned();
            assert!(
                !shown.contains("visible") && !shown.contains("horse"),
                "{shown}"
            );
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert!(!format!("{file:?}").contains("visible"));
    }

    #[test]
    fn what_was_changed_or_cut_is_refused_and_left_as_it_is() {
        let (_folder, path) = place();
        open(&path, "pass").unwrap().put(1, &"x".into()).unwrap();
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            // Not the cost: a larger one only takes longer to be wrong.
            if (9..21).contains(&at) {
                continue;
            }
            damaged[at] ^= 1;
            fs::write(&path, &damaged).unwrap();
            open(&path, "pass").unwrap_err();
            assert_eq!(fs::read(&path).unwrap(), damaged);
        }
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            open(&path, "pass").unwrap_err();
        }
    }

    #[test]
    fn a_file_that_asks_for_absurd_work_is_not_opened() {
        let (_folder, path) = place();
        open(&path, "pass").unwrap().put(1, &"x".into()).unwrap();
        let mut hungry = fs::read(&path).unwrap();
        hungry[9..13].copy_from_slice(&u32::MAX.to_le_bytes());
        fs::write(&path, &hungry).unwrap();
        assert!(matches!(open(&path, "pass"), Err(SecretError::Damaged)));
    }

    #[test]
    fn what_cannot_be_written_is_not_kept() {
        let (folder, path) = place();
        // A file where the folder should be.
        fs::write(folder.path().join("deep"), b"").unwrap();
        let salt = [0; SALT];
        let mut file = EncryptedFile {
            path,
            cost: CHEAP,
            salt,
            key: key_of(&"pass".into(), &salt, CHEAP).unwrap(),
            passwords: BTreeMap::new(),
        };
        assert!(matches!(
            file.put(1, &"x".into()),
            Err(SecretError::File(_))
        ));
        assert_eq!(file.find(1).unwrap(), None);
    }

    /// The third test vector of RFC 9106 (section 5.3) has a secret and associated data, which are
    /// not used here; this one is of the reference implementation's own tests.
    #[test]
    fn the_key_is_that_of_argon2id() {
        let params = Params::new(64 * 1024, 2, 1, Some(32)).unwrap();
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut key = [0; 32];
        argon
            .hash_password_into(b"password", b"somesalt", &mut key)
            .unwrap();
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"
        );
    }
}
