// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Operations and their families.

use crate::{Coverage, FCNTL_OWNER, FCNTL_SIGNAL, Hook, SOCKOPT_ROUTE};

wire_enum! {
    /// What a table of responses distinguishes (`enum ambit_family`).
    Family: u8, "family" {
        /// Starting programs.
        Exec = 0 "exec",
        /// Files and directories.
        File = 1 "file",
        /// Executable memory.
        Map = 2 "map",
        /// Sockets.
        Net = 3 "net",
        /// Other tasks, and one's own ids.
        Task = 4 "task",
        /// Capabilities.
        Cap = 5 "cap",
        /// Mounts and roots.
        Mount = 6 "mount",
        /// Namespaces.
        Ns = 7 "ns",
        /// System V IPC.
        Ipc = 8 "ipc",
        /// Keys.
        Key = 9 "key",
        /// The kernel itself: programs, modules, clock, log.
        Kernel = 10 "kernel",
        /// `io_uring`.
        Uring = 11 "uring",
    }
}

wire_enum! {
    /// An operation (`enum ambit_op`); the family is in the high byte.
    Op: u16, "operation" {
        /// Start a program.
        Exec = 0x0001 "exec",
        /// An executable's digest; holds for the whole domain.
        ExecDigest = 0x0002 "exec.digest",
        /// The credentials a subject runs with.
        ExecCreds = 0x0003 "exec.creds",
        /// Open a file; the argument is a mask of `OPEN_*`.
        FileOpen = 0x0101 "file.open",
        /// Create a file; the argument is a mask of `SETID_*`.
        FileCreate = 0x0102 "file.create",
        /// Remove a file.
        FileUnlink = 0x0103 "file.unlink",
        /// Rename; the argument is one of `END_*`.
        FileRename = 0x0104 "file.rename",
        /// Make a hard link; the argument is one of `END_*`.
        FileLink = 0x0105 "file.link",
        /// Make a symbolic link.
        FileSymlink = 0x0106 "file.symlink",
        /// Make a directory.
        FileMkdir = 0x0107 "file.mkdir",
        /// Remove a directory.
        FileRmdir = 0x0108 "file.rmdir",
        /// Make a special file; the argument is one of `NODE_*`.
        FileMknod = 0x0109 "file.mknod",
        /// Cut a file.
        FileTruncate = 0x010a "file.truncate",
        /// Change a file's mode; the argument is a mask of `SETID_*`.
        FileChmod = 0x010b "file.chmod",
        /// Change a file's owner.
        FileChown = 0x010c "file.chown",
        /// Device control; the argument is the request number.
        FileIoctl = 0x010d "file.ioctl",
        /// Set an extended attribute, an ACL included; the object is its name.
        FileSetxattr = 0x010e "file.setxattr",
        /// Remove an extended attribute, an ACL included; the object is its name.
        FileRemovexattr = 0x010f "file.removexattr",
        /// Have a descriptor send signals, or lease it; the argument is one of `FCNTL_*`.
        FileFcntl = 0x0110 "file.fcntl",
        /// Lock a file; only gated.
        FileLock = 0x0111 "file.lock",
        /// Take a descriptor that was passed over a socket; the argument is a mask of `OPEN_*`.
        FileReceive = 0x0112 "file.receive",
        /// Keep a descriptor over exec that the program did not open; the argument is a mask of `OPEN_*`.
        FileInherit = 0x0113 "file.inherit",
        /// Map a file executable; the argument is a mask of `MAP_*`.
        MapExec = 0x0201 "map.exec",
        /// Make anonymous memory executable.
        MapAnon = 0x0202 "map.anon",
        /// Make a socket.
        NetSocket = 0x0301 "net.socket",
        /// Bind a socket.
        NetBind = 0x0302 "net.bind",
        /// Connect a socket.
        NetConnect = 0x0303 "net.connect",
        /// Listen; the object is the local address.
        NetListen = 0x0304 "net.listen",
        /// Accept; the object is the local address.
        NetAccept = 0x0305 "net.accept",
        /// Send to an address.
        NetSend = 0x0306 "net.send",
        /// Make a tunnel device.
        NetTun = 0x0307 "net.tun",
        /// Set a socket option that matters; the argument is one of `SOCKOPT_*`.
        NetOption = 0x0308 "net.option",
        /// Send a netlink message; only gated.
        NetNetlink = 0x0309 "net.netlink",
        /// Send a signal; the argument is its number.
        TaskSignal = 0x0401 "task.signal",
        /// Trace; the argument is one of `PTRACE_*`.
        TaskPtrace = 0x0402 "task.ptrace",
        /// Change user ids.
        TaskSetuid = 0x0403 "task.setuid",
        /// Change group ids.
        TaskSetgid = 0x0404 "task.setgid",
        /// Change another task's priority.
        TaskNice = 0x0405 "task.nice",
        /// Change another task's scheduling.
        TaskScheduler = 0x0406 "task.scheduler",
        /// Change another task's I/O priority.
        TaskIoprio = 0x0407 "task.ioprio",
        /// Change another task's limit; the argument is the resource.
        TaskRlimit = 0x0408 "task.rlimit",
        /// Change an attribute of the process that matters; the argument is one of `PRCTL_*`.
        TaskPrctl = 0x0409 "task.prctl",
        /// Move another task's memory between nodes.
        TaskMemory = 0x040a "task.memory",
        /// Use a capability; the argument is its number.
        CapUse = 0x0501 "cap.use",
        /// Mount; the argument is one of `MOUNT_*`.
        MountMount = 0x0601 "mount.mount",
        /// Make a file system of this type to be mounted.
        MountType = 0x0602 "mount.type",
        /// Change options of a mounted file system of this type.
        MountReconfigure = 0x0603 "mount.reconfigure",
        /// Unmount.
        MountUmount = 0x0604 "mount.umount",
        /// Make this the root of the mount namespace.
        MountPivot = 0x0605 "mount.pivot",
        /// Make this the task's root.
        MountChroot = 0x0606 "mount.chroot",
        /// Make a user namespace.
        NsUser = 0x0701 "ns.user",
        /// System V shared memory; the argument is one of `IPC_*`.
        IpcShm = 0x0801 "ipc.shm",
        /// System V semaphores; the argument is one of `IPC_*`.
        IpcSem = 0x0802 "ipc.sem",
        /// System V message queues; the argument is one of `IPC_*`.
        IpcMsg = 0x0803 "ipc.msg",
        /// Make a key of this type.
        KeyAdd = 0x0901 "key.add",
        /// Use a key of this type; the argument is one of `KEY_*`.
        KeyUse = 0x0902 "key.use",
        /// Call bpf(2); the argument is the command.
        KernelBpf = 0x0a01 "kernel.bpf",
        /// Have the kernel read a file for itself; the argument is one of `LOAD_*`.
        KernelRead = 0x0a02 "kernel.read",
        /// Hand the kernel data for itself; the argument is one of `LOAD_*`.
        KernelLoad = 0x0a03 "kernel.load",
        /// Have the kernel load a module that an operation needs; only gated.
        KernelRequest = 0x0a04 "kernel.request",
        /// Open a performance counter.
        KernelPerf = 0x0a05 "kernel.perf",
        /// What lockdown would forbid; only gated.
        KernelLockdown = 0x0a06 "kernel.lockdown",
        /// Read or change the kernel's log; the argument is the action.
        KernelSyslog = 0x0a07 "kernel.syslog",
        /// Set the clock.
        KernelSettime = 0x0a08 "kernel.settime",
        /// Call quotactl(2); the argument is the command.
        KernelQuota = 0x0a09 "kernel.quota",
        /// Make a userfaultfd.
        KernelUserfault = 0x0a0a "kernel.userfault",
        /// Make an `io_uring`.
        UringSetup = 0x0b01 "uring.setup",
        /// Have a kernel thread submit.
        UringSqpoll = 0x0b02 "uring.sqpoll",
        /// Act with other credentials that were registered.
        UringCreds = 0x0b03 "uring.creds",
        /// Pass a command to a file's driver; the argument is its number.
        UringCmd = 0x0b04 "uring.cmd",
        /// Not an operation: fingerprints an executable's or a script's object.
        Name = 0x7f01 "name",
        /// Not an operation: fingerprints a `struct ambit_subject`.
        Subject = 0x7f02 "subject",
    }
}

