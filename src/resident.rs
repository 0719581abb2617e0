//! Gives back to the system what only the start needed of the program's own file.

/// Lets go of the pages of the program file that are in memory: code and constants, which nothing
/// writes to. What is used again is mapped again at the next touch, mostly from the system's cache;
/// what only the start needed (reading settings, arguments and sentences) is not, and is what a
/// phone that waits for days has most of. Does nothing where the system is not Linux.
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
        let Ok(program) = fs::read_link("/proc/self/exe") else {
            return;
        };
        let Ok(maps) = fs::read_to_string("/proc/self/maps") else {
            return;
        };
        for (begin, length) in maps
            .lines()
            .filter_map(|line| unwritten(line, &program.to_string_lossy()))
        {
            forget(begin, length);
        }
    }

    /// Where a mapping lies and how long it is, if it is of this file and nobody can have written to
    /// it: the code, and what is before it. Behind the code is what the loader fills in, and
    /// protects only then.
    pub(super) fn unwritten(line: &str, program: &str) -> Option<(usize, usize)> {
        // Address range, permissions, offset, device, inode, path (proc(5)).
        let mut fields = line.splitn(6, ' ');
        let (range, permissions, offset) = (fields.next()?, fields.next()?, fields.next()?);
        let path = fields.nth(2)?.trim_start();
        let first = usize::from_str_radix(offset, 16).ok()? == 0;
        if path != program || !(permissions == "r-xp" || permissions == "r--p" && first) {
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
        // SAFETY: the mapping is of the running program's file and private, and nothing in it has
        // been written to. What is let go of is read from that file again when it is next touched.
        let _ = unsafe { madvise(begin, length, MmapAdvise::MADV_DONTNEED) };
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        const PROGRAM: &str = "/opt/ra mal/ramal";

        #[test]
        fn only_what_nobody_wrote_to_is_let_go_of() {
            let of = |line: &str| unwritten(line, PROGRAM);
            let head = "555500000000-555500a71000 r--p 00000000 fe:00 10011198                   /opt/ra mal/ramal";
            assert_eq!(of(head), Some((0x5555_0000_0000, 0xa7_1000)));
            let code = "555500a71000-555501d1d000 r-xp 00a70000 fe:00 10011198                   /opt/ra mal/ramal";
            assert_eq!(of(code), Some((0x5555_00a7_1000, 0x12a_c000)));
            for other in [
                // What the loader fills in and then protects; and what is written to.
                "555501d1d000-555501db8000 r--p 01d1b000 fe:00 10011198                   /opt/ra mal/ramal",
                "555501db8000-555501dbe000 rw-p 01db5000 fe:00 10011198                   /opt/ra mal/ramal",
                "7f0000000000-7f0000001000 r-xp 00000000 fe:00 2                          /usr/lib/libc.so.6",
                "7f0000000000-7f0000001000 rw-p 00000000 00:00 0 ",
                "",
                "nonsense r-xp 0 fe:00 1 /opt/ra mal/ramal",
            ] {
                assert_eq!(of(other), None, "{other}");
            }
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
