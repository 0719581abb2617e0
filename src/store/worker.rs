//! The `store` and `keyring` threads: a disk may take seconds, and a keyring for as long as it
//! takes a person to unlock it. Nobody else waits for them, nor one for the other.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{SecretPlace, Secrets, Settings, SettingsFile};
use crate::redact::Secret;

/// Orders that may wait; one more is refused.
const QUEUE: usize = 32;

/// How long the end of the program waits for a keyring that asks its person.
const KEYRING: Duration = Duration::from_secs(2);

/// What the store shall do.
#[derive(Debug)]
pub enum Order {
    /// Write the settings.
    Save(Box<Settings>),
    /// Keep a password.
    Put {
        /// The account's number in the settings.
        account: u32,
        /// Its password.
        password: Secret<String>,
    },
    /// Look for a password.
    Find {
        /// The account's number in the settings.
        account: u32,
    },
    /// Forget a password.
    Remove {
        /// The account's number in the settings.
        account: u32,
    },
    /// Keep passwords there from here on.
    Choose {
        /// Where.
        place: SecretPlace,
        /// What the file is, or will be, opened by.
        passphrase: Option<Secret<String>>,
    },
}

/// What became of an order.
#[derive(Debug)]
pub enum Answer {
    /// The settings are on disk, or not.
    Saved(Result<(), super::SaveError>),
    /// The password is kept, or not.
    Kept {
        /// The account's number in the settings.
        account: u32,
        /// Whether it is.
        outcome: Result<(), super::SecretError>,
    },
    /// What was found.
    Found {
        /// The account's number in the settings.
        account: u32,
        /// `None`: no password is kept.
        password: Result<Option<Secret<String>>, super::SecretError>,
    },
    /// Passwords are kept there from here on, or where they were.
    Chosen {
        /// Where they were to be.
        place: SecretPlace,
        /// Whether they are.
        outcome: Result<(), super::SecretError>,
    },
}

/// The threads, as long as this lives. Dropping it waits for the settings to be on disk, and for
/// the keyring only as long as [`KEYRING`].
#[derive(Debug)]
pub struct Worker {
    disk: Queue,
    keyring: Queue,
}

/// One thread and its orders.
#[derive(Debug)]
struct Queue {
    orders: Option<SyncSender<Order>>,
    thread: Option<JoinHandle<()>>,
    /// Disconnected when the thread has done everything.
    done: Receiver<()>,
}

impl Queue {
    fn start(name: &str, mut work: impl FnMut(Order) + Send + 'static) -> std::io::Result<Queue> {
        let (orders, queue) = sync_channel(QUEUE);
        let (working, done) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name(name.into())
            .spawn(move || {
                let _working: SyncSender<()> = working;
                while let Ok(mut order) = queue.recv() {
                    // Of settings that wait only the newest matter: a volume that is drawn along
                    // changes with each frame of the screen.
                    while matches!(order, Order::Save(_))
                        && let Ok(newer) = queue.try_recv()
                    {
                        order = newer;
                    }
                    work(order);
                }
            })?;
        Ok(Queue {
            orders: Some(orders),
            thread: Some(thread),
            done,
        })
    }

    fn give(&self, order: Order) -> Result<(), Order> {
        match &self.orders {
            Some(orders) => orders.try_send(order).map_err(|error| match error {
                TrySendError::Full(order) | TrySendError::Disconnected(order) => order,
            }),
            None => Err(order),
        }
    }

    /// Lets it finish its orders; `false`: it has not within `patience`, and is left to itself.
    fn finish(&mut self, patience: Option<Duration>) -> bool {
        self.orders = None;
        let hangs = patience.is_some_and(|patience| {
            self.done.recv_timeout(patience) == Err(RecvTimeoutError::Timeout)
        });
        if hangs {
            return false;
        }
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by the panic hook.
            let _ = thread.join();
        }
        true
    }
}

