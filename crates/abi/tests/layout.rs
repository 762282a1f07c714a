// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The mirror's layouts are the header's, as the compiler of the kernel part lays them out.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::mem::offset_of;
use std::process::{Command, Stdio};

use ambit_abi::{
    Cause, Config, Domain, DomainState, Event, Fp, Gate, Label, Member, Request, RuleAutomaton,
    RuleBit, RuleCount, RuleEvent, RuleHook, RuleSet, RuleState, Shared, SpreadCount, Stat,
    Subject, Tap, Task, Trust, TrustCause, TrustStep,
};

/// Assertions in C that a structure has this size, these fields at these places, and no others.
macro_rules! layout {
    ($out:ident, $name:literal = $type:ident { $($field:ident $(as $c:ident)?),* $(,)? }) => {
        let fields = [$((layout!(@c $field $($c)?), offset_of!($type, $field))),*];
        // Names every field: one more in the mirror does not compile.
        let _ = |one: &$type| { let $type { $($field: _),* } = one; };
        assert_struct(&mut $out, $name, size_of::<$type>(), &fields);
    };
    (@c $field:ident $c:ident) => { stringify!($c) };
    (@c $field:ident) => { stringify!($field) };
}

fn assert_struct(out: &mut String, name: &str, size: usize, fields: &[(&str, usize)]) {
    let mut assert = |what: String, value: usize| {
        writeln!(
            out,
            "_Static_assert({what} == {value}, \"{name}: {what} is not {value}\");"
        )
        .unwrap();
    };
    assert(format!("sizeof(struct {name})"), size);
    for (field, offset) in fields {
        assert(format!("offsetof(struct {name}, {field})"), *offset);
    }
    // Fields without holes between them: a field that the mirror lacks would leave one.
    for (at, (field, offset)) in fields.iter().enumerate() {
        let end = fields.get(at + 1).map_or(size, |(_, next)| *next);
        assert(
            format!("sizeof(((struct {name} *)0)->{field})"),
            end - offset,
        );
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a list of fields")]
fn every_field_is_where_the_kernel_part_has_it() {
    let mut c = String::from(
        "#include \"kernel.h\"\n#define offsetof(type, field) __builtin_offsetof(type, field)\n#include \"abi.h\"\n",
    );
    layout!(c, "ambit_fp" = Fp { lo, hi });
    layout!(c, "ambit_subject" = Subject { exe, script, via, as_name as as });
    layout!(
        c,
        "ambit_cause" = Cause {
            time_ns,
            key,
            tgid,
            arg,
            op,
            hook,
            source,
            pad
        }
    );
    layout!(
        c,
        "ambit_label" = Label {
            domain,
            flags,
            trust,
            subject,
            chain,
            next_subject,
            next_exe,
            next_first,
            cause,
            next_flags,
            taps_seen,
            serial,
            allowed_at,
            allowed_hook,
            allowed_count,
            allowed,
        }
    );
    layout!(
        c,
        "ambit_domain" = Domain {
            mode,
            flags,
            chain,
            owner_pid,
            owner_start,
            serial,
            cache_max,
            outside,
            gates,
            named,
            pad,
            name,
        }
    );
    layout!(c, "ambit_gate" = Gate { deny, kill });
    layout!(
        c,
        "ambit_domain_state" = DomainState {
            tasks,
            points,
            cached,
            full
        }
    );
    layout!(
        c,
        "ambit_stat" = Stat {
            evaluated,
            matched,
            learned,
            violations,
            gated,
            emitted,
            lost,
            suppressed,
            unrecorded,
            skipped,
        }
    );
    layout!(
        c,
        "ambit_event" = Event {
            kind,
            hook,
            domain,
            op,
            object_len,
            arg,
            mode,
            response,
            reason,
            pad,
            time_ns,
            key,
            subject,
            tgid,
            tid,
            ns_tgid,
            trust,
            extra,
            count,
            comm,
        }
    );
    layout!(c, "ambit_member" = Member { hi, origin, hits });
    layout!(
        c,
        "ambit_config" = Config {
            key0,
            key1,
            sip,
            build,
            port_low,
            port_high,
            slot_mask
        }
    );
    layout!(
        c,
        "ambit_request" = Request {
            kind,
            tgid,
            bits,
            seconds,
            start_ns
        }
    );
    layout!(
        c,
        "ambit_task" = Task {
            tgid,
            tid,
            comm,
            start_ns,
            label,
            trust
        }
    );
    layout!(
        c,
        "ambit_trust_cause" = TrustCause {
            time_ns,
            until_ns,
            detail,
            tgid,
            arg,
            op,
            hook,
            how,
            spread,
            comm
        }
    );
    layout!(c, "ambit_trust_step" = TrustStep { tgid, how, comm });
    layout!(
        c,
        "ambit_spread_count" = SpreadCount {
            spread,
            marked,
            failed
        }
    );
    layout!(
        c,
        "ambit_trust" = Trust {
            bits,
            first,
            soonest_ns,
            steps,
            owner,
            causes,
            path
        }
    );
    layout!(
        c,
        "ambit_tap" = Tap {
            time_ns,
            detail,
            bits,
            pad
        }
    );
    layout!(
        c,
        "ambit_shared" = Shared {
            clock,
            lineages,
            host_ns
        }
    );
    layout!(
        c,
        "ambit_rule_set" = RuleSet {
            generation,
            first,
            count
        }
    );
    layout!(c, "ambit_rule_state" = RuleState { generation });
    layout!(
        c,
        "ambit_rule_bit" = RuleBit {
            rule,
            actions,
            source,
            seconds
        }
    );
    layout!(
        c,
        "ambit_rule_automaton" = RuleAutomaton {
            start,
            marking,
            sinks,
            pad,
            classes,
            next,
            rows
        }
    );
    layout!(
        c,
        "ambit_rule_hook" = RuleHook {
            needs,
            numbers,
            first,
            count,
            bits_used,
            actions,
            prefilter,
            path_program,
            path_numbers,
            bits
        }
    );
    layout!(
        c,
        "ambit_rule_count" = RuleCount {
            applied,
            refused,
            lost
        }
    );
    layout!(
        c,
        "ambit_rule_event" = RuleEvent {
            time_ns,
            generation,
            cgroup,
            tgid,
            tid,
            uid,
            gid,
            arg,
            trust,
            mode,
            op,
            object_len,
            rule,
            domain,
            port,
            hook,
            actions,
            outcome,
            unrepresentable,
            exe_len,
            pad,
            comm,
            exes
        }
    );

    writeln!(
        c,
        "_Static_assert(sizeof(struct ambit_dfa_page) == {}, \"struct ambit_dfa_page\");\n\
         _Static_assert(sizeof(struct ambit_shortcut) == {}, \"struct ambit_shortcut\");",
        ambit_abi::DFA_PAGE_SIZE,
        ambit_abi::SHORTCUT_SIZE
    )
    .unwrap();

    let include = concat!(env!("CARGO_MANIFEST_DIR"), "/../../bpf/include");
    let mut clang =
        Command::new(std::env::var("AMBIT_CLANG").unwrap_or_else(|_| "clang-19".to_owned()))
            .args([
                "-target",
                "bpf",
                "-fsyntax-only",
                "-x",
                "c",
                "-I",
                include,
                "-",
            ])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
    std::io::Write::write_all(&mut clang.stdin.take().unwrap(), c.as_bytes()).unwrap();
    let output = clang.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
