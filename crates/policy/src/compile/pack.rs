// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Distributes tests over as few automata as possible.

use std::collections::{BTreeSet, HashMap};

use ambit_abi::RULE_AUTOMATA;

use super::automaton::Automaton;
use super::joint::Joint;
use super::language::MachineError;
use super::machine::{self, Form};
use super::node::{Leaf, Node, Place};
use super::{search, split};
use crate::condition::{Text, TextTest};

/// Shorter lists are not split: the few texts more in the last automaton are not worth the time.
const DIVISIBLE: usize = 16;

/// The tests of one input, without duplicates.
#[derive(Default)]
pub(super) struct Tests {
    list: Vec<Owned>,
    numbers: HashMap<(Text, TextTest), usize>,
}

#[derive(PartialEq, Eq)]
struct Owned {
    /// The field, with the same value for fields that share automata.
    field: Text,
    /// The fields of the rules that use the test.
    fields: BTreeSet<Text>,
    test: TextTest,
    /// Index of the first rule with this test.
    rule: usize,
}

/// Automata, and the place of each test.
pub(super) struct Packed {
    pub(super) automata: Vec<Automaton>,
    form: Form,
    places: HashMap<(Text, TextTest), Vec<Place>>,
}

/// The tests do not fit.
#[derive(Debug)]
pub(super) struct PackError {
    /// Index of the rule with the test.
    pub(super) rule: usize,
    /// The test.
    pub(super) test: TextTest,
    pub(super) cause: PackCause,
}

#[derive(Debug)]
pub(super) enum PackCause {
    /// One test alone is too large.
    Alone,
    /// All automata are full.
    Full,
    /// A regular expression is rejected.
    Build(Box<regex_automata::dfa::dense::BuildError>),
}

/// Equal if they were added in the same order by the same rules.
impl PartialEq for Tests {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl Tests {
    /// Adds a test of a rule.
    pub(super) fn add(&mut self, field: Text, test: &TextTest, rule: usize) {
        let key = (shared(field), test.clone());
        let fresh = self.list.len();
        let number = *self.numbers.entry(key).or_insert(fresh);
        if number == fresh {
            self.list.push(Owned {
                field: shared(field),
                fields: BTreeSet::new(),
                test: test.clone(),
                rule,
            });
        }
        if let Some(owned) = self.list.get_mut(number) {
            owned.fields.insert(field);
        }
    }

    /// Builds the automata. First tries a single automaton that reports all tests at the end of the text. Otherwise
    /// splits the tests and builds automata that mark tests on the way.
    pub(super) fn pack(&self) -> Result<Packed, PackError> {
        if let Ok(packed) = self.build(Form::Ends, 1) {
            return Ok(packed);
        }
        let marking = self.taken_apart()?.build(Form::Marks, RULE_AUTOMATA);
        // Split tests need more bits, so whole tests may fit instead.
        marking.or_else(|error| self.build(Form::Ends, RULE_AUTOMATA).map_err(|_| error))
    }

    /// Returns the tests that these are split into.
    fn taken_apart(&self) -> Result<Self, PackError> {
        let mut tests = Self::default();
        for owned in &self.list {
            for field in &owned.fields {
                let node = split::split(*field, &owned.test)
                    .map_err(|cause| owned.fails(PackCause::Build(cause)))?;
                node.leaves(&mut |leaf| {
                    if let Leaf::Text(field, test) = leaf {
                        tests.add(*field, test, owned.rule);
                    }
                });
            }
        }
        Ok(tests)
    }

