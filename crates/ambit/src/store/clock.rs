// SPDX-License-Identifier: Apache-2.0 OR MIT
//! From the kernel's clock to a person's.

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Where the two clocks stood at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// Nanoseconds since 1970 when the machine was started.
    boot_ns: i128,
}

impl Clock {
    pub(crate) fn now() -> Self {
        let now = nanoseconds(clock_gettime(ClockId::Realtime));
        let since_boot = nanoseconds(clock_gettime(ClockId::Boottime));
        Self {
            boot_ns: now - since_boot,
        }
    }

    /// A time of `CLOCK_BOOTTIME` as UTC: `2026-01-31T12:34:56.789Z`.
    pub(crate) fn utc(self, boottime_ns: u64) -> String {
        utc(self.boot_ns + i128::from(boottime_ns))
    }

    /// This moment, as UTC.
    pub(crate) fn now_utc() -> String {
        utc(nanoseconds(clock_gettime(ClockId::Realtime)))
    }
}

fn nanoseconds(time: Timespec) -> i128 {
    i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)
}

fn utc(nanoseconds: i128) -> String {
    let seconds = i64::try_from(nanoseconds.div_euclid(1_000_000_000)).unwrap_or(0);
    let millis = nanoseconds.rem_euclid(1_000_000_000) / 1_000_000;
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{millis:03}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// The Gregorian date of a day since 1970. Years are counted from March, so that a leap day is the last of its year.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(utc(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(utc(951_782_400_000_000_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(utc(1_798_761_599_999_999_999), "2026-12-31T23:59:59.999Z");
        assert_eq!(utc(4_107_542_400_000_000_000), "2100-03-01T00:00:00.000Z");
    }
}