impl Op {
    /// Returns the family, or `None` for a fingerprint that is no operation.
    pub fn family(self) -> Option<Family> {
        let [_, high] = u16::from(self).to_le_bytes();
        Family::try_from(high).ok()
    }

    /// The coverage from which on it is decided.
    pub fn coverage(self) -> Coverage {
        // Decided at a hook of the core, but only for domains of full coverage.
        if matches!(self, Self::FileInherit | Self::UringSetup | Self::TaskPrctl) {
            return Coverage::Full;
        }
        Hook::ALL
            .iter()
            .filter(|hook| hook.ops().contains(&self))
            .map(|hook| hook.coverage())
            .min()
            .unwrap_or_default()
    }

    /// The coverage from which on it is decided with this argument.
    pub fn coverage_of(self, arg: u32) -> Coverage {
        match self {
            Self::FileFcntl if !matches!(arg, FCNTL_OWNER | FCNTL_SIGNAL) => Coverage::Full,
            Self::NetOption if arg != SOCKOPT_ROUTE => Coverage::Full,
            _ => self.coverage(),
        }
    }

    /// True if it occurs unpredictably: no map has it, and only untrusted tasks are refused it.
    pub const fn gated_only(self) -> bool {
        matches!(
            self,
            Self::FileLock | Self::NetNetlink | Self::KernelRequest | Self::KernelLockdown
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_family_is_the_high_byte() {
        assert_eq!(Op::Exec.family(), Some(Family::Exec));
        assert_eq!(Op::FileIoctl.family(), Some(Family::File));
        assert_eq!(Op::CapUse.family(), Some(Family::Cap));
        assert_eq!(Op::Subject.family(), None);
    }

    #[test]
    fn the_core_decides_programs_files_and_sockets_and_full_coverage_the_rest() {
        for op in [
            Op::Exec,
            Op::ExecCreds,
            Op::FileCreate,
            Op::MapExec,
            Op::NetBind,
        ] {
            assert_eq!(op.coverage(), Coverage::Core, "{op:?}");
        }
        for op in [
            Op::FileInherit,
            Op::FileReceive,
            Op::MountMount,
            Op::UringCmd,
        ] {
            assert_eq!(op.coverage(), Coverage::Full, "{op:?}");
        }
    }

    #[test]
    fn every_operation_has_its_own_name() {
        for op in Op::ALL {
            assert_eq!(Op::from_name(op.name()), Some(*op));
            assert_eq!(Op::try_from(u16::from(*op)), Ok(*op));
        }
    }
}
