// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads a ring buffer.

use std::fmt;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, PoisonError};

use libbpf_rs::{AsRawLibbpf, MapHandle, RingBuffer, RingBufferBuilder, libbpf_sys};

use crate::error::{Error, bpf};

/// The most records that one call consumes, so that the caller gets to its other work while records flood in.
const BATCH: usize = 512;

/// Records copied from the ring: their lengths, and their bytes back to back, so that a record needs no allocation.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    lengths: Vec<usize>,
}

/// Reads a ring buffer. A ring must have one reader at a time.
pub struct Ring {
    ring: RingBuffer<'static>,
    batch: Arc<Mutex<Batch>>,
}

// SAFETY: libbpf's `ring_buffer` is not bound to a thread. `Ring` is not `Clone` and all its methods that touch the ring
// take `&mut self`, so that only one thread uses it at a time. The callback captures nothing but an `Arc<Mutex<_>>`.
unsafe impl Send for Ring {}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring").finish_non_exhaustive()
    }
}

impl Ring {
    pub(crate) fn new(map: &MapHandle) -> Result<Self, Error> {
        let batch = Arc::new(Mutex::new(Batch::default()));
        let sink = Arc::clone(&batch);
        let handle =
            MapHandle::try_from(map).map_err(bpf("duplicate the descriptor of the ring buffer"))?;
        let mut builder = RingBufferBuilder::new();
        builder
            .add(&handle, move |record: &[u8]| {
                let mut batch = sink.lock().unwrap_or_else(PoisonError::into_inner);
                batch.bytes.extend_from_slice(record);
                batch.lengths.push(record.len());
                0
            })
            .map_err(bpf("map the ring buffer"))?;
        let ring = builder.build().map_err(bpf("map the ring buffer"))?;
        Ok(Self { ring, batch })
    }

    /// Passes the records of the ring to `f`, up to a limit. Returns how many there were; 0 means that the ring is empty.
    ///
    /// # Errors
    /// Reading the ring failed.
    pub fn consume(&mut self, f: &mut dyn FnMut(&[u8])) -> Result<usize, Error> {
        self.consume_up_to(BATCH, f)
    }

    /// As [`Ring::consume`], with a limit of its own: the other records stay in the ring.
    ///
    /// # Errors
    /// Reading the ring failed.
    pub fn consume_up_to(
        &mut self,
        limit: usize,
        f: &mut dyn FnMut(&[u8]),
    ) -> Result<usize, Error> {
        let n = self.ring.consume_raw_n(limit);
        if n < 0 {
            return Err(crate::error::io("read the ring buffer")(
                std::io::Error::from_raw_os_error(-n),
            ));
        }
        let mut batch = self.batch.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rest = batch.bytes.as_slice();
        for &length in &batch.lengths {
            let Some((record, after)) = rest.split_at_checked(length) else {
                break;
            };
            f(record);
            rest = after;
        }
        let count = batch.lengths.len();
        batch.bytes.clear();
        batch.lengths.clear();
        Ok(count)
    }

    /// Number of bytes that were ever written to the ring.
    pub fn written(&self) -> u64 {
        // SAFETY: `self.ring` owns the object, which has one ring.
        unsafe { libbpf_sys::ring__producer_pos(self.first()) }
    }

    /// Number of bytes that were ever read from the ring. What lies between both is in the ring.
    pub fn consumed(&self) -> u64 {
        // SAFETY: `self.ring` owns the object, which has one ring.
        unsafe { libbpf_sys::ring__consumer_pos(self.first()) }
    }

    fn first(&self) -> *const libbpf_sys::ring {
        // SAFETY: `self.ring` owns the object, and one ring was added to it.
        unsafe { libbpf_sys::ring_buffer__ring(self.ring.as_libbpf_object().as_ptr(), 0) }
    }

    /// A descriptor that is readable while the ring has records.
    pub fn fd(&self) -> BorrowedFd<'_> {
        // SAFETY: `self.ring` owns the descriptor and outlives the borrow.
        unsafe { BorrowedFd::borrow_raw(self.ring.epoll_fd()) }
    }
}
