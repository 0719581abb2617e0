//! `ramal call`, `answer` and `register`: an engine, a script, and a report of what happens.

use std::collections::{BTreeSet, VecDeque};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::args::{AnswerArgs, CallArgs, PresenceArg, RegisterArgs, ScriptArgs, UriAt};
use super::exit::{self, Exit};
use super::keys::{Keys, Typed};
use super::reception;
use super::report::Report;
use super::setup::{self, Misuse};
use crate::agent::{
    self, AccountId, AccountState, Availability, CallId, EndCause, Event as PhoneEvent, Package,
    WatchId,
};
use crate::engine::{self, Command, Event, Handle, Stamped, clock};
use crate::i18n::Words;
use crate::resident;
use crate::sip::StatusCode;

/// The call that `ramal call` makes.
const CALL: CallId = CallId(1);
/// How long hanging up and unregistering may take before the process ends anyhow: the time in
/// which SIP gives up on an answer.
const FAREWELL: Duration = Duration::from_secs(33);
/// The one that it consults before a transfer, or brings in.
const CONSULTED: CallId = CallId(2);
/// How long the two talk before the transfer.
const CONSULTATION: Duration = Duration::from_secs(2);
/// How long a call may be silent at its beginning and still count as heard: what is between the
/// answer and the first packet on a slow path.
const HEARING: Duration = Duration::from_secs(2);

/// How long after the start, an answer or an end what these alone needed of the program may stay in
/// memory: by then the exchange is over, also where the network is slow.
const SETTLED: Duration = Duration::from_secs(2);

/// How often the keyboard is looked at.
const KEYS: Duration = Duration::from_millis(50);

/// One run: the engine, what it says, and what is still to be done.
pub(super) struct Run {
    handle: Handle,
    events: Receiver<Stamped>,
    report: Report,
    /// Wishes of the script and their moments, soonest last.
    due: Vec<(Instant, Wish)>,
    pub(super) leaving: bool,
    outcome: Option<Exit>,
    /// What it ends with if nothing decides otherwise.
    otherwise: Exit,
    /// The keyboard, where a person may steer the calls.
    keys: Option<Keys>,
    /// Calls that ring here and wait for a key, oldest first.
    ringing: VecDeque<CallId>,
    /// The call that was answered last, while it lasts.
    talking: Option<CallId>,
    /// Calls that have not ended.
    under_way: BTreeSet<CallId>,
    /// The account of the calls that are made.
    account: Option<AccountId>,
    /// The call that is handed to whom [`CONSULTED`] reaches, or meets it.
    consulted_for: Option<(CallId, Meeting)>,
}

/// What comes of a consultation.
#[derive(Clone, Copy)]
enum Meeting {
    Transfer,
    Conference,
}

/// Something to do at a moment.
pub(super) enum Wish {
    Phone(agent::Command),
    Join(CallId, CallId),
    Beep,
    Leave,
    GiveBack,
}

impl Run {
    pub(super) fn start(
        words: Words,
        config: engine::EngineConfig,
        json: bool,
    ) -> Result<Run, Misuse> {
        let started = clock::now();
        let (handle, events) = engine::start(config)?;
        let report = Report::new(started, json, words);
        let mut run = Run {
            handle,
            events,
            report,
            due: Vec::new(),
            leaving: false,
            outcome: None,
            otherwise: Exit::Well,
            keys: None,
            ringing: VecDeque::new(),
            talking: None,
            under_way: BTreeSet::new(),
            account: None,
            consulted_for: None,
        };
        run.at(started + SETTLED, Wish::GiveBack);
        Ok(run)
    }

    /// Lets the person steer the calls from the keyboard, if there is one.
    fn listen_to_keys(&mut self, json: bool) {
        if !json {
            self.keys = Keys::listen();
        }
    }

    /// Does what was typed.
    fn obey(&mut self, typed: Typed) {
        let wish = match (typed, self.ringing.front().copied(), self.talking) {
            (Typed::Answer, Some(call), _) => agent::Command::Answer(call),
            (Typed::End, Some(call), _) => agent::Command::Reject {
                call,
                status: StatusCode::BUSY_HERE,
            },
            (Typed::End, None, Some(call)) => agent::Command::HangUp(call),
            (Typed::Digits(digits), _, Some(call)) => agent::Command::SendDtmf { call, digits },
            (Typed::Answer | Typed::Digits(_) | Typed::End, ..) => return,
        };
        self.ask(Command::Phone(wish));
    }

