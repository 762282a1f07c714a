// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Pinned maps with typed keys and values. Which map has which types is in `host`.

use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd};
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;

use libbpf_rs::{ErrorKind, MapCore, MapFlags, MapHandle, MapType, libbpf_sys};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::error::{Error, bpf};

/// A key or value that is not interpreted here.
#[derive(Debug)]
pub(crate) struct Opaque;

/// A map of the kernel part.
#[derive(Debug)]
pub(crate) struct Map<K, V> {
    handle: MapHandle,
    types: PhantomData<fn(&K, &V)>,
}

/// A map of maps: the value is the descriptor of the inner map when written, and its number when read.
pub(crate) type Outer = Map<u32, i32>;

impl<K, V> Map<K, V> {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        MapHandle::from_pinned_path(path)
            .map(Self::of)
            .map_err(bpf("open a pinned map"))
    }

    pub(crate) fn of(handle: MapHandle) -> Self {
        Self {
            handle,
            types: PhantomData,
        }
    }

    pub(crate) fn handle(&self) -> &MapHandle {
        &self.handle
    }

    /// Deletes every entry. `doing` completes "cannot ..." in an error, here and below.
    pub(crate) fn clear(&self, doing: &'static str) -> Result<(), Error> {
        // Deleting while iterating would start again at the first key.
        let keys: Vec<Vec<u8>> = self.handle.keys().collect();
        keys.iter().try_for_each(|key| self.remove(key, doing))
    }

    fn remove(&self, key: &[u8], doing: &'static str) -> Result<(), Error> {
        match self.handle.delete(key) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(bpf(doing)(error)),
            _ => Ok(()),
        }
    }
}

impl<K, V: FromBytes> Map<K, V> {
    /// Reads all values. An entry that is deleted meanwhile is left out.
    pub(crate) fn values(&self, doing: &'static str) -> Result<Vec<V>, Error> {
        let mut values = Vec::new();
        for key in self.handle.keys() {
            let value = self
                .handle
                .lookup(&key, MapFlags::ANY)
                .map_err(bpf(doing))?;
            values.extend(value.as_deref().map(value_of).transpose()?);
        }
        Ok(values)
    }
}

fn value_of<V: FromBytes>(bytes: &[u8]) -> Result<V, Error> {
    V::read_from_bytes(bytes).map_err(|_| Error::Layout("a value has an unexpected size"))
}

fn key_of<K: FromBytes>(bytes: &[u8]) -> Result<K, Error> {
    K::read_from_bytes(bytes).map_err(|_| Error::Layout("a key has an unexpected size"))
}

impl<K: IntoBytes + Immutable, V> Map<K, V> {
    /// Deletes an entry, if it exists.
    pub(crate) fn delete(&self, key: &K, doing: &'static str) -> Result<(), Error> {
        self.remove(key.as_bytes(), doing)
    }

    /// Reads the value of a key that always has one, as in an array.
    pub(crate) fn read(&self, key: &K, doing: &'static str) -> Result<V, Error>
    where
        V: FromBytes,
    {
        let value = self
            .handle
            .lookup(key.as_bytes(), MapFlags::ANY)
            .map_err(bpf(doing))?
            .ok_or(Error::Layout("a value is missing"))?;
        value_of(&value)
    }

    /// Writes a value. The value may be larger than its type, as those with a variable size are.
    pub(crate) fn write_bytes(
        &self,
        key: &K,
        value: &[u8],
        doing: &'static str,
    ) -> Result<(), Error> {
        self.handle
            .update(key.as_bytes(), value, MapFlags::ANY)
            .map_err(bpf(doing))
    }
}

impl<K: IntoBytes + Immutable, V: IntoBytes + Immutable> Map<K, V> {
    pub(crate) fn write(&self, key: &K, value: &V, doing: &'static str) -> Result<(), Error> {
        self.write_bytes(key, value.as_bytes(), doing)
    }

    /// Writes many entries with one call.
    pub(crate) fn write_all(
        &self,
        keys: &[K],
        values: &[V],
        doing: &'static str,
    ) -> Result<(), Error> {
        self.handle
            .update_batch(
                keys.as_bytes(),
                values.as_bytes(),
                u32::try_from(keys.len().min(values.len())).unwrap_or(u32::MAX),
                MapFlags::ANY,
                MapFlags::ANY,
            )
            .map_err(bpf(doing))
    }

