// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A map in this process's memory, as words that are read and changed atomically while BPF programs change them too.

use std::os::fd::AsFd;
use std::sync::atomic::AtomicU64;

use libbpf_rs::MapHandle;
use rustix::mm::{self, MapFlags, ProtFlags};

use crate::error::{Error, io as io_error};

/// The words of an array map, or of a map of variables.
pub(crate) struct MappedWords {
    start: *mut AtomicU64,
    count: usize,
}

impl MappedWords {
    /// Maps the first `count` words of `map`, which must be a map that can be mapped.
    ///
    /// # Errors
    /// Mapping it failed, which it does if it is smaller.
    pub(crate) fn of(map: &MapHandle, count: usize) -> Result<Self, Error> {
        // SAFETY: the kernel chooses an address at which nothing is mapped.
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
        .map_err(|error| io_error("map the variables that programs share")(error.into()))?;
        Ok(Self {
            start: start.cast(),
            count,
        })
    }

    /// The word at an index; none if the index is not below `count`.
    pub(crate) fn get(&self, at: usize) -> Option<&AtomicU64> {
        // SAFETY: below `count` it is mapped, and pages are aligned. BPF programs access it as words, too.
        (at < self.count).then(|| unsafe { &*self.start.add(at) })
    }
}

impl Drop for MappedWords {
    fn drop(&mut self) {
        // SAFETY: this value mapped it, and no word is borrowed any more.
        let _ = unsafe { mm::munmap(self.start.cast(), self.count * size_of::<u64>()) };
    }
}