    fn build(&self, form: Form, most: usize) -> Result<Packed, PackError> {
        let (mut adding, mut remembering) = (Vec::new(), Vec::new());
        for (owner, owned) in self.list.iter().enumerate() {
            let mut pieces = Vec::new();
            build(owner, owned.field, &owned.test, form, &mut pieces)
                .map_err(|cause| owned.fails(cause))?;
            if form.multiplies(&owned.test) {
                remembering.extend(pieces);
            } else {
                adding.extend(pieces);
            }
        }
        // Tests with memory multiply the states of the automata that they are joined with. Other tests only add
        // states, so they are placed first.
        let mut bins = Bins {
            list: Vec::new(),
            form,
            most,
        };
        for tree in plant(adding).into_iter().chain(remembering) {
            self.place(&mut bins, tree)?;
        }
        Ok(self.finish(&bins))
    }

    /// Places tests in bins, as many together as fit.
    fn place(&self, bins: &mut Bins, tree: Tree) -> Result<(), PackError> {
        if let Some(joint) = &tree.joint
            && bins.join(joint, &tree.owners)
        {
            return Ok(());
        }
        match (tree.parts, tree.joint) {
            (Some(parts), joint) if joint.is_none() || !bins.list.is_empty() => {
                for part in *parts {
                    self.place(bins, part)?;
                }
                Ok(())
            }
            (_, Some(joint)) if bins.list.len() < bins.most => {
                bins.list.push(Bin {
                    joint,
                    owners: tree.owners,
                });
                Ok(())
            }
            _ => {
                let owner = tree.owners.first().copied();
                self.place_halves(bins, owner.unwrap_or(0), tree.test.as_ref())
            }
        }
    }

    /// Places the halves of a test, if the whole does not fit.
    fn place_halves(
        &self,
        bins: &mut Bins,
        number: usize,
        test: Option<&TextTest>,
    ) -> Result<(), PackError> {
        let Some(owned) = self.list.get(number) else {
            return Ok(());
        };
        let halves = test.and_then(halve);
        for half in halves.ok_or_else(|| owned.fails(PackCause::Full))? {
            let mut pieces = Vec::new();
            build(number, owned.field, &half, bins.form, &mut pieces)
                .map_err(|cause| owned.fails(cause))?;
            for piece in pieces {
                self.place(bins, piece)?;
            }
        }
        Ok(())
    }

    fn finish(&self, bins: &Bins) -> Packed {
        let mut places: HashMap<_, Vec<Place>> = HashMap::new();
        for (number, bin) in bins.list.iter().enumerate() {
            for (bit, owner) in bin.owners.iter().enumerate() {
                if let Some(owned) = self.list.get(*owner) {
                    let key = (owned.field, owned.test.clone());
                    places.entry(key).or_default().push((number, bit));
                }
            }
        }
        let automata = bins
            .list
            .iter()
            .filter_map(|bin| Automaton::new(&bin.joint));
        Packed {
            automata: automata.collect(),
            form: bins.form,
            places,
        }
    }
}

impl Owned {
    fn fails(&self, cause: PackCause) -> PackError {
        PackError {
            rule: self.rule,
            test: self.test.clone(),
            cause,
        }
    }
}

impl Packed {
    /// Returns a test as a condition on bits.
    pub(super) fn resolve(&self, field: Text, test: &TextTest) -> Node {
        if self.form == Form::Marks
            && let Ok(node) = split::split(field, test)
        {
            return node.map(&|leaf| match leaf {
                Leaf::Text(field, test) => self.bits(*field, test),
                other => Node::Leaf(other.clone()),
            });
        }
        self.bits(field, test)
    }

