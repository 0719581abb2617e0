//! Gives back to the system what only the start needed of memory.

/// Lets go of what is in memory and not in use: code and constants that nobody has touched lately,
/// and what the allocator holds for later.
///
/// A page of a program's or library's file that is used again is mapped again at the next touch,
/// mostly from the system's cache; what only the start needed (reading settings, arguments and
/// sentences) is not, and is what a phone that waits for days has most of. It asks the system for
/// all its tables: not for a thread in a hurry. Does nothing where the system is not Linux.
pub fn give_back() {
    #[cfg(target_os = "linux")]
    linux::give_back();
}

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::c_void;
    use std::fs;
    use std::ptr::NonNull;

    use nix::sys::mman::{MmapAdvise, madvise};

    pub(super) fn give_back() {
        trim();
        let Ok(maps) = fs::read_to_string("/proc/self/smaps") else {
            return;
        };
        for (begin, length) in unwritten(&maps) {
            forget(begin, length);
        }
    }

    /// Where the mappings lie, and how long they are, that are of a file, cannot be written to and
    /// hold nothing but what is in the file: code, and the constants before it. `maps` is what
    /// `/proc/self/smaps` says (proc(5)).
    pub(super) fn unwritten(maps: &str) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        let mut candidate = None;
        for line in maps.lines() {
            match line.split_once(':') {
                // The pages of one's own: written to, before or after they went to swap.
                Some(("Anonymous" | "Swap", kb)) if kb.trim() != "0 kB" => candidate = None,
                // The last line of each.
                Some(("VmFlags", _)) => found.extend(candidate.take()),
                _ if line.starts_with(|first: char| first.is_ascii_uppercase()) => {}
                _ => candidate = head(line),
            }
        }
        found
    }

    /// The line that a mapping begins with, if it is code of a file, or the head of one.
    fn head(line: &str) -> Option<(usize, usize)> {
        // Address range, permissions, offset, device, inode, path.
        let mut fields = line.splitn(6, ' ');
        let (range, permissions, offset) = (fields.next()?, fields.next()?, fields.next()?);
        let path = fields.nth(2)?.trim_start();
        let first = usize::from_str_radix(offset, 16).ok()? == 0;
        // What lies behind the code is filled in by the loader, which protects it only then.
        if !path.starts_with('/') || !(permissions == "r-xp" || permissions == "r--p" && first) {
            return None;
        }
        let (begin, end) = range.split_once('-')?;
        let begin = usize::from_str_radix(begin, 16).ok()?;
        let end = usize::from_str_radix(end, 16).ok()?;
        Some((begin, end.checked_sub(begin)?))
    }

    #[expect(unsafe_code, reason = "the system has no other way to ask for it")]
    fn forget(begin: usize, length: usize) {
        let Some(begin) = NonNull::new(std::ptr::without_provenance_mut::<c_void>(begin)) else {
            return;
        };
        // SAFETY: the mapping is of a file and private, nobody can write to it, and nothing in it
        // has been. What is let go of is read from that file again when it is next touched.
        let _ = unsafe { madvise(begin, length, MmapAdvise::MADV_DONTNEED) };
    }

    /// What was freed goes back to the system; the allocator of other systems than glibc's does so
    /// by itself.
    #[expect(unsafe_code, reason = "glibc has no other way to ask for it")]
    fn trim() {
        #[cfg(target_env = "gnu")]
        // SAFETY: malloc_trim(3) may be called at any time by any thread.
        let _ = unsafe { nix::libc::malloc_trim(0) };
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// A mapping as the system tells it, with so much of it written to and so much in swap.
        fn told(head: &str, anonymous: u32, swap: u32) -> String {
            format!(
                "{head}\nSize: 4 kB\nRss: 4 kB\nPrivate_Dirty: {anonymous} kB\n\
                 Anonymous: {anonymous} kB\nSwap: {swap} kB\nSwapPss: {swap} kB\nVmFlags: rd ex mr\n"
            )
        }

        #[test]
        fn only_what_nobody_wrote_to_is_let_go_of() {
            let head = "555500000000-555500a71000 r--p 00000000 fe:00 10011198                   /opt/ra mal/ramal";
            let code = "555500a71000-555501d1d000 r-xp 00a70000 fe:00 10011198                   /opt/ra mal/ramal";
            let library = "7f0000000000-7f0000001000 r-xp 00000000 fe:00 2 /usr/lib/libc.so.6";
            let others = [
                // What the loader fills in and then protects; and what is written to.
                "555501d1d000-555501db8000 r--p 01d1b000 fe:00 10011198                   /opt/ra mal/ramal",
                "555501db8000-555501dbe000 rw-p 01db5000 fe:00 10011198                   /opt/ra mal/ramal",
                "7f0000000000-7f0000001000 rw-p 00000000 00:00 0 ",
                "7ffc5d7f2000-7ffc5d7f4000 r-xp 00000000 00:00 0                          [vdso]",
                "nonsense r-xp 0 fe:00 1 /opt/ramal",
            ];
            let mut maps: String = [head, code, library].map(|head| told(head, 0, 0)).concat();
            maps += &others.map(|head| told(head, 0, 0)).concat();
            assert_eq!(
                unwritten(&maps),
                [
                    (0x5555_0000_0000, 0xa7_1000),
                    (0x5555_00a7_1000, 0x12a_c000),
                    (0x7f00_0000_0000, 0x1000),
                ]
            );
            // Code that somebody has mended, in memory or already in swap.
            assert_eq!(unwritten(&told(code, 4, 0)), []);
            assert_eq!(unwritten(&told(code, 0, 4)), []);
            // Cut off, and empty.
            assert_eq!(unwritten(code), []);
            assert_eq!(unwritten(""), []);
        }

        /// Whatever is in the middle of its code goes on.
        #[test]
        fn the_program_goes_on_with_less_in_memory() {
            let resident = || {
                let status = fs::read_to_string("/proc/self/status").unwrap();
                let line = status.lines().find(|line| line.starts_with("RssFile:"));
                let number = line.and_then(|line| line.split_whitespace().nth(1));
                number.and_then(|kb| kb.parse::<u64>().ok()).unwrap()
            };
            let before = resident();
            super::super::give_back();
            let after = resident();
            assert!(after < before, "{after} kB of {before}");
        }
    }
}