    /// Keeps in mind which call the keys are for.
    fn follow(&mut self, event: &PhoneEvent) {
        match event {
            PhoneEvent::Calling { call, account, .. }
            | PhoneEvent::Incoming { call, account, .. } => {
                self.under_way.insert(*call);
                self.account = Some(*account);
            }
            PhoneEvent::Answered { call, .. } => {
                self.ringing.retain(|other| other != call);
                self.talking = Some(*call);
                self.at(clock::now() + SETTLED, Wish::GiveBack);
                if self.keys.is_some() {
                    self.report.hint_talking();
                }
            }
            PhoneEvent::Ended { call, .. } => {
                self.under_way.remove(call);
                self.ringing.retain(|other| other != call);
                self.talking = self.talking.filter(|other| other != call);
                self.at(clock::now() + SETTLED, Wish::GiveBack);
            }
            _ => {}
        }
    }

    /// What it ends with if nothing decides otherwise.
    pub(super) fn ends_with(&mut self, otherwise: Exit) {
        self.otherwise = otherwise;
    }

    /// A watch is about to be asked for.
    pub(super) fn watches(&mut self, watch: WatchId, uri: &str, package: Package) {
        self.report.watches(watch, uri, package);
    }

    pub(super) fn ask(&mut self, command: Command) {
        if self.handle.send(command).is_err() {
            self.outcome.get_or_insert(Exit::Bug);
        }
    }

    pub(super) fn at(&mut self, at: Instant, wish: Wish) {
        let place = self.due.partition_point(|(other, _)| *other > at);
        self.due.insert(place, (at, wish));
    }

    /// What it ends with if nothing decides otherwise.
    pub(super) fn otherwise(&mut self, exit: Exit) {
        self.otherwise = exit;
    }

    /// Ends everything well; what has been decided of the exit code stays.
    pub(super) fn leave(&mut self, outcome: Exit) {
        self.outcome.get_or_insert(outcome);
        self.say_goodbye();
    }

    /// Ends everything well; what comes of it decides the exit code.
    fn say_goodbye(&mut self) {
        if !std::mem::replace(&mut self.leaving, true) {
            self.ask(Command::Quit);
            self.at(clock::now() + FAREWELL, Wish::Leave);
        }
    }

    /// The script of an answered call.
    fn follow_script(&mut self, answered: Instant, call: CallId, script: &ScriptArgs) {
        if call == CONSULTED
            && let Some((call, meeting)) = self.consulted_for.take()
        {
            let other = CONSULTED;
            match meeting {
                Meeting::Transfer => self.at(
                    answered + CONSULTATION,
                    Wish::Phone(agent::Command::TransferTo { call, other }),
                ),
                Meeting::Conference => self.at(answered, Wish::Join(call, other)),
            }
            return;
        }
        for dtmf in &script.dtmf {
            let digits = dtmf.digits.clone();
            self.at(
                answered + dtmf.at,
                Wish::Phone(agent::Command::SendDtmf { call, digits }),
            );
        }
        for at in &script.hold_at {
            self.at(answered + at.0, Wish::Phone(agent::Command::Hold(call)));
        }
        for at in &script.resume_at {
            self.at(answered + at.0, Wish::Phone(agent::Command::Resume(call)));
        }
        if let Some(UriAt { uri, at }) = &script.transfer {
            let target = uri.clone();
            self.at(
                answered + *at,
                Wish::Phone(agent::Command::Transfer { call, target }),
            );
        }
        let attended = script.attended.as_ref().map(|it| (it, Meeting::Transfer));
        let conference = script.conference.as_ref();
        let conference = conference.map(|it| (it, Meeting::Conference));
        if let Some((UriAt { uri, at }, meeting)) = attended.or(conference)
            && let Some(account) = self.account
        {
            let consult = agent::Command::Dial {
                account,
                call: CONSULTED,
                target: uri.clone(),
            };
            self.at(answered + *at, Wish::Phone(agent::Command::Hold(call)));
            self.at(answered + *at, Wish::Phone(consult));
            self.consulted_for = Some((call, meeting));
        }
        if let Some(duration) = script.duration {
            self.at(
                answered + duration.0,
                Wish::Phone(agent::Command::HangUp(call)),
            );
        }
    }

