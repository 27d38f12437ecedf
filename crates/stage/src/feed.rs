//! A bounded queue between threads that loses its oldest item when full, and counts.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Reads what a lane puts in. Dropping it detaches it from the lane.
///
/// Bound: the depth given at its making. Loss: the oldest item, counted in [`Feed::lost`].
pub struct Feed<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    depth: usize,
    queue: Mutex<VecDeque<T>>,
    filled: Condvar,
    lost: AtomicU64,
}

/// The lane's end of a [`Feed`].
pub(crate) struct Filler<T> {
    shared: Arc<Shared<T>>,
}

pub(crate) fn feed<T>(depth: usize) -> (Filler<T>, Feed<T>) {
    let shared = Arc::new(Shared {
        depth,
        queue: Mutex::new(VecDeque::with_capacity(depth)),
        filled: Condvar::new(),
        lost: AtomicU64::new(0),
    });
    (Filler { shared: shared.clone() }, Feed { shared })
}

impl<T> Filler<T> {
    /// Whether anybody still reads.
    pub(crate) fn is_read(&self) -> bool {
        Arc::strong_count(&self.shared) > 1
    }

    pub(crate) fn push(&self, item: T) {
        let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.len() == self.shared.depth {
            queue.pop_front();
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
        }
        queue.push_back(item);
        drop(queue);
        self.shared.filled.notify_one();
    }
}

impl<T> Feed<T> {
    /// The next item, or `None` when none came within `limit`.
    pub fn next(&self, limit: Duration) -> Option<T> {
        let deadline = Instant::now() + limit;
        let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(item) = queue.pop_front() {
                return Some(item);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            queue = self.shared.filled.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Items that were pushed out because nobody read in time.
    pub fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_first_when_it_is_full() {
        let (filler, feed) = feed(2);
        (0..5).for_each(|number| filler.push(number));
        assert_eq!((feed.next(Duration::ZERO), feed.next(Duration::ZERO)), (Some(3), Some(4)));
        assert_eq!(feed.lost(), 3);
        assert_eq!(feed.next(Duration::ZERO), None);
        drop(feed);
        assert!(!filler.is_read());
    }
}
