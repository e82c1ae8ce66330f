//! Threads and what they share, on a machine that may have none left for us.

use std::io;
use std::panic;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Builder, Scope, ScopedJoinHandle};

use super::limits;

/// Bytes for a stack: enough for a TLS handshake, an answer of the box and the system's resolver,
/// and a quarter of what is usual, for a machine with little to give.
const STACK: usize = 512 * 1024;
/// How many threads there are beside the first.
static OTHERS: AtomicU64 = AtomicU64::new(0);

/// A thread's place among those there can be; it is free again with its value.
struct Seat;

impl Seat {
    fn take() -> io::Result<Self> {
        let taken = OTHERS.fetch_add(1, Ordering::Relaxed) + 1;
        let seat = Seat;
        match taken <= limits::most_threads() {
            true => Ok(seat),
            false => Err(io::ErrorKind::OutOfMemory.into()),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        OTHERS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Does something in a thread of its own.
///
/// # Errors
/// When there is no thread for it, which nothing may depend on: whoever wants one does the work in
/// its own thread then.
pub(crate) fn spawn(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let seat = Seat::take()?;
    let work = move || {
        work();
        drop(seat);
    };
    Builder::new().stack_size(STACK).spawn(work).map(drop)
}

/// Does something in a thread that ends before its scope does.
///
/// # Errors
/// As [`spawn`].
pub(crate) fn spawn_scoped<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> io::Result<ScopedJoinHandle<'scope, T>> {
    let seat = Seat::take()?;
    let work = move || {
        let done = work();
        drop(seat);
        done
    };
    Builder::new().stack_size(STACK).spawn_scoped(scope, work)
}

/// Does the same with every item, side by side as far as there are threads for it, and gives what
/// came of each in the order of the items.
pub(crate) fn side_by_side<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let Some((first, others)) = items.split_first() else {
        return Vec::new();
    };
    thread::scope(|scope| {
        let work = &work;
        let start = |item| spawn_scoped(scope, move || work(item)).map_err(|_| item);
        let started: Vec<_> = others.iter().map(start).collect();
        let here = work(first);
        let elsewhere = started.into_iter().map(|it| match it {
            Ok(thread) => joined(thread),
            Err(item) => work(item),
        });
        [here].into_iter().chain(elsewhere).collect()
    })
}

fn joined<R>(thread: ScopedJoinHandle<'_, R>) -> R {
    thread
        .join()
        .unwrap_or_else(|fault| panic::resume_unwind(fault))
}

/// Locks what threads share. A lock is poisoned by a thread that panicked with it, and a panic ends
/// this program on the spot, so that nobody is left to find one.
pub(crate) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until somebody says that what threads share has changed; see [`lock`].
pub(crate) fn wait<'a, T>(changed: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    changed.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_of_each_stands_in_the_order_of_the_items() {
        let doubled = |items: &[u32]| side_by_side(items, |it| it * 2);
        assert!(doubled(&[]).is_empty());
        assert_eq!(doubled(&[1]), [2]);
        assert_eq!(doubled(&[3, 1, 2]), [6, 2, 4]);
    }
}