    /// Returns the condition that any of a test's bits is set.
    fn bits(&self, field: Text, test: &TextTest) -> Node {
        let places = self.places.get(&(shared(field), test.clone()));
        Node::text_bits(field, places.map_or(&[], Vec::as_slice))
    }
}

/// The automata that are being filled.
struct Bins {
    list: Vec<Bin>,
    form: Form,
    /// Limit of automata.
    most: usize,
}

impl Bins {
    /// Adds tests to the bin that grows least, if they fit any.
    fn join(&mut self, joint: &Joint, owners: &[usize]) -> bool {
        let joined = self.list.iter_mut().filter_map(|bin| {
            let joined = bin.joint.join(joint)?;
            let growth = joined.states().saturating_sub(bin.joint.states());
            Some((growth, joined, bin))
        });
        let Some((_, joint, bin)) = joined.min_by_key(|(growth, ..)| *growth) else {
            return false;
        };
        bin.joint = joint;
        bin.owners.extend_from_slice(owners);
        true
    }
}

/// An automaton that is being filled.
struct Bin {
    joint: Joint,
    /// The tests of its bits, in order.
    owners: Vec<usize>,
}

/// Joined tests, and the parts that they can be split into.
struct Tree {
    /// `None` if they do not fit together.
    joint: Option<Joint>,
    owners: Vec<usize>,
    parts: Option<Box<[Tree; 2]>>,
    /// The test, if it is one.
    test: Option<TextTest>,
}

/// Joins tests pairwise, to a tree.
fn plant(mut trees: Vec<Tree>) -> Option<Tree> {
    while trees.len() > 1 {
        let mut rest = trees.into_iter();
        let mut joined = Vec::new();
        while let Some(left) = rest.next() {
            let Some(right) = rest.next() else {
                joined.push(left);
                break;
            };
            let joint = left.joint.as_ref().zip(right.joint.as_ref());
            joined.push(Tree {
                joint: joint.and_then(|(left, right)| left.join(right)),
                owners: [&left.owners[..], &right.owners].concat(),
                parts: Some(Box::new([left, right])),
                test: None,
            });
        }
        trees = joined;
    }
    trees.pop()
}

/// Builds a test; splits a list that is too large.
fn build(
    owner: usize,
    field: Text,
    test: &TextTest,
    form: Form,
    pieces: &mut Vec<Tree>,
) -> Result<(), PackCause> {
    let joint = match machine::build(field, test, form) {
        Ok(table) => Joint::new(table),
        Err(MachineError::TooLarge) => None,
        Err(MachineError::Build(cause)) => return Err(PackCause::Build(cause)),
    };
    if joint.is_some() {
        pieces.push(Tree {
            joint,
            owners: vec![owner],
            parts: None,
            test: Some(test.clone()),
        });
        return Ok(());
    }
    for half in halve(test).ok_or(PackCause::Alone)? {
        build(owner, field, &half, form, pieces)?;
    }
    Ok(())
}

/// Splits a test into two alternatives.
fn halve(test: &TextTest) -> Option<[TextTest; 2]> {
    match test {
        TextTest::Or(any) => match any.as_slice() {
            [only] => halve(only),
            any => {
                let (left, right) = any.split_at_checked(any.len() / 2)?;
                Some([left, right].map(|half| TextTest::Or(half.to_vec())))
            }
        },
        TextTest::In(texts) => Some(halve_set(texts)?.map(TextTest::In)),
        TextTest::Network(networks) => Some(halve_set(networks)?.map(TextTest::Network)),
        _ => None,
    }
}

fn halve_set<T: Clone + Ord>(set: &BTreeSet<T>) -> Option<[BTreeSet<T>; 2]> {
    let middle = set.iter().nth(set.len() / 2)?;
    if set.len() < DIVISIBLE {
        return None;
    }
    let mut left = set.clone();
    let right = left.split_off(middle);
    Some([left, right])
}

/// Executables share automata, independent of their place in the chain.
const fn shared(field: Text) -> Text {
    match field {
        Text::Parent | Text::Chain => Text::Executable,
        other => other,
    }
}

impl Form {
    /// True if a test's automaton is likely to multiply the states of automata that it is joined with.
    fn multiplies(self, test: &TextTest) -> bool {
        let mut parts = Vec::new();
        test.parts(&mut parts);
        match self {
            Self::Ends => parts.iter().any(|part| {
                matches!(
                    part,
                    TextTest::EndsWith(_) | TextTest::Contains(_) | TextTest::Matches(_)
                )
            }),
            Self::Marks => search::remembers(test),
        }
    }
}
