// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Finding the command as `env` would, before anything is loaded.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::Errno;

use crate::exit::{Exit, Failure};
use crate::out::shown;

/// Where `execvp` looks when there is no PATH.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// A command line whose program exists and can be executed.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) program: PathBuf,
    pub(crate) argv: Vec<OsString>,
}

impl Command {
    /// Finds the program of a command line.
    pub(crate) fn find(argv: Vec<OsString>, path: Option<&OsStr>) -> Result<Self, Failure> {
        let Some(name) = argv.first() else {
            return Err(Failure::usage(anyhow!("no command given")));
        };
        let program = locate(name, path).map_err(|errno| complain(name, errno))?;
        Ok(Self { program, argv })
    }

    /// The file name it was called by, as a name for its domain.
    pub(crate) fn domain(&self) -> String {
        let name = self.argv.first().map(Path::new).and_then(Path::file_name);
        let mut domain: String = name
            .unwrap_or_default()
            .as_encoded_bytes()
            .iter()
            .map(|&byte| match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' => char::from(byte),
                _ => '_',
            })
            .skip_while(|&c| matches!(c, '.' | '-'))
            .collect();
        domain.truncate(ambit_abi::NAME_MAX - 1);
        if domain.is_empty() {
            "workload".clone_into(&mut domain);
        }
        domain
    }
}

/// The error of a command that can't be started.
pub(crate) fn complain(name: &OsStr, errno: Errno) -> Failure {
    let shown = shown(name);
    match errno {
        Errno::NOENT => Failure::new(Exit::NotFound, anyhow!("{shown}: command not found")),
        Errno::NOEXEC => Failure::new(
            Exit::NotExecutable,
            anyhow!(
                "{shown}: not a program of this machine, and no script with a `#!` line; `sh {shown}` runs it if it is one"
            ),
        ),
        errno => Failure::new(
            Exit::NotExecutable,
            anyhow!("{shown}: cannot be executed: {errno}"),
        ),
    }
}

fn locate(name: &OsStr, path: Option<&OsStr>) -> Result<PathBuf, Errno> {
    if name.is_empty() {
        return Err(Errno::NOENT);
    }
    if name.as_encoded_bytes().contains(&b'/') {
        return executable(Path::new(name)).map(|()| name.into());
    }
    let mut refused = Errno::NOENT;
    for folder in std::env::split_paths(path.unwrap_or(OsStr::new(DEFAULT_PATH))) {
        // An empty entry is the working directory.
        let candidate = if folder.as_os_str().is_empty() {
            Path::new(".").join(name)
        } else {
            folder.join(name)
        };
        match executable(&candidate) {
            Ok(()) => return Ok(candidate),
            Err(Errno::NOENT | Errno::NOTDIR) => {}
            Err(errno) => refused = errno,
        }
    }
    Err(refused)
}

fn executable(path: &Path) -> Result<(), Errno> {
    if rustix::fs::stat(path).map(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode))?
        != rustix::fs::FileType::RegularFile
    {
        return Err(Errno::ACCESS);
    }
    accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(name: &str, path: &str) -> Result<Command, Failure> {
        Command::find(vec![name.into()], Some(OsStr::new(path)))
    }

    #[test]
    fn a_command_is_found_in_the_path() {
        let command = find("sh", "/nowhere:/bin").unwrap();
        assert_eq!(command.program, Path::new("/bin/sh"));
        assert_eq!(command.domain(), "sh");
    }

    #[test]
    fn a_folder_is_no_program() {
        let error = find("/bin", "").unwrap_err();
        assert_eq!(error.report(), Exit::NotExecutable.into());
    }

    #[test]
    fn a_command_without_permission_is_told_from_none() {
        assert_eq!(
            find("passwd", "/etc").unwrap_err().report(),
            Exit::NotExecutable.into()
        );
        assert_eq!(
            find("no-such", "/etc").unwrap_err().report(),
            Exit::NotFound.into()
        );
        assert_eq!(
            find("", "/etc").unwrap_err().report(),
            Exit::NotFound.into()
        );
    }

    #[test]
    fn any_file_name_becomes_a_domain_name() {
        let domain = |name: &str| {
            let argv = vec![name.into()];
            Command {
                program: name.into(),
                argv,
            }
            .domain()
        };
        assert_eq!(domain("/srv/my app.sh"), "my_app.sh");
        assert_eq!(domain("..."), "workload");
        assert_eq!(domain(&"x".repeat(200)).len(), 63);
        assert_eq!(domain("a\nb"), "a_b");
    }
}
