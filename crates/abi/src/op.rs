// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Operations and their families.

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
        /// Send a signal; the argument is its number.
        TaskSignal = 0x0401 "task.signal",
        /// Trace; the argument is one of `PTRACE_*`.
        TaskPtrace = 0x0402 "task.ptrace",
        /// Change user ids.
        TaskSetuid = 0x0403 "task.setuid",
        /// Change group ids.
        TaskSetgid = 0x0404 "task.setgid",
        /// Use a capability; the argument is its number.
        CapUse = 0x0501 "cap.use",
        /// Not an operation: fingerprints an executable's or a script's object.
        Name = 0x7f01 "name",
        /// Not an operation: fingerprints a `struct ambit_subject`.
        Subject = 0x7f02 "subject",
    }
}

impl Op {
    /// The family, or `None` for what is not an operation.
    pub fn family(self) -> Option<Family> {
        let [_, high] = u16::from(self).to_le_bytes();
        Family::try_from(high).ok()
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
    fn every_operation_has_its_own_name() {
        for op in Op::ALL {
            assert_eq!(Op::from_name(op.name()), Some(*op));
            assert_eq!(Op::try_from(u16::from(*op)), Ok(*op));
        }
    }
}
