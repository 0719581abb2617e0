//! Which of the pairs that work is taken (RFC 8445 section 8).

use std::time::{Duration, Instant};

use super::agent::{Agent, Event, Role};
use super::checks::{Pair, PairState, Purpose};
use super::consent::Selected;
use super::path::{PathKind, path_kind};

/// How long better pairs are waited for once one works. Waiting costs nothing: what works is
/// used meanwhile.
const WAIT_FOR_BETTER: Duration = Duration::from_secs(1);
/// The same when all that works is a relay: four requests of a direct pair have gone out by then.
const WAIT_FOR_DIRECT: Duration = Duration::from_secs(5);
/// The same when the other side was heard on a direct way, so that only the way back is wanting.
const WAIT_FOR_HEARD: Duration = Duration::from_secs(10);

/// How far one component is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Nomination {
    /// When the first pair worked.
    first_valid: Option<Instant>,
    /// The pair that a check with USE-CANDIDATE is under way for.
    nominating: Option<u32>,
    /// The pair that was last told as the path.
    announced: Option<u32>,
}

impl Agent {
    /// Whether this component has its pair, of this generation.
    pub(super) fn decided(&self, component: u8) -> bool {
        self.selected
            .get(&component)
            .is_some_and(|selected| selected.generation == self.generation)
    }

    /// The best pair that works.
    pub(super) fn best_valid(&self, component: u8) -> Option<u32> {
        self.pairs
            .iter()
            .filter(|(_, pair)| pair.component == component && pair.valid.is_some())
            .max_by_key(|(_, pair)| self.pair_priority(pair))
            .map(|(id, _)| *id)
    }

    /// Whether a pair is better than the chosen one: a side that nominates several (RFC 5245
    /// section 8.1.1.2) means the best of them.
    pub(super) fn beats_selected(&self, id: u32) -> bool {
        let Some(pair) = self.pairs.get(&id) else {
            return false;
        };
        match self.selected.get(&pair.component) {
            Some(selected) if selected.generation == self.generation => self
                .pairs
                .get(&selected.pair)
                .is_none_or(|chosen| self.pair_priority(pair) > self.pair_priority(chosen)),
            _ => true,
        }
    }

    /// When this component's best pair is to be nominated.
    fn due(&self, component: u8) -> Option<Instant> {
        let nomination = &self.nominations[usize::from(component) - 1];
        let undecided = self.role == Role::Controlling
            && !self.decided(component)
            && nomination.nominating.is_none();
        let best = undecided.then(|| self.best_valid(component)).flatten()?;
        let best = &self.pairs[&best];
        let since = nomination.first_valid?;
        let priority = self.pair_priority(best);
        let hopeful = |pair: &&Pair| {
            pair.component == component
                && pair.valid.is_none()
                && pair.state != PairState::Failed
                && self.pair_priority(pair) > priority
        };
        let relayed = |pair: &Pair| {
            let local = self.locals[pair.local].candidate.kind;
            let remote = self.remotes[pair.remote].candidate.kind;
            path_kind(local, remote) == PathKind::Relayed
        };
        let heard = |pair: &Pair| self.remotes[pair.remote].heard && !relayed(pair);
        let heard = self.pairs.values().filter(hopeful).any(heard);
        let hopeful = self.pairs.values().any(|pair| hopeful(&pair));
        let relayed = relayed(best);
        let wait = if !hopeful && (!relayed || (self.remote_ended && self.gathered)) {
            Duration::ZERO
        } else if relayed && heard {
            WAIT_FOR_HEARD
        } else if relayed {
            WAIT_FOR_DIRECT
        } else {
            WAIT_FOR_BETTER
        };
        Some(since + wait)
    }

    pub(super) fn nomination_due(&self) -> Option<Instant> {
        (1..=self.components).filter_map(|c| self.due(c)).min()
    }

    /// Nominates what is due, as controlling.
    pub(super) fn nominate(&mut self, now: Instant) {
        self.select_pending(now);
        for component in 1..=self.components {
            let at = usize::from(component) - 1;
            let Some(best) = self.best_valid(component) else {
                self.nominations[at].first_valid = None;
                continue;
            };
            self.nominations[at].first_valid.get_or_insert(now);
            if self.due(component).is_some_and(|due| now >= due) {
                self.nominations[at].nominating = Some(best);
                self.check(now, best, true);
            }
        }
    }

    /// The check with USE-CANDIDATE came to nothing.
    pub(super) fn nomination_failed(&mut self, component: u8) {
        if let Some(nomination) = self.nominations.get_mut(usize::from(component) - 1) {
            nomination.nominating = None;
        }
        self.announce(component);
    }

    /// Takes the pair that both sides agree on.
    pub(super) fn select_pending(&mut self, now: Instant) {
        let Some(id) = self.pending_selection.take() else {
            return;
        };
        let (Some(path), Some(remote)) = (self.path_of(id, true), self.remote.clone()) else {
            return;
        };
        let component = path.component;
        self.nominations[usize::from(component) - 1].announced = Some(id);
        let preference = self.locals[self.pairs[&id].local].preference;
        let selected = Selected::new(now, self, id, path.clone(), remote, preference);
        self.selected.insert(component, selected);
        self.event(Event::Path(path));
        // The other checks of this component have become needless (RFC 8445 section 8.1.2).
        self.triggered.retain(|queued| {
            self.pairs
                .get(queued)
                .is_some_and(|p| p.component != component)
        });
        self.transactions
            .retain(|_, t| t.component != component || matches!(t.purpose, Purpose::Gather(_)));
        if !self.completed && (1..=self.components).all(|c| self.decided(c)) {
            self.completed = true;
            self.local_before = None;
            self.give_up_at = None;
            self.event(Event::Completed);
        }
    }

    /// Tells of a better path among those that are not chosen yet.
    pub(super) fn announce(&mut self, component: u8) {
        if self.decided(component) || component > self.components {
            return;
        }
        let best = self.best_valid(component);
        let nomination = &mut self.nominations[usize::from(component) - 1];
        if best.is_none() || nomination.announced == best {
            return;
        }
        nomination.announced = best;
        if let Some(path) = best.and_then(|id| self.path_of(id, false)) {
            self.event(Event::Path(path));
        }
    }
}
