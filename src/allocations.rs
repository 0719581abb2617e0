//! Counts how often a thread asks for memory, and how much it holds, for measurements: `ramal bench
//! media` says that the receiving path asks for none, and `tests/fuzz_smoke.rs` that no reader
//! holds more than its input accounts for.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// No destructor and no lazy beginning: it may be touched whenever memory is.
    static COUNT: Cell<u64> = const { Cell::new(0) };
    /// Bytes that the thread has asked for and not given back; below zero where it frees what
    /// others asked for.
    static HELD: Cell<isize> = const { Cell::new(0) };
    /// The most that it held since the last beginning of a measurement.
    static MOST: Cell<isize> = const { Cell::new(0) };
}

/// The system's allocator, counted. The binary installs it; where nobody does, nothing is counted.
#[derive(Debug)]
pub struct Counted;

/// Times that the calling thread has asked for memory; `None` where [`Counted`] is not installed.
#[must_use]
pub fn of_this_thread() -> Option<u64> {
    let before = COUNT.get();
    // Asks for memory, unless it is optimised away: then nothing can be said either.
    drop(std::hint::black_box(Box::new(0_u8)));
    let after = COUNT.get();
    COUNT.set(before);
    (after > before).then_some(before)
}

/// The most bytes that the calling thread held at once during `work`, beyond what it held before:
/// 0 where [`Counted`] is not installed. Not to be used within itself.
pub fn most_held(work: impl FnOnce()) -> usize {
    let before = HELD.get();
    MOST.set(before);
    work();
    MOST.get().saturating_sub(before).unsigned_abs()
}

fn count() {
    COUNT.set(COUNT.get().wrapping_add(1));
}

/// An allocation is never larger than `isize::MAX`.
fn take(bytes: usize) {
    let held = HELD.get().wrapping_add_unsigned(bytes);
    HELD.set(held);
    MOST.set(MOST.get().max(held));
}

fn give(bytes: usize) {
    HELD.set(HELD.get().wrapping_sub_unsigned(bytes));
}

#[expect(unsafe_code, reason = "an allocator cannot be anything else")]
// SAFETY: everything is handed to the system's allocator as it came; counting touches cells of
// the thread's own, and asks for no memory itself.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        take(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        give(layout.size());
        // SAFETY: the caller keeps the contract of `dealloc`; `System` gave the pointer.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        take(layout.size());
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        give(layout.size());
        take(size);
        // SAFETY: the caller keeps the contract of `realloc`; `System` gave the pointer.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
