//! The chains of a run that are still to be walked.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// Chains that are walked side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub first: usize,
    pub count: usize,
    /// Levels that are done.
    pub level: usize,
}

/// How often a thread that waits for another looks whether the run was cancelled.
const LOOK: Duration = Duration::from_millis(50);

/// Gives out groups in their order, and no further ahead of the samples that were taken in than memory allows.
pub(crate) struct Queue {
    state: Mutex<State>,
    moved: Condvar,
    /// Chains from the first that was not taken in on that may be under way or wait for it.
    ahead: usize,
}

struct State {
    groups: VecDeque<Group>,
    /// The first chain that was not taken in.
    next: usize,
}

impl Queue {
    /// With at most so many samples in memory that were not taken in.
    pub fn new(groups: VecDeque<Group>, ahead: usize) -> Self {
        Self { state: Mutex::new(State { groups, next: 0 }), moved: Condvar::new(), ahead }
    }

    /// The next group, if there is one. Nobody takes one after a cancelling, so that those that began are the first ones: an
    /// error then.
    pub fn take(&self, cancel: &AtomicBool) -> Result<Option<Group>, ()> {
        let Ok(mut state) = self.state.lock() else { return Ok(None) };
        while let Some(group) = state.groups.front().copied() {
            if cancel.load(Ordering::Relaxed) {
                return Err(());
            }
            if group.first == state.next || group.first + group.count - state.next <= self.ahead {
                return Ok(state.groups.pop_front());
            }
            // a slower thread has the chains before
            let Ok((woken, _)) = self.moved.wait_timeout(state, LOOK) else { return Ok(None) };
            state = woken;
        }
        Ok(None)
    }

    /// All chains before this one were taken in.
    pub fn taken_in(&self, next: usize) {
        if let Ok(mut state) = self.state.lock() {
            state.next = next;
        }
        self.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    /// Ends the waiting when a test fails.
    struct Cancel<'a>(&'a AtomicBool);

    impl Drop for Cancel<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    fn queue(ahead: usize) -> Queue {
        Queue::new((0..6).map(|k| Group { first: 2 * k, count: 2, level: 0 }).collect(), ahead)
    }

    #[test]
    fn a_slow_chain_holds_the_others_back() {
        let (queue, cancel, (told, heard)) = (queue(6), AtomicBool::new(false), channel());
        std::thread::scope(|scope| {
            let _cancel = Cancel(&cancel);
            scope.spawn(|| {
                while let Ok(Some(group)) = queue.take(&cancel) {
                    told.send(group.first).unwrap();
                }
                drop(told);
            });
            let quiet = || heard.recv_timeout(3 * LOOK).is_err();
            let next = || heard.recv_timeout(100 * LOOK).unwrap();
            assert_eq!([next(), next(), next()], [0, 2, 4]);
            assert!(quiet(), "the chains 0 to 5 are under way");
            queue.taken_in(2);
            assert_eq!(next(), 6);
            assert!(quiet());
            queue.taken_in(3);
            assert!(quiet(), "half a group is not enough");
            queue.taken_in(8);
            assert_eq!([next(), next()], [8, 10]);
            assert!(heard.recv().is_err(), "there are no more");
        });
    }

    #[test]
    fn a_group_that_everybody_waits_for_is_given_out_and_a_cancelling_ends_the_waiting() {
        let (queue, cancel) = (queue(1), AtomicBool::new(false));
        assert_eq!(queue.take(&cancel).unwrap().unwrap().first, 0);
        std::thread::scope(|scope| {
            let _cancel = Cancel(&cancel);
            let waits = scope.spawn(|| queue.take(&cancel));
            std::thread::sleep(2 * LOOK);
            assert!(!waits.is_finished());
            cancel.store(true, Ordering::Relaxed);
            assert_eq!(waits.join().unwrap(), Err(()));
        });
    }
}
