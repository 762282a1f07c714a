// SPDX-License-Identifier: Apache-2.0 OR MIT
//! docs/architecture.svg: the crates on their floors, with an arrow for each dependency that no longer path implies.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::layers::{BESIDE, FLOORS};

const BOX_WIDTH: usize = 132;
const BOX_HEIGHT: usize = 36;
const GAP: usize = 36;
const FLOOR_HEIGHT: usize = 104;
const MARGIN: usize = 24;

/// The dependencies of each crate, by name.
type Crates = BTreeMap<String, BTreeSet<String>>;

/// Returns the picture of `crates`; the same crates give the same bytes.
pub(crate) fn svg(crates: &Crates) -> String {
    let floors: Vec<Vec<&str>> = FLOORS
        .iter()
        .rev()
        .map(|floor| floor.to_vec())
        .chain([BESIDE.to_vec()])
        .collect();
    let widest = floors.iter().map(Vec::len).max().unwrap_or(0);
    let width = 2 * MARGIN + widest * (BOX_WIDTH + GAP) - GAP;
    let height = 2 * MARGIN + floors.len() * FLOOR_HEIGHT - (FLOOR_HEIGHT - BOX_HEIGHT);
    let mut places = BTreeMap::new();
    for (row, floor) in floors.iter().enumerate() {
        let used = floor.len() * (BOX_WIDTH + GAP) - GAP;
        for (column, name) in floor.iter().enumerate() {
            let x = (width - used) / 2 + column * (BOX_WIDTH + GAP);
            places.insert(*name, (x, MARGIN + row * FLOOR_HEIGHT));
        }
    }
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"14\">\n<!-- Written by `cargo xtask docs`. -->\n<defs><marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" \
         markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#567\"/></marker></defs>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    for (name, &(x, y)) in &places {
        for other in direct(crates, name) {
            if let Some(&(to_x, to_y)) = places.get(other) {
                out.push_str(&arrow((x, y), (to_x, to_y)));
            }
        }
    }
    for (name, &(x, y)) in &places {
        let beside = BESIDE.contains(name);
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{BOX_WIDTH}\" height=\"{BOX_HEIGHT}\" rx=\"5\" fill=\"{}\" stroke=\"#567\"/>\n\
             <text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"#123\">{name}</text>",
            if beside { "#f4f4f4" } else { "#e3eef7" },
            x + BOX_WIDTH / 2,
            y + BOX_HEIGHT / 2 + 5
        );
    }
    out.push_str("</svg>\n");
    out
}

/// An arrow from the lower edge of one box to the upper edge of another; sideways where they share a floor.
fn arrow((x, y): (usize, usize), (to_x, to_y): (usize, usize)) -> String {
    let middle = BOX_WIDTH / 2;
    if y == to_y {
        let (from, to) = if x < to_x {
            (x + BOX_WIDTH, to_x)
        } else {
            (x, to_x + BOX_WIDTH)
        };
        let level = y + BOX_HEIGHT / 2;
        let below = y + BOX_HEIGHT + 14;
        return if from.abs_diff(to) <= GAP {
            format!(
                "<path d=\"M{from} {level}L{to} {level}\" stroke=\"#567\" fill=\"none\" marker-end=\"url(#a)\"/>\n"
            )
        } else {
            let (from, to, edge) = (x + middle, to_x + middle, y + BOX_HEIGHT);
            format!(
                "<path d=\"M{from} {edge}C{from} {below} {to} {below} {to} {edge}\" stroke=\"#567\" fill=\"none\" \
                 marker-end=\"url(#a)\"/>\n"
            )
        };
    }
    let (x, y, to_x) = (x + middle, y + BOX_HEIGHT, to_x + middle);
    let bend = (to_y.saturating_sub(y)) / 2;
    format!(
        "<path d=\"M{x} {y}C{x} {} {to_x} {} {to_x} {to_y}\" stroke=\"#567\" fill=\"none\" marker-end=\"url(#a)\"/>\n",
        y + bend,
        to_y.saturating_sub(bend)
    )
}

/// Returns the dependencies of a crate that are not also reached through another one of them.
fn direct<'c>(crates: &'c Crates, name: &str) -> Vec<&'c str> {
    let Some(used) = crates.get(name) else {
        return Vec::new();
    };
    used.iter()
        .filter(|other| {
            !used
                .iter()
                .any(|through| through != *other && reaches(crates, through, other))
        })
        .map(String::as_str)
        .collect()
}

fn reaches(crates: &Crates, from: &str, to: &str) -> bool {
    crates
        .get(from)
        .is_some_and(|used| used.contains(to) || used.iter().any(|next| reaches(crates, next, to)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::layers;

    #[test]
    fn the_picture_of_the_crates_is_up_to_date() {
        let committed =
            std::fs::read_to_string(crate::paths::workspace().join("docs/architecture.svg"))
                .unwrap_or_default();
        assert!(
            committed == svg(&layers::crates().unwrap()),
            "docs/architecture.svg is not of these crates; run `cargo xtask docs`"
        );
    }

    #[test]
    fn an_arrow_that_a_longer_path_implies_is_left_out() {
        let set = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<BTreeSet<_>>()
        };
        let crates = Crates::from([
            ("ambit".to_owned(), set(&["model", "abi"])),
            ("model".to_owned(), set(&["abi"])),
            ("abi".to_owned(), set(&[])),
        ]);
        assert_eq!(direct(&crates, "ambit"), ["model"]);
        assert_eq!(direct(&crates, "model"), ["abi"]);
    }
}
