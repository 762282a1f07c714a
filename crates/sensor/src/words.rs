// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A map's words, each of which is read and changed as a whole while programs change others, or the same.

use std::os::fd::AsFd;
use std::sync::atomic::AtomicU64;

use libbpf_rs::MapHandle;
use rustix::mm::{self, MapFlags, ProtFlags};

use crate::error::{Error, io as io_error};

/// An array map, or a map of variables, in this process' memory.
pub(crate) struct Words {
    start: *mut AtomicU64,
    count: usize,
}

impl Words {
    /// The first `count` words of `map`, which has to be one that can be mapped.
    ///
    /// # Errors
    /// Mapping it failed: it is smaller, too.
    pub(crate) fn of(map: &MapHandle, count: usize) -> Result<Self, Error> {
        // SAFETY: nothing is there yet, and the kernel chooses the place.
        let start = unsafe {
            mm::mmap(
                std::ptr::null_mut(),
                count * size_of::<u64>(),
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                map.as_fd(),
                0,
            )
        }
        .map_err(|error| io_error("map what programs share")(error.into()))?;
        Ok(Self {
            start: start.cast(),
            count,
        })
    }

    /// The word at an index; none beyond what was mapped.
    pub(crate) fn get(&self, at: usize) -> Option<&AtomicU64> {
        // SAFETY: mapped, aligned as pages are, and accessed by programs as words, too.
        (at < self.count).then(|| unsafe { &*self.start.add(at) })
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        // SAFETY: what was mapped for this one; no word is borrowed any more.
        let _ = unsafe { mm::munmap(self.start.cast(), self.count * size_of::<u64>()) };
    }
}
