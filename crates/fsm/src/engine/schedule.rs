//! Who waits for what, and whose turn it is: pure bookkeeping, without a clock or a store.
//!
//! It is made anew by every process, from what is stored: a place in a line is the run's priority
//! and number, and a run that had begun before a restart comes before those that had not. So the
//! order is the same in every process.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::clock::Timestamp;
use crate::decide::Wait;
use crate::ids::RunId;
use crate::status::RunStatus;

/// Who waits for what.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    queues: BTreeMap<String, Queue>,
    waiting: HashMap<RunId, Waiting>,
    /// When to look at a run again, whatever else it waits for.
    timers: BTreeSet<(Timestamp, RunId)>,
    /// Who follows a run.
    followers: BTreeMap<RunId, BTreeSet<RunId>>,
    /// Whose turn it is, and in which queue.
    turns: HashMap<RunId, String>,
    /// How many are taking up what another process has left.
    holds: usize,
    /// Runs that were taken up and are about to come into a line.
    expected: HashSet<RunId>,
}

#[derive(Debug)]
struct Queue {
    limit: usize,
    /// How many have their turn, or are being started with it.
    taken: usize,
    line: BTreeSet<Place>,
}

/// A place in a line: the least comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    has_not_begun: bool,
    priority: Reverse<i32>,
    run: RunId,
}

impl Place {
    /// The place of a run.
    pub(super) fn of(run: RunId, status: &RunStatus) -> Self {
        Self {
            has_not_begun: !status.has_begun,
            priority: Reverse(status.spec.terms.priority),
            run,
        }
    }
}

#[derive(Debug)]
struct Waiting {
    wait: Wait,
    place: Place,
    timer: Option<Timestamp>,
}

/// How many wait in a queue, and how many have their turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueDepth {
    /// At most so many have their turn at a time.
    pub limit: usize,
    /// Have their turn.
    pub running: usize,
    /// Wait for it.
    pub waiting: usize,
}

impl Schedule {
    pub(super) fn declare(&mut self, name: &str, limit: usize) {
        let queue = Queue {
            limit,
            taken: 0,
            line: BTreeSet::new(),
        };
        self.queues.insert(name.to_owned(), queue);
    }

    pub(super) fn has_queue(&self, name: &str) -> bool {
        self.queues.contains_key(name)
    }

    pub(super) fn depths(&self) -> BTreeMap<String, QueueDepth> {
        let depth = |queue: &Queue| QueueDepth {
            limit: queue.limit,
            running: queue.taken,
            waiting: queue.line.len(),
        };
        let queues = self.queues.iter();
        queues.map(|(name, q)| (name.clone(), depth(q))).collect()
    }

    pub(super) fn is_waiting(&self, run: RunId) -> bool {
        self.waiting.contains_key(&run)
    }

    pub(super) fn has_turn(&self, run: RunId) -> bool {
        self.turns.contains_key(&run)
    }

    /// Keeps a turn for a run that is about to be started, where nobody waits for one.
    pub(super) fn reserve(&mut self, queue: &str) -> bool {
        let gives_turns = self.gives_turns();
        let queue = self.queues.get_mut(queue).filter(|_| gives_turns);
        let free = queue.filter(|q| q.taken < q.limit && q.line.is_empty());
        free.map(|queue| queue.taken += 1).is_some()
    }

    /// Gives back a turn that was kept.
    pub(super) fn unreserve(&mut self, queue: &str) {
        if let Some(queue) = self.queues.get_mut(queue) {
            queue.taken = queue.taken.saturating_sub(1);
        }
    }

    /// The turn that was kept is this run's.
    pub(super) fn assign(&mut self, queue: &str, run: RunId) {
        if self.turns.insert(run, queue.to_owned()).is_some() {
            self.unreserve(queue);
        }
    }

    /// Gives no turns until all that is being taken up has come: whose turn is next depends on it.
    pub(super) fn hold(&mut self) {
        self.holds += 1;
    }

    /// Ends a hold. Who is still expected is waited for.
    pub(super) fn end_hold(&mut self) {
        self.holds = self.holds.saturating_sub(1);
    }

