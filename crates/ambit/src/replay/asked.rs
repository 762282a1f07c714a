// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Who is asked about what was recorded: rules, a map, or rules and then the map, as the kernel part does.

use std::io::Read;

use ambit_abi::Coverage;
use ambit_model::Map;
use ambit_policy::rule::Rule;
use ambit_recording::{EventAt, Fork, Header, Reader};

use super::backtest::Backtest;
use super::order::Order;
use super::rules::RuleTest;

/// A map, rules, or both.
pub(super) struct Asked<'a> {
    pub(super) map: Option<Backtest<'a>>,
    pub(super) rules: Option<RuleTest<'a>>,
    order: Order,
}

impl<'a> Asked<'a> {
    /// On a host with these ephemeral ports.
    pub(super) fn new(map: Option<&'a Map>, rules: Option<&'a [Rule]>, ports: (u16, u16)) -> Self {
        Self {
            map: map.map(|map| Backtest::new(map, ports)),
            rules: rules.map(RuleTest::new),
            order: Order::default(),
        }
    }

    pub(super) fn map_coverage(&self) -> Option<Coverage> {
        self.map.as_ref().map(Backtest::coverage)
    }

    pub(super) fn begin(&mut self, header: &Header) {
        if let Some(map) = &mut self.map {
            map.forget();
        }
        if let Some(rules) = &mut self.rules {
            rules.begin(header);
            self.order = Order::default();
        }
    }

    #[inline]
    pub(super) fn event<R: Read>(&mut self, reader: &Reader<R>, at: EventAt) {
        if self.rules.is_none() {
            // The order is nothing to a map.
            if let Some(map) = &mut self.map {
                map.event(reader, at);
            }
            return;
        }
        self.order.event(at);
        while let Some(at) = self.order.next(false) {
            self.ask(reader, at);
        }
    }

    pub(super) fn fork(&mut self, fork: Fork) {
        if self.rules.is_some() {
            self.order.fork(fork);
        }
    }

    /// Numbers begin anew: nothing that has the old ones may be held back.
    pub(super) fn forget<R: Read>(&mut self, reader: &Reader<R>) {
        self.end(reader);
        if let Some(map) = &mut self.map {
            map.forget();
        }
        if let Some(rules) = &mut self.rules {
            rules.forget();
        }
    }

    /// Nothing comes any more.
    pub(super) fn end<R: Read>(&mut self, reader: &Reader<R>) {
        while let Some(at) = self.order.next(true) {
            self.ask(reader, at);
        }
    }

    fn ask<R: Read>(&mut self, reader: &Reader<R>, at: EventAt) {
        let Some(rules) = &mut self.rules else { return };
        while let Some(fork) = self.order.fork_until(at.time_ns) {
            rules.fork(fork);
        }
        let said = rules.event(reader, at);
        if said.allowed == Some(true) {
            return;
        }
        if self.map.as_mut().is_some_and(|map| map.event(reader, at)) {
            rules.outside(said);
        }
    }
}
