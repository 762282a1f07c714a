// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Paths in canonical form.

use ambit_abi::{CLASS_NUM, CLASS_PID, CLASS_SELF, CLASS_TMPFILE, PATH_MAX};

use crate::ObjectError;

/// Replaces a name that differs from run to run. The kernel part writes it as a NUL and a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Marker {
    /// Own process number in procfs.
    Own,
    /// Another process number in procfs.
    Pid,
    /// Any other number in procfs, a number in devpts.
    Num,
    /// A file made with `O_TMPFILE`.
    Tmpfile,
}

impl Marker {
    /// Every marker.
    pub const ALL: [Self; 4] = [Self::Own, Self::Pid, Self::Num, Self::Tmpfile];

    /// Returns the letter after the NUL.
    pub const fn letter(self) -> u8 {
        match self {
            Self::Own => CLASS_SELF,
            Self::Pid => CLASS_PID,
            Self::Num => CLASS_NUM,
            Self::Tmpfile => CLASS_TMPFILE,
        }
    }

    /// Returns the marker of a letter.
    pub fn from_letter(letter: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|marker| marker.letter() == letter)
    }

    /// Returns the class's name, as in `{self}`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Own => "self",
            Self::Pid => "pid",
            Self::Num => "n",
            Self::Tmpfile => "tmpfile",
        }
    }
}

/// An absolute path as the workload sees it, with markers for names that differ from run to run. At most [`PATH_MAX`] less the
/// kind byte, no empty component, no `.` or `..`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(Box<[u8]>);

impl Path {
    /// Checks the bytes of a path.
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Result<Self, ObjectError> {
        let bytes = bytes.into();
        check(&bytes)?;
        Ok(Self(bytes))
    }

    /// Returns the bytes, markers included.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the components in order; none for the root.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0
            .split(|byte| *byte == b'/')
            .filter(|component| !component.is_empty())
    }

    /// Returns the last component; empty for the root.
    pub fn file_name(&self) -> &[u8] {
        self.0
            .rsplit(|byte| *byte == b'/')
            .next()
            .unwrap_or_default()
    }

    /// Returns the path without its last component and the slash before it; empty for files in the root directory.
    pub fn parent_bytes(&self) -> &[u8] {
        let end = self.0.len().saturating_sub(self.file_name().len() + 1);
        self.0.get(..end).unwrap_or_default()
    }

    /// Returns the bytes with the names of markers in braces, such as `{self}`.
    pub fn with_names(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.0.len());
        let mut bytes = self.0.iter();
        while let Some(byte) = bytes.next() {
            let marker = (*byte == 0)
                .then(|| bytes.next().copied().and_then(Marker::from_letter))
                .flatten();
            match marker {
                Some(marker) => {
                    out.push(b'{');
                    out.extend_from_slice(marker.name().as_bytes());
                    out.push(b'}');
                }
                None => out.push(*byte),
            }
        }
        out
    }

    /// True if it contains a marker.
    pub fn has_marker(&self) -> bool {
        self.0.contains(&0)
    }
}

impl std::fmt::Debug for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Path({})", crate::escape::name(&self.0))
    }
}

fn check(bytes: &[u8]) -> Result<(), ObjectError> {
    if bytes.len() >= PATH_MAX {
        return Err(ObjectError::TooLong(bytes.len() + 1));
    }
    let Some(rest) = bytes.strip_prefix(b"/") else {
        return Err(ObjectError::NotAbsolute);
    };
    if rest.is_empty() {
        return Ok(());
    }
    for component in rest.split(|byte| *byte == b'/') {
        match component {
            [] => return Err(ObjectError::EmptyComponent),
            b"." | b".." => return Err(ObjectError::DotComponent),
            _ => {}
        }
        let mut bytes = component.iter();
        while let Some(byte) = bytes.next() {
            if *byte == 0
                && bytes
                    .next()
                    .copied()
                    .and_then(Marker::from_letter)
                    .is_none()
            {
                return Err(ObjectError::BadMarker);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_components() {
        let path = Path::new(&b"/proc/\0s/fd"[..]).unwrap();
        assert_eq!(
            path.components().collect::<Vec<_>>(),
            [&b"proc"[..], b"\0s", b"fd"]
        );
        assert_eq!(path.file_name(), b"fd");
        assert_eq!(path.parent_bytes(), b"/proc/\0s");
        assert_eq!(Path::new(&b"/"[..]).unwrap().file_name(), b"");
    }

    #[test]
    fn refuses_what_no_kernel_path_can_be() {
        for (bytes, error) in [
            (&b"a"[..], ObjectError::NotAbsolute),
            (b"", ObjectError::NotAbsolute),
            (b"/a//b", ObjectError::EmptyComponent),
            (b"/a/", ObjectError::EmptyComponent),
            (b"/a/../b", ObjectError::DotComponent),
            (b"/a\0", ObjectError::BadMarker),
            (b"/a\0q", ObjectError::BadMarker),
        ] {
            assert_eq!(Path::new(bytes), Err(error));
        }
        assert_eq!(
            Path::new(vec![b'/'; PATH_MAX]),
            Err(ObjectError::TooLong(PATH_MAX + 1))
        );
    }
}