    /// While turns are held: this run is about to come into a line.
    pub(super) fn expect(&mut self, run: RunId) {
        if self.holds > 0 {
            self.expected.insert(run);
        }
    }

    /// The run has come, or does not. Says whether it was expected.
    pub(super) fn expect_no_more(&mut self, run: RunId) -> bool {
        self.expected.remove(&run)
    }

    fn gives_turns(&self) -> bool {
        self.holds == 0 && self.expected.is_empty()
    }

    /// Lets a run wait; `timer` is when it is to be looked at in any case.
    pub(super) fn enter(&mut self, place: Place, wait: Wait, timer: Option<Timestamp>) {
        let run = place.run;
        self.expect_no_more(run);
        self.leave(run);
        match &wait {
            Wait::For(other) => {
                self.followers.entry(*other).or_default().insert(run);
            }
            Wait::Turn(name) => {
                if let Some(queue) = self.queues.get_mut(name) {
                    queue.line.insert(place);
                }
            }
            Wait::Until(_) => {}
        }
        let timer = match (&wait, timer) {
            (Wait::Until(until), Some(timer)) => Some(timer.min(*until)),
            (Wait::Until(until), None) => Some(*until),
            (_, timer) => timer,
        };
        if let Some(timer) = timer {
            self.timers.insert((timer, run));
        }
        self.waiting.insert(run, Waiting { wait, place, timer });
    }

    /// The run waits no more. Says whether it did.
    pub(super) fn leave(&mut self, run: RunId) -> bool {
        let Some(waiting) = self.waiting.remove(&run) else {
            return false;
        };
        if let Some(timer) = waiting.timer {
            self.timers.remove(&(timer, run));
        }
        match &waiting.wait {
            Wait::For(other) => {
                if let Some(followers) = self.followers.get_mut(other) {
                    followers.remove(&run);
                    if followers.is_empty() {
                        self.followers.remove(other);
                    }
                }
            }
            Wait::Turn(name) => {
                if let Some(queue) = self.queues.get_mut(name) {
                    queue.line.remove(&waiting.place);
                }
            }
            Wait::Until(_) => {}
        }
        true
    }

    /// The run needs its turn no more.
    pub(super) fn give_back(&mut self, run: RunId) {
        self.expect_no_more(run);
        if let Some(queue) = self.turns.remove(&run) {
            self.unreserve(&queue);
        }
    }

    /// Gives out the turns that are free. Who gets one waits no more.
    pub(super) fn next_turns(&mut self) -> Vec<RunId> {
        let mut next = Vec::new();
        if !self.gives_turns() {
            return next;
        }
        for (name, queue) in &mut self.queues {
            while queue.taken < queue.limit
                && let Some(place) = queue.line.pop_first()
            {
                queue.taken += 1;
                self.turns.insert(place.run, name.clone());
                next.push(place.run);
            }
        }
        for run in &next {
            self.leave(*run);
        }
        next
    }

