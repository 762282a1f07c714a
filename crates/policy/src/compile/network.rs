// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Matches addresses against networks, byte by byte.

use std::collections::BTreeSet;
use std::net::IpAddr;

/// The networks of one address family.
#[derive(Default)]
pub(super) struct Networks {
    networks: Vec<Network>,
}

struct Network {
    octets: Vec<u8>,
    bits: usize,
    /// The number of its test.
    test: usize,
}

/// The state after some bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Progress {
    depth: usize,
    /// Networks that further bytes decide.
    open: Vec<usize>,
    /// Tests that are true for every continuation.
    pub(super) holds: BTreeSet<usize>,
}

impl Progress {
    /// True if no further byte changes the result.
    pub(super) fn is_decided(&self) -> bool {
        self.open.is_empty()
    }
}

impl Networks {
    /// Adds the test that the address is in any of these networks. Networks of the other family are ignored.
    pub(super) fn add<'n>(
        &mut self,
        test: usize,
        networks: impl IntoIterator<Item = &'n (IpAddr, u8)>,
        v6: bool,
    ) {
        for (address, bits) in networks {
            let octets = match address {
                IpAddr::V4(address) => address.octets().to_vec(),
                IpAddr::V6(address) => address.octets().to_vec(),
            };
            if address.is_ipv6() == v6 {
                let bits = usize::from(*bits).min(octets.len() * 8);
                self.networks.push(Network { octets, bits, test });
            }
        }
    }

    /// The state before the first byte.
    pub(super) fn start(&self) -> Progress {
        self.settle(0, (0..self.networks.len()).collect(), BTreeSet::new())
    }

    /// The state after another byte.
    pub(super) fn step(&self, from: &Progress, byte: u8) -> Progress {
        let holds_byte = |number: &usize| {
            self.networks.get(*number).is_some_and(|network| {
                let left = network.bits.saturating_sub(8 * from.depth).min(8);
                let wanted = network.octets.get(from.depth).copied().unwrap_or(0);
                (wanted ^ byte).leading_zeros() as usize >= left
            })
        };
        let open = from.open.iter().copied().filter(holds_byte).collect();
        self.settle(from.depth + 1, open, from.holds.clone())
    }

    fn settle(&self, depth: usize, open: Vec<usize>, mut holds: BTreeSet<usize>) -> Progress {
        let mut left = Vec::new();
        for number in open {
            let Some(network) = self.networks.get(number) else {
                continue;
            };
            if network.bits <= 8 * depth {
                holds.insert(network.test);
            } else {
                left.push(number);
            }
        }
        left.retain(|number| {
            let network = self.networks.get(*number);
            network.is_some_and(|network| !holds.contains(&network.test))
        });
        // Decided states are equal at every depth.
        let depth = if left.is_empty() { 0 } else { depth };
        Progress {
            depth,
            open: left,
            holds,
        }
    }

    /// Returns the bytes, besides 0, at which a new class of bytes begins.
    pub(super) fn cuts(&self) -> BTreeSet<u8> {
        let mut cuts = BTreeSet::new();
        for network in &self.networks {
            for (depth, octet) in network.octets.iter().enumerate() {
                let left = network.bits.saturating_sub(8 * depth).min(8);
                if left == 0 {
                    break;
                }
                let host = u8::MAX.checked_shr(u32::try_from(left).unwrap_or(8));
                let host = host.unwrap_or(0);
                cuts.insert(octet & !host);
                cuts.extend((octet | host).checked_add(1));
            }
        }
        cuts
    }
}
