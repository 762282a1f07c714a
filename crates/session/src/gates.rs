// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A map's tables in the kernel part's order: responses by family, and gates by trust bit.

use std::collections::BTreeMap;

use ambit_abi::{self as abi, Gate, Response};
use ambit_model::{FAMILIES, Map, Responses};

/// Returns the responses to operations outside a map. Families that maps do not know are refused.
pub fn responses(table: Responses) -> [Response; abi::FAMILIES] {
    let mut out = [Response::Deny; abi::FAMILIES];
    for (family, response) in FAMILIES.iter().zip(table) {
        if let Some(slot) = out.get_mut(usize::from(u8::from(*family))) {
            *slot = response;
        }
    }
    out
}

/// The gates of a map: its responses to untrusted tasks, by trust bit.
#[derive(Debug)]
pub struct Gates {
    /// The gate of each family.
    pub by_family: [Gate; abi::FAMILIES],
    /// The bits of the trust sources that the map names.
    pub named: u32,
}

impl Gates {
    /// Computes the gates of a map. `bits` has the trust bits by the names of their sources.
    pub fn new(map: &Map, bits: &BTreeMap<String, u8>) -> Self {
        // Families that maps do not know are refused.
        let mut by_family = [Gate {
            deny: u32::MAX,
            kill: 0,
        }; abi::FAMILIES];
        let named: BTreeMap<u8, &str> = map
            .untrusted_by
            .keys()
            .filter_map(|name| Some((*bits.get(name)?, &**name)))
            .collect();
        for (index, family) in FAMILIES.iter().enumerate() {
            let Some(slot) = by_family.get_mut(usize::from(u8::from(*family))) else {
                continue;
            };
            *slot = Gate::default();
            for bit in 0..32_u8 {
                let response = map.gate(named.get(&bit).copied()).get(index).copied();
                match response {
                    Some(Response::Kill) => slot.kill |= 1 << bit,
                    Some(Response::Log) => {}
                    _ => slot.deny |= 1 << bit,
                }
            }
        }
        Self {
            by_family,
            named: named.keys().fold(0, |bits, bit| bits | 1 << bit),
        }
    }
}

#[cfg(test)]
mod tests {
    use ambit_abi::Family;

    use super::*;

    #[test]
    fn a_bit_follows_its_sources_entry_or_else_the_general_one() {
        let text = "ambit: 1\ndomain: d\nchain: 2\nrespond:\n  untrusted: {net: deny, exec: kill}\n  untrusted-by:\n    \
                    operator: {net: kill}\n    rule:r: {net: log}\n";
        let map = Map::parse(text, "m").unwrap();
        let bits = BTreeMap::from([("operator".to_owned(), 2), ("rule:r".to_owned(), 9)]);
        let gates = Gates::new(&map, &bits);
        let of = |family: Family| gates.by_family[usize::from(u8::from(family))];
        assert_eq!(of(Family::Net).kill, 1 << 2);
        assert_eq!(of(Family::Net).deny, !(1 << 2 | 1 << 9));
        assert_eq!(
            (of(Family::Exec).deny, of(Family::Exec).kill),
            (0, u32::MAX)
        );
        assert_eq!(of(Family::File), Gate::default());
        assert_eq!(gates.named, 1 << 2 | 1 << 9);
    }
}
