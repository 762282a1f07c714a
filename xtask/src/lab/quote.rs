// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Words for other languages: the guest's shell, QEMU's option lists.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A word as the shell reads it back, byte by byte.
pub(super) fn shell(word: &OsStr) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for &byte in word.as_bytes() {
        if byte == b'\'' {
            quoted.extend_from_slice(br"'\''");
        } else {
            quoted.push(byte);
        }
    }
    quoted.push(b'\'');
    quoted
}

/// A path as a value in one of QEMU's lists, in which a comma ends a value unless doubled.
pub(super) fn qemu(path: &Path) -> String {
    path.to_string_lossy().replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_words_survive_quotes_and_bytes_that_are_no_text() {
        assert_eq!(shell(OsStr::new("it's $HOME")), br"'it'\''s $HOME'");
        assert_eq!(shell(OsStr::from_bytes(b"\xff\n")), b"'\xff\n'");
    }

    #[test]
    fn commas_in_paths_are_doubled_for_qemu() {
        assert_eq!(qemu(Path::new("/a,b/c")), "/a,,b/c");
    }
}
