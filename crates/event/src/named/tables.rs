// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Names of numbers that canonical text writes as numbers. The tables of [`crate::names`] are part of the canonical text, and
//! so of digests: they must not grow. These may.

use crate::names::{self, Table};

/// Commands of quotactl(2), without the type of quota: `Q_*` of `linux/quota.h` and `linux/dqblk_xfs.h`.
pub(super) const QUOTA_COMMANDS: [(u32, &str); 17] = [
    (0x0080_0001, "sync"),
    (0x0080_0002, "quotaon"),
    (0x0080_0003, "quotaoff"),
    (0x0080_0004, "getfmt"),
    (0x0080_0005, "getinfo"),
    (0x0080_0006, "setinfo"),
    (0x0080_0007, "getquota"),
    (0x0080_0008, "setquota"),
    (0x0080_0009, "getnextquota"),
    (0x5801, "xquotaon"),
    (0x5802, "xquotaoff"),
    (0x5803, "xgetquota"),
    (0x5804, "xsetqlim"),
    (0x5805, "xgetqstat"),
    (0x5806, "xquotarm"),
    (0x5808, "xgetqstatv"),
    (0x5809, "xgetnextquota"),
];

/// `IPPROTO_*` of `linux/in.h`.
const INET: [(u32, &str); 21] = [
    (0, "ip"),
    (4, "ipip"),
    (8, "egp"),
    (12, "pup"),
    (22, "idp"),
    (29, "tp"),
    (41, "ipv6"),
    (46, "rsvp"),
    (47, "gre"),
    (50, "esp"),
    (51, "ah"),
    (92, "mtp"),
    (94, "beetph"),
    (98, "encap"),
    (103, "pim"),
    (108, "comp"),
    (115, "l2tp"),
    (137, "mpls"),
    (143, "ethernet"),
    (144, "aggfrag"),
    (256, "smc"),
];

/// `ETH_P_*` of `linux/if_ether.h`, in network byte order, as socket(2) takes them.
const PACKET: [(u32, &str); 13] = [
    (ether(0x0001), "802_3"),
    (ether(0x0003), "all"),
    (ether(0x0004), "802_2"),
    (ether(0x0800), "ip"),
    (ether(0x0806), "arp"),
    (ether(0x8035), "rarp"),
    (ether(0x8100), "8021q"),
    (ether(0x86dd), "ipv6"),
    (ether(0x8863), "ppp_disc"),
    (ether(0x8864), "ppp_ses"),
    (ether(0x888e), "pae"),
    (ether(0x88cc), "lldp"),
    (ether(0x88f7), "1588"),
];

/// `PX_PROTO_*` of `linux/if_pppox.h`.
const PPPOX: [(u32, &str); 3] = [(0, "oe"), (1, "ol2tp"), (2, "pptp")];

/// `CAN_*` of `linux/can.h`.
const CAN: [(u32, &str); 7] = [
    (1, "raw"),
    (2, "bcm"),
    (3, "tp16"),
    (4, "tp20"),
    (5, "mcnet"),
    (6, "isotp"),
    (7, "j1939"),
];

/// `BTPROTO_*` of `net/bluetooth/bluetooth.h`.
const BLUETOOTH: [(u32, &str); 9] = [
    (0, "l2cap"),
    (1, "hci"),
    (2, "sco"),
    (3, "rfcomm"),
    (4, "bnep"),
    (5, "cmtp"),
    (6, "hidp"),
    (7, "avdtp"),
    (8, "iso"),
];

/// `PN_PROTO_*` of `linux/phonet.h`.
const PHONET: [(u32, &str); 3] = [(0, "transport"), (1, "phonet"), (2, "pipe")];

/// `CAIFPROTO_*` of `linux/caif/caif_socket.h`.
const CAIF: [(u32, &str); 6] = [
    (0, "at"),
    (1, "datagram"),
    (2, "datagram_loop"),
    (3, "util"),
    (4, "rfm"),
    (5, "debug"),
];

/// `NFC_SOCKPROTO_*` of `linux/nfc.h`.
const NFC: [(u32, &str); 2] = [(0, "raw"), (1, "llcp")];

/// `KCMPROTO_*` of `linux/kcm.h`.
const KCM: [(u32, &str); 1] = [(0, "connected")];

const fn ether(protocol: u16) -> u32 {
    // No lossless conversion is const.
    protocol.to_be() as u32
}

/// Returns the names of protocols of a family that its canonical text writes as numbers.
pub(crate) fn protocols(family: u16) -> &'static Table {
    match family {
        2 | 10 => &INET,
        17 => &PACKET,
        24 => &PPPOX,
        29 => &CAN,
        31 => &BLUETOOTH,
        35 => &PHONET,
        37 => &CAIF,
        39 => &NFC,
        41 => &KCM,
        _ => &[],
    }
}

/// Returns the name of a protocol of IP addresses that canonical text writes as a number.
pub(super) fn inet_name(protocol: u32) -> Option<&'static str> {
    names::name_of(&INET, protocol)
}

/// Returns the number of a protocol of IP addresses by a name that canonical text does not have.
pub(crate) fn inet_number(name: &str) -> Option<u32> {
    names::number_of(&INET, name)
}

/// Returns the number of a command of quotactl(2).
pub(crate) fn quota_number(name: &str) -> Option<u32> {
    names::number_of(&QUOTA_COMMANDS, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_stands_for_two_numbers_of_a_family() {
        for family in 0..64 {
            let canonical = crate::text::canonical_protocols(family);
            let all: Vec<_> = protocols(family).iter().chain(canonical).collect();
            for (number, name) in &all {
                let same = all
                    .iter()
                    .filter(|(other, theirs)| theirs == name || other == number);
                assert_eq!(same.count(), 1, "{family} {name}");
            }
        }
    }
}
