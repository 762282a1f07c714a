// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Kernel times as UTC.

use rustix::time::{ClockId, Timespec, clock_gettime};
use time::OffsetDateTime;

/// The difference between `CLOCK_REALTIME` and `CLOCK_BOOTTIME` at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Nanoseconds from 1970 to the machine's start.
    boot_ns: i128,
}

impl Clock {
    /// Reads both clocks.
    pub fn now() -> Self {
        let now = nanoseconds(clock_gettime(ClockId::Realtime));
        let since_boot = nanoseconds(clock_gettime(ClockId::Boottime));
        Self {
            boot_ns: now - since_boot,
        }
    }

    /// Converts nanoseconds of `CLOCK_BOOTTIME` to UTC text: `2026-01-31T12:34:56.789Z`.
    pub fn utc(self, boottime_ns: u64) -> String {
        utc(self.boot_ns + i128::from(boottime_ns))
    }

    /// Returns the present time as UTC text.
    pub fn now_utc() -> String {
        utc(nanoseconds(clock_gettime(ClockId::Realtime)))
    }
}

fn nanoseconds(time: Timespec) -> i128 {
    i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)
}

/// UTC text of nanoseconds since 1970; the epoch itself for times outside the calendar's range.
fn utc(nanoseconds: i128) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converts_times_to_gregorian_dates() {
        assert_eq!(utc(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(utc(951_782_400_000_000_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(utc(1_798_761_599_999_999_999), "2026-12-31T23:59:59.999Z");
        assert_eq!(utc(4_107_542_400_000_000_000), "2100-03-01T00:00:00.000Z");
        assert_eq!(utc(i128::MAX), "1970-01-01T00:00:00.000Z");
    }
}
