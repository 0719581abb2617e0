//! `ramal watch`: what others do, told as it changes.

use std::collections::{BTreeMap, BTreeSet};

use super::args::{EventArg, WatchArgs};
use super::exit::{self, Exit};
use super::run::{Run, Wish};
use super::setup::{self, Misuse};
use crate::agent::{self, AccountState, Event as PhoneEvent, Package, WatchId, WatchState};
use crate::engine::{Command, Event, clock};
use crate::i18n::Words;

/// `ramal watch`.
pub(super) fn run(words: Words, args: &WatchArgs) -> Result<Exit, Misuse> {
    let mut account = setup::account(&args.account)?;
    for uri in &args.uris {
        setup::dialable(uri, &account)?;
    }
    // As for a call: who names a registrar, or an account of the settings, wants a binding.
    account.register &= args.account.registrar.is_some() || args.account.account.is_some();
    let config = setup::engine(&args.account, None)?;
    let mut run = Run::start(words, config, args.json)?;
    if let Some(duration) = args.duration {
        let end = clock::now() + duration.0;
        run.at(end, Wish::Leave);
    }
    run.ends_with(Exit::Network);
    let id = account.id;
    run.ask(Command::Phone(agent::Command::AddAccount(Box::new(
        account,
    ))));
    let package = match args.event {
        EventArg::Dialog => Package::Dialog,
        EventArg::Presence => Package::Presence,
        EventArg::MessageSummary => Package::MessageSummary,
    };
    let mut watches = Vec::new();
    for (number, uri) in (0..).zip(&args.uris) {
        let watch = WatchId(number);
        run.watches(watch, uri, package);
        watches.push(agent::Command::Watch {
            watch,
            account: id,
            target: uri.clone(),
            package,
        });
    }
    run.ask(Command::PhoneAll(watches));
    let mut untold: BTreeSet<WatchId> = (0..).take(args.uris.len()).map(WatchId).collect();
    // Those that nobody will tell of any more, and why.
    let mut failed: BTreeMap<WatchId, Exit> = BTreeMap::new();
    let once = args.once;
    let all = args.uris.len();
    Ok(run.finish(move |run, stamped| {
        let Event::Phone(event) = &stamped.event else {
            return;
        };
        match event {
            PhoneEvent::Account {
                state:
                    AccountState::Failed {
                        cause,
                        retry_at: None,
                        ..
                    },
                ..
            } => run.leave(exit::of_registration(*cause)),
            PhoneEvent::Lamp { watch, .. }
            | PhoneEvent::Presence { watch, .. }
            | PhoneEvent::Messages {
                watch: Some(watch), ..
            } => {
                run.ends_with(Exit::Well);
                failed.remove(watch);
                untold.remove(watch);
            }
            PhoneEvent::Watch {
                watch,
                state:
                    WatchState::Failed {
                        cause, retry_at, ..
                    },
            } if once || retry_at.is_none() => {
                failed.insert(*watch, exit::of_watch(*cause));
                untold.remove(watch);
            }
            PhoneEvent::Refused { .. } => run.leave(Exit::Usage),
            _ => return,
        }
        // One that failed is what a script wants to know of.
        let worst = failed.values().next().copied();
        if (once && untold.is_empty()) || failed.len() == all {
            run.leave(worst.unwrap_or(Exit::Well));
        }
    }))
}