impl Worker {
    /// Starts the threads. `answer` is called on them.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        file: Option<SettingsFile>,
        mut secrets: Box<dyn Secrets>,
        answer: impl Fn(Answer) + Clone + Send + 'static,
    ) -> std::io::Result<Worker> {
        let saved = answer.clone();
        let disk = Queue::start("store", move |order| {
            if let Order::Save(settings) = order {
                let file = file.as_ref();
                saved(Answer::Saved(
                    file.map_or(Ok(()), |file| file.save(&settings)),
                ));
            }
        })?;
        let keyring = Queue::start("keyring", move |order| match order {
            Order::Save(_) => {}
            Order::Put { account, password } => {
                let outcome = secrets.put(account, &password);
                answer(Answer::Kept { account, outcome });
            }
            Order::Find { account } => {
                let password = secrets.find(account);
                answer(Answer::Found { account, password });
            }
            Order::Choose { place, passphrase } => {
                let outcome = secrets.choose(place, passphrase.as_ref());
                answer(Answer::Chosen { place, outcome });
            }
            Order::Remove { account } => {
                if let Err(error) = secrets.remove(account) {
                    tracing::warn!(account, "a password stays in the keyring: {error}");
                }
            }
        })?;
        Ok(Worker { disk, keyring })
    }

    /// Gives an order without waiting; handed back when the queue is full.
    ///
    /// # Errors
    /// The order, when it was not taken.
    pub fn give(&self, order: Order) -> Result<(), Order> {
        match order {
            Order::Save(_) => self.disk.give(order),
            Order::Put { .. }
            | Order::Find { .. }
            | Order::Remove { .. }
            | Order::Choose { .. } => self.keyring.give(order),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.disk.finish(None);
        if !self.keyring.finish(Some(KEYRING)) {
            tracing::warn!("the keyring does not answer: left waiting");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::SessionSecrets;
    use super::*;

    #[test]
    fn a_password_is_found_until_it_is_removed() {
        let (tell, told) = sync_channel(8);
        let worker = Worker::start(None, Box::<SessionSecrets>::default(), move |answer| {
            tell.send(answer).unwrap();
        })
        .unwrap();
        worker
            .give(Order::Put {
                account: 3,
                password: "s3cret".into(),
            })
            .unwrap();
        worker.give(Order::Find { account: 3 }).unwrap();
        worker.give(Order::Remove { account: 3 }).unwrap();
        worker.give(Order::Find { account: 3 }).unwrap();
        drop(worker);
        let answers: Vec<_> = told.iter().collect();
        assert!(matches!(
            &answers[0],
            Answer::Kept {
                account: 3,
                outcome: Ok(())
            }
        ));
        let found = |answer: &Answer| match answer {
            Answer::Found {
                password: Ok(password),
                ..
            } => password.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(found(&answers[1]), Some("s3cret".into()));
        assert_eq!(found(&answers[2]), None);
    }

    /// A keyring that waits for its person.
    #[derive(Debug)]
    struct Locked(Receiver<()>);

    impl Secrets for Locked {
        fn find(&mut self, _: u32) -> Result<Option<Secret<String>>, super::super::SecretError> {
            let _ = self.0.recv();
            Ok(None)
        }

        fn put(&mut self, _: u32, _: &Secret<String>) -> Result<(), super::super::SecretError> {
            Ok(())
        }

        fn remove(&mut self, _: u32) -> Result<(), super::super::SecretError> {
            Ok(())
        }
    }

    #[test]
    fn settings_are_saved_and_the_program_ends_though_the_keyring_waits() {
        let folder = tempfile::tempdir().unwrap();
        let (unlock, locked) = sync_channel(1);
        let file = SettingsFile::in_folder(folder.path());
        let path = file.path().to_owned();
        let worker = Worker::start(Some(file), Box::new(Locked(locked)), |_| ()).unwrap();
        worker.give(Order::Find { account: 1 }).unwrap();
        worker.give(Order::Save(Box::default())).unwrap();
        drop(worker);
        assert!(path.exists());
        drop(unlock);
    }
}