    /// Goes on until the engine has stopped. `on_event` decides what each event means.
    pub(super) fn finish(mut self, mut on_event: impl FnMut(&mut Run, &Stamped)) -> Exit {
        loop {
            let now = clock::now();
            while self.due.last().is_some_and(|(at, _)| *at <= now) {
                match self.due.pop() {
                    Some((_, Wish::Phone(command))) => self.ask(Command::Phone(command)),
                    Some((_, Wish::Join(call, other))) => self.ask(Command::Join { call, other }),
                    Some((_, Wish::Leave)) if self.leaving => {
                        // The far side never answered our goodbye.
                        return self.outcome.unwrap_or(Exit::Network);
                    }
                    Some((_, Wish::Leave)) => self.say_goodbye(),
                    Some((_, Wish::Beep)) => self.ask(Command::Beep),
                    Some((_, Wish::GiveBack)) => resident::give_back(),
                    None => break,
                }
            }
            while let Some(typed) = self.keys.as_ref().and_then(Keys::next) {
                self.obey(typed);
            }
            let due = self.due.last().map(|(at, _)| *at);
            let keys = self.keys.as_ref().map(|_| now + KEYS);
            let next = [due, keys]
                .into_iter()
                .flatten()
                .min()
                .map(|at| at.saturating_duration_since(now));
            let received = match next {
                Some(wait) => self.events.recv_timeout(wait),
                None => self
                    .events
                    .recv()
                    .map_err(|_| RecvTimeoutError::Disconnected),
            };
            match received {
                Ok(stamped) => {
                    if matches!(stamped.event, Event::Stopped) {
                        self.report.summary(stamped.at);
                        return self.outcome.unwrap_or(self.otherwise);
                    }
                    self.report.take(&stamped);
                    if let Event::Phone(event) = &stamped.event {
                        self.follow(event);
                    }
                    if matches!(stamped.event, Event::Interrupted) {
                        self.say_goodbye();
                    }
                    on_event(&mut self, &stamped);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Exit::Bug,
            }
        }
    }
}

/// `ramal call`.
pub(super) fn call(words: Words, args: &CallArgs) -> Result<Exit, Misuse> {
    let mut account = setup::account(&args.account)?;
    setup::dialable(&args.uri, &account)?;
    // A call needs no binding; who names a registrar, or an account of the settings, wants one.
    account.register &= args.account.registrar.is_some() || args.account.account.is_some();
    let mut config = setup::engine(&args.account, Some(&args.sound))?;
    let has_devices = setup::has_devices(&config.media)?;
    if let Some(limit) = args.no_answer {
        config.agent.no_answer_after = limit.0;
    }
    let registers = account.register;
    let id = account.id;
    let mut run = Run::start(words, config, args.script.json)?;
    run.listen_to_keys(args.script.json);
    if !has_devices {
        run.report.no_device();
    }
    run.ask(Command::Phone(agent::Command::AddAccount(Box::new(
        account,
    ))));
    // Who gives up before anybody answered was not answered.
    run.otherwise = Exit::NoAnswer;
    let dial = |run: &mut Run| {
        let target = args.uri.clone();
        run.report.dialled(clock::now(), CALL);
        let (account, call) = (id, CALL);
        run.ask(Command::Phone(if args.anonymous {
            agent::Command::DialAnonymously {
                account,
                call,
                target,
            }
        } else {
            agent::Command::Dial {
                account,
                call,
                target,
            }
        }));
    };
    if !registers {
        dial(&mut run);
    }
    let mut dialled = !registers;
    Ok(run.finish(|run, stamped| {
        let Event::Phone(event) = &stamped.event else {
            return;
        };
        match event {
            PhoneEvent::Account {
                state: AccountState::Registered { .. },
                ..
            } if !dialled => {
                dialled = true;
                if !run.leaving {
                    dial(run);
                }
            }
            PhoneEvent::Account {
                state: AccountState::Failed { cause, .. },
                ..
            } if !dialled => {
                run.leave(exit::of_registration(*cause));
            }
            PhoneEvent::Answered { call, .. } if matches!(*call, CALL | CONSULTED) => {
                run.follow_script(stamped.at, *call, &args.script);
            }
            // One that the far side handed us to: its script has been gone through, but for the end.
            PhoneEvent::Answered { call, .. } => {
                if let Some(duration) = args.script.duration {
                    let end = Wish::Phone(agent::Command::HangUp(*call));
                    run.at(stamped.at + duration.0, end);
                }
            }
            PhoneEvent::TransferAsked { call, .. } if args.script.accept_transfers => {
                run.ask(Command::Phone(agent::Command::AcceptTransfer(*call)));
            }
            // Others follow from it, or it was made for another.
            PhoneEvent::Ended { .. } if !run.under_way.is_empty() => {}
            PhoneEvent::Ended { call, end } => {
                run.leave(exit::of_call(end, run.report.heard(*call, HEARING)));
            }
            PhoneEvent::Refused { .. } if !run.report.answered(CALL) => run.leave(Exit::Usage),
            _ => {}
        }
    }))
}

/// `ramal answer`.
pub(super) fn answer(words: Words, args: &AnswerArgs) -> Result<Exit, Misuse> {
    let mut account = setup::account(&args.account)?;
    if let Some(most) = args.max_calls {
        account.max_calls = usize::try_from(most).unwrap_or(usize::MAX);
    }
    reception::apply(&args.reception, &mut account)?;
    let config = setup::engine(&args.account, Some(&args.sound))?;
    let has_devices = setup::has_devices(&config.media)?;
    let mut run = Run::start(words, config, args.script.json)?;
    run.listen_to_keys(args.script.json);
    if !has_devices {
        run.report.no_device();
    }
    let decided = args.auto_answer.is_some() || args.reject.is_some();
    // Who sits at the keyboard decides; where nobody does, every call is answered, unless some rule
    // is waited for that does something about it.
    let by_hand = run.keys.is_some() && !decided;
    let by_rules = !decided && args.reception.waits();
    let registers = account.register;
    run.ask(Command::Phone(agent::Command::AddAccount(Box::new(
        account,
    ))));
    let mut registered = !registers;
    let mut left = args.max_calls;
    Ok(run.finish(|run, stamped| {
        let Event::Phone(event) = &stamped.event else {
            return;
        };
        match event {
            PhoneEvent::Account {
                state: AccountState::Registered { .. },
                ..
            } => {
                registered = true;
            }
            PhoneEvent::Account {
                state: AccountState::Failed { cause, .. },
                ..
            } if !registered => {
                run.leave(exit::of_registration(*cause));
            }
            PhoneEvent::Incoming { call, .. } if by_hand => {
                run.ringing.push_back(*call);
                run.report.hint_ringing();
            }
            PhoneEvent::Incoming { .. } if by_rules => {}
            PhoneEvent::TurnedAway { .. } => {
                left = left.map(|left| left.saturating_sub(1));
                if left == Some(0) && run.under_way.is_empty() {
                    run.leave(Exit::Well);
                }
            }
            PhoneEvent::Incoming { call, .. } => {
                let wish = match args.reject.and_then(StatusCode::new) {
                    Some(status) => agent::Command::Reject {
                        call: *call,
                        status,
                    },
                    None => agent::Command::Answer(*call),
                };
                let delay = args.auto_answer.map_or(Duration::ZERO, |delay| delay.0);
                let answers = matches!(wish, agent::Command::Answer(_));
                run.at(stamped.at + delay, Wish::Phone(wish));
                if answers && args.reception.beep {
                    run.at(stamped.at + delay, Wish::Beep);
                }
            }
            PhoneEvent::Answered { call, .. } => {
                run.follow_script(stamped.at, *call, &args.script);
            }
            PhoneEvent::TransferAsked { call, .. } if args.script.accept_transfers => {
                run.ask(Command::Phone(agent::Command::AcceptTransfer(*call)));
            }
            PhoneEvent::Ended { call, end } => {
                // What another call goes on for is not over.
                let goes_on = matches!(end.cause, EndCause::Replaced | EndCause::Transferred)
                    && !run.under_way.is_empty();
                if !goes_on {
                    left = left.map(|left| left.saturating_sub(1));
                }
                if left == Some(0) && run.under_way.is_empty() {
                    let sent_on = end.cause == EndCause::Forwarded;
                    let outcome = if args.reject.is_some() || sent_on {
                        Exit::Well
                    } else {
                        exit::of_call(end, run.report.heard(*call, HEARING))
                    };
                    run.leave(outcome);
                }
            }
            _ => {}
        }
    }))
}

/// `ramal register`.
pub(super) fn register(words: Words, args: &RegisterArgs) -> Result<Exit, Misuse> {
    let account = setup::account(&args.account)?;
    if !account.register {
        return Err(Misuse::told("cli-register-needs-account"));
    }
    let config = setup::engine(&args.account, None)?;
    let mut run = Run::start(words, config, args.json)?;
    if let Some(duration) = args.duration {
        let end = clock::now() + duration.0;
        run.at(end, Wish::Leave);
    }
    run.otherwise = Exit::Network;
    let id: AccountId = account.id;
    run.ask(Command::Phone(agent::Command::AddAccount(Box::new(
        account,
    ))));
    if let Some(presence) = args.presence {
        let availability = match presence {
            PresenceArg::Available => Availability::Available,
            PresenceArg::Busy => Availability::Busy,
            PresenceArg::Away => Availability::Away,
        };
        run.ask(Command::Phone(agent::Command::Publish {
            account: id,
            availability: Some(availability),
        }));
    }
    Ok(run.finish(|run, stamped| {
        let Event::Phone(PhoneEvent::Account { account, state }) = &stamped.event else {
            return;
        };
        if *account != id {
            return;
        }
        match state {
            AccountState::Registered { .. } if args.once => run.leave(Exit::Well),
            AccountState::Registered { .. } => run.otherwise = Exit::Well,
            // What only the person can mend is not tried again, so nothing is to be waited for.
            AccountState::Failed {
                cause, retry_at, ..
            } if args.once || retry_at.is_none() => {
                run.leave(exit::of_registration(*cause));
            }
            _ => {}
        }
    }))
}
