// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Finds a command as env(1) does, before anything is loaded.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::Errno;

use crate::Error;

/// The search path of `execvp` without PATH.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// A command line whose program exists and can be executed.
#[derive(Debug)]
pub struct Command {
    /// The program's file.
    pub program: PathBuf,
    /// The words, the name that was given for the program first.
    pub argv: Vec<OsString>,
}

impl Command {
    /// Finds the program of a command line in the search path `path`.
    ///
    /// # Errors
    /// [`Error::Command`] if there is no such program, or it cannot be executed.
    pub fn find(argv: Vec<OsString>, path: Option<&OsStr>) -> Result<Self, Error> {
        let name = argv.first().map(OsString::as_os_str).unwrap_or_default();
        let program = locate(name, path).map_err(|errno| Error::Command {
            name: name.to_owned(),
            errno,
        })?;
        Ok(Self { program, argv })
    }

    /// Returns a domain name made of the name that the command was called by.
    pub fn domain(&self) -> String {
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

fn locate(name: &OsStr, path: Option<&OsStr>) -> Result<PathBuf, Errno> {
    if name.is_empty() {
        return Err(Errno::NOENT);
    }
    if name.as_encoded_bytes().contains(&b'/') {
        return executable(Path::new(name)).map(|()| name.into());
    }
    let mut refused = Errno::NOENT;
    for folder in std::env::split_paths(path.unwrap_or(OsStr::new(DEFAULT_PATH))) {
        // An empty entry means the working directory.
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

    fn find(name: &str, path: &str) -> Result<Command, Errno> {
        Command::find(vec![name.into()], Some(OsStr::new(path))).map_err(|error| match error {
            Error::Command { errno, .. } => errno,
            error => panic!("{error}"),
        })
    }

    #[test]
    fn finds_a_command_in_the_path() {
        let command = find("sh", "/nowhere:/bin").unwrap();
        assert_eq!(command.program, Path::new("/bin/sh"));
        assert_eq!(command.domain(), "sh");
    }

    #[test]
    fn distinguishes_a_missing_command_from_one_without_permission() {
        assert_eq!(find("/bin", "").unwrap_err(), Errno::ACCESS);
        assert_eq!(find("passwd", "/etc").unwrap_err(), Errno::ACCESS);
        assert_eq!(find("no-such", "/etc").unwrap_err(), Errno::NOENT);
        assert_eq!(find("", "/etc").unwrap_err(), Errno::NOENT);
    }

    #[test]
    fn makes_a_domain_name_of_any_file_name() {
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
