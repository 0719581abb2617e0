//! Who is writing, told and heard (RFC 3994).

use std::time::Instant;

use super::{Pair, Posting, Stage, Telling, What};
use crate::agent::account::Account;
use crate::agent::{AccountId, Agent, Event, dial};
use crate::events::is_composing::{ComposerOutput, IsComposing};
use crate::sip::Response;

impl Agent {
    /// The draft of a message to this correspondent changed, or was thrown away. What is no address
    /// is passed over: the message itself will say so.
    pub(in crate::agent) fn compose(
        &mut self,
        now: Instant,
        account: AccountId,
        to: &str,
        writing: bool,
    ) {
        let home = self.accounts.get(&account).map(Account::home);
        let target = home.and_then(|home| dial::target(to, home).ok());
        let Some(target) = target.filter(|_| !self.shutting_down()) else {
            return;
        };
        let pair = Pair::new(account, &target);
        let Some(talk) = self.messaging.talk(&pair) else {
            return;
        };
        talk.target = Some(target);
        if writing {
            talk.composer.typed(now);
        } else {
            talk.composer.cleared();
        }
        self.tell_composing(now, &pair);
    }

    /// Tells the other side what the composer has to say, if it wants to know. Behind a message, and
    /// one at a time: nothing overtakes anything.
    pub(super) fn tell_composing(&mut self, now: Instant, pair: &Pair) {
        let Some(talk) = self.messaging.talks.get_mut(pair) else {
            return;
        };
        if talk.stage != Stage::Sending
            && talk.telling != Telling::UnderWay
            && let ComposerOutput::Say(said) = talk.composer.poll_output()
            && talk.telling == Telling::Free
            && let Some(target) = talk.target.clone()
        {
            talk.telling = Telling::UnderWay;
            let posting = Posting::new(pair.clone(), target, What::Typing(said));
            self.look_for_way(now, posting);
        }
        self.messaging.tidy(pair);
    }

    /// The other side was told, or could not be.
    pub(super) fn composing_told(
        &mut self,
        now: Instant,
        posting: &Posting,
        response: Option<&Response>,
    ) {
        let Some(talk) = self.messaging.talks.get_mut(&posting.pair) else {
            return;
        };
        // RFC 3994 section 4: who does not read it is not told again.
        let unwanted = response.is_some_and(|response| {
            matches!(
                response.status.code(),
                403 | 405 | 415 | 488 | 501 | 603 | 606
            )
        });
        talk.telling = if unwanted {
            Telling::Unwanted
        } else {
            Telling::Free
        };
        self.tell_composing(now, &posting.pair);
    }

    /// The other side says that it writes, or does no longer.
    pub(super) fn typing_came(&mut self, now: Instant, pair: &Pair, said: &IsComposing) {
        let Some(talk) = self.messaging.talk_of_theirs(pair) else {
            return;
        };
        if talk.telling == Telling::Unwanted {
            talk.telling = Telling::Free;
        }
        let changed = talk.watcher.handle_status(now, said);
        self.messaging.tidy(pair);
        if changed {
            self.say_typing(pair, said.active);
        }
    }

    /// What was being written has come.
    pub(super) fn typed_to_the_end(&mut self, pair: &Pair) {
        let Some(talk) = self.messaging.talks.get_mut(pair) else {
            return;
        };
        let wrote = talk.watcher.handle_message();
        self.messaging.tidy(pair);
        if wrote {
            self.say_typing(pair, false);
        }
    }

    fn say_typing(&mut self, pair: &Pair, writes: bool) {
        self.event(Event::Typing {
            account: pair.account,
            peer: pair.peer.clone(),
            writes,
        });
    }

    /// Does what is due about writing in one conversation.
    pub(super) fn typing_due(&mut self, now: Instant, pair: &Pair) {
        let Some(talk) = self.messaging.talks.get_mut(pair) else {
            return;
        };
        let over = talk.watcher.handle_timeout(now);
        talk.composer.handle_timeout(now);
        if over {
            self.say_typing(pair, false);
        }
        self.tell_composing(now, pair);
    }
}
