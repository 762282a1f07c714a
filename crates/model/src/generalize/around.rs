// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Names that contain a name whose siblings became a pattern: `.scan_17.tif.{tmp}` beside `scan_{n}.tif`. One of them is enough,
//! since the pattern was proven by others.

use std::collections::{BTreeMap, BTreeSet};

use super::cluster::{Cluster, covers, follows, members};
use super::tree::Component;
use super::{Kind, Options, classed};
use crate::learn::around::{inner_names, split_around};
use crate::pattern::{Index, Piece, canonical};

/// Maximum number of patterns of a directory that names are compared with.
const PATTERNS_MAX: usize = 256;

/// Returns the clusters of created names around names that a cluster covers.
pub(super) fn clusters<'c>(
    created: impl Iterator<Item = &'c Component>,
    found: &[Cluster],
    options: &Options,
) -> Vec<Cluster> {
    let taken = members(found);
    let patterns = found.iter().filter(|cluster| follows(&cluster.pieces));
    let mut narrow = Index::default();
    for cluster in patterns.take(PATTERNS_MAX) {
        narrow.insert(&cluster.pieces, (cluster, covers(&cluster.pieces)));
    }
    let of = |inner: &[u8]| {
        let mut candidates = narrow.candidates(inner);
        let found = candidates.find(|(_, covers)| covers(inner));
        found.map(|(cluster, _)| *cluster)
    };
    let mut out: BTreeMap<Vec<Piece>, Cluster> = BTreeMap::new();
    for component in created {
        let Some(name) = classed::member(component).filter(|name| !taken.contains(&**name)) else {
            continue;
        };
        let around = inner_names(component).into_iter().find_map(|inner| {
            let cluster = of(inner)?;
            let (before, after) = split_around(component, inner)?;
            let pieces = [before, cluster.pieces.clone(), after].concat();
            Some(canonical(pieces))
        });
        if let Some(pieces) = around {
            let cluster = out.entry(pieces.clone()).or_insert_with(|| Cluster {
                kind: Kind::Around,
                pieces,
                members: BTreeSet::new(),
                steady: false,
            });
            cluster.members.insert(name);
        }
    }
    let least = options.support.unwrap_or(1);
    let out = out.into_values();
    out.filter(|cluster| cluster.members.len() >= least)
        .collect()
}
