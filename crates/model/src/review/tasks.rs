// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Checks of lines about tasks, users, capabilities, mounts, namespaces and the kernel itself.

use ambit_abi::{self as abi, Op};
use ambit_event::{Object, Relation, names};

use super::context::{Cause, CauseLine, Checked};
use super::kind::FindingKind as Kind;
use super::kind::Severity;
use super::tables::capability;
use crate::{Rule, RuleObject};

const CAP_SYS_MODULE: u32 = 16;
const CAP_SYS_ADMIN: u32 = 21;
const CAP_SYS_BOOT: u32 = 22;
const CAP_BPF: u32 = 39;

fn relation(rule: &Rule) -> Option<Relation> {
    match rule.object() {
        RuleObject::Exact(Object::Relation(relation)) => Some(*relation),
        _ => None,
    }
}

/// True if the rule's new ids contain 0.
fn to_zero(rule: &Rule) -> bool {
    matches!(
        rule.object(),
        RuleObject::Exact(Object::Ids {
            real,
            effective,
            saved
        }) if [real, effective, saved].contains(&&0)
    )
}

impl<'m> Checked<'_, 'm> {
    pub(super) fn check_task(&mut self, rule: &'m Rule) {
        let operation = rule.operation();
        match operation.op {
            Op::CapUse => self.check_capability(rule),
            Op::TaskSetuid if to_zero(rule) && !self.all_creds(|uid, _| uid == 0) => {
                let text = "It can become root (uid 0).";
                self.hit(Kind::BecomesUser, Severity::High, text, rule);
            }
            Op::TaskSetgid if to_zero(rule) && !self.all_creds(|_, gid| gid == 0) => {
                let text = "It can change to the group root (gid 0).";
                self.hit(Kind::BecomesUser, Severity::Medium, text, rule);
            }
            Op::UringCreds => self.check_uring_creds(rule),
            Op::TaskPtrace => self.check_ptrace(rule),
            Op::TaskSignal if relation(rule) == Some(Relation::Outside) && operation.arg != 0 => {
                let text = "It can send signals to processes outside its domain that its user id permits. Killing Ambit's \
                            own processes stops the records, not the refusals.";
                self.hit(Kind::Signals, Severity::Medium, text, rule);
            }
            Op::TaskNice | Op::TaskScheduler | Op::TaskIoprio | Op::TaskRlimit | Op::TaskMemory
                if relation(rule) == Some(Relation::Outside) =>
            {
                let text = "It can change priorities or limits of processes outside its domain.";
                self.hit(Kind::Signals, Severity::Low, text, rule);
            }
            Op::MountMount => {
                let text =
                    "It can mount file systems: paths below these places then lead to other files.";
                self.hit(Kind::Mounts, Severity::High, text, rule);
            }
            Op::MountUmount | Op::MountPivot => {
                let text = "It can remove mounts or change the root of its mount namespace: paths then lead to other files.";
                self.hit(Kind::Mounts, Severity::Medium, text, rule);
            }
            Op::MountChroot | Op::MountType | Op::MountReconfigure => {
                let text = "It can change its root directory or prepare mounts.";
                self.hit(Kind::Mounts, Severity::Low, text, rule);
            }
            Op::NsUser => {
                let text = "It can make user namespaces, in which it has all capabilities: more of the kernel can be attacked.";
                self.hit(Kind::Namespaces, Severity::Medium, text, rule);
            }
            Op::UringSetup | Op::UringSqpoll | Op::UringCmd => {
                let text = "It can use io_uring, a large part of the kernel that can be attacked; its operations are decided as others.";
                self.hit(Kind::Uring, Severity::Medium, text, rule);
            }
            _ => self.check_kernel(rule),
        }
    }

    pub(super) fn check_creds(&mut self) {
        if self.entry.creds.is_empty() {
            let text = "The map does not restrict its credentials, so it may run as root.";
            self.push(Kind::Root, Severity::Low, text, Vec::new());
        }
        let root = self.entry.creds.iter().filter(|creds| creds.uid == 0);
        let causes: Vec<Cause<'m>> = root
            .map(|creds| Cause {
                subject: Some(self.subject),
                line: CauseLine::Key(format!("creds: {creds}")),
            })
            .collect();
        if !causes.is_empty() {
            let text = "It runs as root (uid 0): files of root are its own.";
            self.push(Kind::Root, Severity::Low, text, causes);
        }
    }

    /// True if it has credentials and all of them pass.
    fn all_creds(&self, pass: impl Fn(u32, u32) -> bool) -> bool {
        let creds = &self.entry.creds;
        !creds.is_empty() && creds.iter().all(|creds| pass(creds.uid, creds.gid))
    }

    fn check_capability(&mut self, rule: &'m Rule) {
        let number = rule.operation().arg;
        let name = names::name_of(&names::CAPABILITIES, number)
            .map_or_else(|| number.to_string(), str::to_uppercase);
        let Some(row) = capability(number) else {
            let text =
                format!("It can use the capability {name}, which this release does not know.");
            self.hit(Kind::Capability, Severity::Medium, text, rule);
            return;
        };
        let needed = row.needs.is_empty()
            || self.may_do(
                |op| row.needs.contains(&op),
                |rule| match rule.operation().op {
                    Op::TaskSignal | Op::TaskPtrace => {
                        !matches!(relation(rule), Some(Relation::Own | Relation::Child))
                    }
                    Op::TaskSetuid | Op::TaskSetgid => to_zero(rule),
                    Op::FileMknod => rule.operation().arg != abi::NODE_FIFO,
                    Op::NetSocket => matches!(
                        rule.object(),
                        RuleObject::Exact(Object::Socket { family, kind, .. })
                            if *family == 17 || *kind == 3 && *family != 16
                    ),
                    _ => true,
                },
            );
        let (severity, end) = if !self.may_have(number) {
            (Severity::Low, "; its listed credentials do not have it")
        } else if needed {
            (row.severity, "")
        } else {
            (
                row.severity.min(Severity::Low),
                "; the map has no line that this needs",
            )
        };
        let text = format!("It can use CAP_{name} ({}){end}.", row.effect);
        self.hit(Kind::Capability, severity, text, rule);
        if [CAP_BPF, CAP_SYS_ADMIN].contains(&number)
            && self.may_have(number)
            && !self.context.decides(Op::KernelBpf)
        {
            let text = "It can use bpf(2), which the map's coverage does not include, with the capability to undo Ambit.";
            self.hit(Kind::UndoesAmbit, Severity::Critical, text, rule);
        }
    }

    fn check_uring_creds(&mut self, rule: &'m Rule) {
        if let RuleObject::Exact(Object::Creds(creds)) = rule.object()
            && creds.uid == 0
            && !self.all_creds(|uid, _| uid == 0)
        {
            let text = "It can act as root by io_uring, with credentials that were registered.";
            self.hit(Kind::BecomesUser, Severity::High, text, rule);
        }
    }

    fn check_ptrace(&mut self, rule: &'m Rule) {
        let attach = rule.operation().arg == abi::PTRACE_ATTACH;
        let (severity, text) = match relation(rule) {
            Some(Relation::Outside) if attach => (
                Severity::Critical,
                "It can take over processes outside its domain that its user id permits.",
            ),
            Some(Relation::Outside) if rule.operation().arg == abi::PTRACE_READ => (
                Severity::Medium,
                "It can inspect the environment and memory layout of processes outside its domain.",
            ),
            Some(Relation::Domain) if attach => (
                Severity::High,
                "It can take over other tasks of its domain, and so act as their subjects.",
            ),
            Some(Relation::Child) if attach => (
                Severity::Medium,
                "It can take over the tasks that it starts, and so act as their subjects.",
            ),
            _ => return,
        };
        self.hit(Kind::Traces, severity, text, rule);
    }

    fn check_kernel(&mut self, rule: &'m Rule) {
        let arg = rule.operation().arg;
        let (kind, severity, text) = match rule.operation().op {
            Op::KernelRead | Op::KernelLoad => {
                let (severity, what, capabilities) = match arg {
                    abi::LOAD_MODULE => (Severity::Critical, "modules", &[CAP_SYS_MODULE][..]),
                    abi::LOAD_KEXEC | abi::LOAD_INITRAMFS => {
                        (Severity::Critical, "another kernel", &[CAP_SYS_BOOT][..])
                    }
                    _ => (
                        Severity::Medium,
                        "firmware, policies or certificates",
                        &[][..],
                    ),
                };
                if !capabilities.is_empty() && !self.may_use(capabilities) {
                    let text =
                        format!("It could load {what} into the kernel if it had the capability.");
                    return self.hit(Kind::Kernel, Severity::Low, text, rule);
                }
                let text = format!("It can load {what} into the kernel.");
                return self.hit(Kind::Kernel, severity, text, rule);
            }
            Op::KernelBpf if self.may_use(&[CAP_BPF, CAP_SYS_ADMIN]) => (
                Kind::UndoesAmbit,
                Severity::Critical,
                "It can use bpf(2) with CAP_BPF or CAP_SYS_ADMIN, which suffices to undo Ambit.",
            ),
            Op::KernelBpf => (
                Kind::Kernel,
                Severity::Low,
                "It can call bpf(2) without capabilities, for which the kernel refuses most commands.",
            ),
            Op::KernelPerf => (
                Kind::Kernel,
                Severity::Medium,
                "It can open performance counters, which observe other code.",
            ),
            Op::KernelUserfault => (
                Kind::Kernel,
                Severity::Medium,
                "It can pause the kernel's accesses to its memory (userfaultfd), which makes kernel faults easier to exploit.",
            ),
            Op::KernelSettime => (
                Kind::Kernel,
                Severity::Medium,
                "It can set the clock, on which certificates and logs depend.",
            ),
            Op::KernelSyslog => (
                Kind::Kernel,
                Severity::Low,
                "It can read or change the kernel's log.",
            ),
            _ => return,
        };
        self.hit(kind, severity, text, rule);
    }
}
