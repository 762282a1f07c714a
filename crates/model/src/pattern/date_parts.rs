// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The parts of dates and times: of the classes, and of the names that they are found in.

use std::ops::RangeInclusive;

use ambit_event::lex::Class;

/// Number of digits and the values of a part of a date or time.
pub(crate) type DatePart = (usize, RangeInclusive<u32>);

pub(crate) const YEAR: DatePart = (4, 1970..=2099);
pub(crate) const MONTH: DatePart = (2, 1..=12);
pub(crate) const DAY: DatePart = (2, 1..=31);
pub(crate) const HOUR: DatePart = (2, 0..=23);
pub(crate) const MINUTE: DatePart = (2, 0..=59);
/// With leap seconds.
pub(crate) const SECOND: DatePart = (2, 0..=60);

/// Returns the parts of a class, which stand side by side; none for classes of other kinds.
pub(crate) const fn of_class(class: Class) -> &'static [DatePart] {
    match class {
        Class::Date => &[YEAR, MONTH, DAY],
        Class::Time => &[HOUR, MINUTE, SECOND],
        Class::Year => &[YEAR],
        Class::Month => &[MONTH],
        Class::Day => &[DAY],
        Class::Hour => &[HOUR],
        Class::Minute => &[MINUTE],
        Class::Second => &[SECOND],
        _ => &[],
    }
}