    /// Those whose time has come. They wait no more.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<RunId> {
        let due: Vec<RunId> = (self.timers.iter())
            .take_while(|(timer, _)| *timer <= now)
            .map(|(_, run)| *run)
            .collect();
        for run in &due {
            self.leave(*run);
        }
        due
    }

    /// When [`Schedule::due`] is to be asked next.
    pub(super) fn next_timer(&self) -> Option<Timestamp> {
        self.timers.first().map(|(timer, _)| *timer)
    }

    /// Those who followed this run. They wait no more.
    pub(super) fn followers_of(&mut self, run: RunId) -> Vec<RunId> {
        let followers: Vec<RunId> = match self.followers.get(&run) {
            Some(followers) => followers.iter().copied().collect(),
            None => Vec::new(),
        };
        for run in &followers {
            self.leave(*run);
        }
        followers
    }

    /// Forgets everybody who waits; turns stay.
    pub(super) fn clear(&mut self) -> Vec<RunId> {
        let mut all: Vec<RunId> = self.waiting.keys().copied().collect();
        all.sort();
        for run in &all {
            self.leave(*run);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(run: u64, priority: i32, has_begun: bool) -> Place {
        Place {
            has_not_begun: !has_begun,
            priority: Reverse(priority),
            run: RunId::new(run).unwrap(),
        }
    }

    fn turn() -> Wait {
        Wait::Turn(String::from("loads"))
    }

    fn numbers(runs: Vec<RunId>) -> Vec<u64> {
        runs.into_iter().map(RunId::get).collect()
    }

    #[test]
    fn turns_go_to_who_had_begun_then_by_priority_then_by_age() {
        let mut schedule = Schedule::default();
        schedule.declare("loads", 1);
        for place in [place(4, 0, false), place(2, 0, false), place(3, 5, false)] {
            schedule.enter(place, turn(), None);
        }
        schedule.enter(place(9, -7, true), turn(), None);
        let mut order = Vec::new();
        while let [run] = schedule.next_turns()[..] {
            order.push(run.get());
            schedule.give_back(run);
        }
        assert_eq!(order, [9, 3, 2, 4]);
    }

    #[test]
    fn no_more_turns_are_given_than_the_limit_allows_and_a_kept_one_counts() {
        let mut schedule = Schedule::default();
        schedule.declare("loads", 2);
        assert!(schedule.reserve("loads"));
        for run in 1..=3 {
            schedule.enter(place(run, 0, false), turn(), None);
        }
        assert!(!schedule.reserve("loads"), "others wait");
        assert_eq!(numbers(schedule.next_turns()), [1]);
        schedule.unreserve("loads");
        assert_eq!(numbers(schedule.next_turns()), [2]);
        assert_eq!(numbers(schedule.next_turns()), Vec::<u64>::new());
        let depth = schedule.depths()["loads"];
        assert_eq!((depth.running, depth.waiting), (2, 1));
    }

    #[test]
    fn while_runs_are_taken_up_turns_wait_for_all_of_them() {
        let mut schedule = Schedule::default();
        schedule.declare("loads", 1);
        schedule.hold();
        schedule.enter(place(1, 0, false), turn(), None);
        schedule.expect(RunId::new(2).unwrap());
        schedule.expect(RunId::new(3).unwrap());
        assert_eq!(numbers(schedule.next_turns()), Vec::<u64>::new());
        schedule.end_hold();
        assert!(!schedule.reserve("loads"));
        schedule.enter(place(2, 0, true), turn(), None);
        assert_eq!(numbers(schedule.next_turns()), Vec::<u64>::new());
        assert!(schedule.expect_no_more(RunId::new(3).unwrap()));
        assert_eq!(numbers(schedule.next_turns()), [2]);
        schedule.expect(RunId::new(4).unwrap());
        assert!(!schedule.expect_no_more(RunId::new(4).unwrap()));
    }

    #[test]
    fn whoever_leaves_leaves_nothing_behind() {
        let mut schedule = Schedule::default();
        schedule.declare("loads", 0);
        let (time, other) = (Timestamp::from_millis(5), RunId::new(99).unwrap());
        schedule.enter(place(1, 0, false), turn(), Some(time));
        schedule.enter(place(2, 0, false), Wait::For(other), Some(time));
        schedule.enter(place(3, 0, false), Wait::Until(time), None);
        for run in 1..=3 {
            assert!(schedule.leave(RunId::new(run).unwrap()));
        }
        assert_eq!(schedule.next_timer(), None);
        assert_eq!(schedule.followers_of(other), []);
        assert_eq!(schedule.depths()["loads"].waiting, 0);
    }

    #[test]
    fn a_time_that_has_come_is_told_once() {
        let mut schedule = Schedule::default();
        let time = Timestamp::from_millis;
        schedule.enter(place(1, 0, false), Wait::Until(time(5)), Some(time(9)));
        schedule.enter(place(2, 0, false), Wait::Until(time(7)), Some(time(3)));
        assert_eq!(schedule.next_timer(), Some(time(3)));
        assert_eq!(numbers(schedule.due(time(5))), [2, 1]);
        assert_eq!(numbers(schedule.due(time(9))), Vec::<u64>::new());
    }
}
