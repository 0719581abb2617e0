//! Counts how often a thread asks for memory, for measurements: `ramal bench media` says that the
//! receiving path does not.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// No destructor and no lazy beginning: it may be touched whenever memory is.
    static COUNT: Cell<u64> = const { Cell::new(0) };
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

fn count() {
    COUNT.set(COUNT.get().wrapping_add(1));
}

#[expect(unsafe_code, reason = "an allocator cannot be anything else")]
// SAFETY: everything is handed to the system's allocator as it came; counting touches a cell of
// the thread's own, and asks for no memory itself.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`; `System` gave the pointer.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `realloc`; `System` gave the pointer.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