    /// Writes a value for every CPU.
    pub(crate) fn write_each_cpu(
        &self,
        key: &K,
        value: &V,
        doing: &'static str,
    ) -> Result<(), Error> {
        let cpus = libbpf_rs::num_possible_cpus().map_err(bpf("count CPUs"))?;
        let values = vec![value.as_bytes().to_vec(); cpus];
        self.handle
            .update_percpu(key.as_bytes(), &values, MapFlags::ANY)
            .map_err(bpf(doing))
    }
}

impl<K: IntoBytes + Immutable, V: FromBytes> Map<K, V> {
    /// Reads the values of all CPUs; none if the key does not exist.
    pub(crate) fn read_each_cpu(&self, key: &K, doing: &'static str) -> Result<Vec<V>, Error> {
        let values = self
            .handle
            .lookup_percpu(key.as_bytes(), MapFlags::ANY)
            .map_err(bpf(doing))?;
        let values = values.iter().flatten();
        values.map(|value| value_of(value)).collect()
    }
}

impl<K: FromBytes, V: FromBytes> Map<K, V> {
    /// Reads all keys. One that is deleted meanwhile may be among them.
    pub(crate) fn keys(&self) -> Result<Vec<K>, Error> {
        self.handle.keys().map(|key| key_of(&key)).collect()
    }

    /// Reads at most `count` entries with one call. libbpf-rs takes a batch that is not full for the last one.
    pub(crate) fn entries(&self, count: u32, doing: &'static str) -> Result<Vec<(K, V)>, Error> {
        self.handle
            .lookup_batch(count, MapFlags::ANY, MapFlags::ANY)
            .map_err(bpf(doing))?
            .map(|(key, value)| Ok((key_of(&key)?, value_of(&value)?)))
            .collect()
    }
}

impl Outer {
    /// Puts a map into a slot.
    pub(crate) fn put(
        &self,
        slot: u32,
        inner: &MapHandle,
        doing: &'static str,
    ) -> Result<(), Error> {
        self.write(&slot, &inner.as_fd().as_raw_fd(), doing)
    }
}

/// Changes maps of maps at the same time. The kernel lets each change wait until no program uses the value from before
/// (`maybe_wait_bpf_programs` in `kernel/bpf/syscall.c`), which takes some ten milliseconds; changes at the same time share
/// the wait.
///
/// # Errors
/// The first one, in the order of the changes. All changes are tried.
pub(crate) fn at_once<T: Sync>(
    changes: &[T],
    change: impl Fn(&T) -> Result<(), Error> + Sync,
) -> Result<(), Error> {
    thread::scope(|scope| {
        let started: Vec<_> = changes
            .iter()
            .map(|one| {
                let change = &change;
                let thread = thread::Builder::new();
                (one, thread.spawn_scoped(scope, move || change(one)))
            })
            .collect();
        let ended: Vec<Result<(), Error>> = started
            .into_iter()
            .map(|(one, thread)| match thread {
                Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
                // The host has no thread left.
                Err(_) => change(one),
            })
            .collect();
        ended.into_iter().collect()
    })
}

/// What an inner map is created with.
pub(crate) struct Inner {
    pub(crate) map_type: MapType,
    pub(crate) name: &'static str,
    pub(crate) key_bytes: usize,
    pub(crate) value_bytes: usize,
    pub(crate) max_entries: u32,
    pub(crate) flags: u32,
}

impl Inner {
    pub(crate) fn create(&self, doing: &'static str) -> Result<MapHandle, Error> {
        let options = libbpf_sys::bpf_map_create_opts {
            sz: size_of::<libbpf_sys::bpf_map_create_opts>() as libbpf_sys::size_t,
            map_flags: self.flags,
            ..Default::default()
        };
        let size = |bytes| u32::try_from(bytes).unwrap_or(u32::MAX);
        MapHandle::create(
            self.map_type,
            Some(self.name),
            size(self.key_bytes),
            size(self.value_bytes),
            self.max_entries,
            &options,
        )
        .map_err(bpf(doing))
    }
}
