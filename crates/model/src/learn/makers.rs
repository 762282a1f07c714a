// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The makers of temporary names, as data: the characters, lengths and places of the part that they generate.
//!
//! Each row names the source file with the facts, which may have moved since. `docs/learning.md` explains how the rows are used.

/// The characters that a maker chooses from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// `A-Za-z0-9`.
    Alnum,
    /// `A-Za-z`.
    Letters,
    /// `A-Pa-p`.
    SixteenLetters,
    /// `A-Za-z0-9_`.
    Word,
    /// `a-z0-9_`.
    LowerWord,
    /// `a-z0-9`.
    Base36,
    /// `0-9a-f`.
    Hex,
    /// `0-9A-F`.
    UpperHex,
    /// `0-9`.
    Digits,
}

impl Alphabet {
    /// True if the byte is one of the characters.
    pub(super) const fn contains(self, byte: u8) -> bool {
        match self {
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Letters => byte.is_ascii_alphabetic(),
            Self::SixteenLetters => matches!(byte, b'A'..=b'P' | b'a'..=b'p'),
            Self::Word => byte.is_ascii_alphanumeric() || byte == b'_',
            Self::LowerWord => matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'),
            Self::Base36 => matches!(byte, b'a'..=b'z' | b'0'..=b'9'),
            Self::Hex => matches!(byte, b'a'..=b'f' | b'0'..=b'9'),
            Self::UpperHex => matches!(byte, b'A'..=b'F' | b'0'..=b'9'),
            Self::Digits => byte.is_ascii_digit(),
        }
    }

    /// Returns the information of one character in hundredths of a bit.
    pub(super) const fn bits(self) -> i32 {
        match self {
            Self::Alnum => 595,
            Self::Letters => 570,
            Self::SixteenLetters => 500,
            Self::Word => 598,
            Self::LowerWord => 521,
            Self::Base36 => 517,
            Self::Hex | Self::UpperHex => 400,
            Self::Digits => 332,
        }
    }
}

/// The place of the generated part in the name. An ending such as `.json` may follow it, except at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Behind any beginning, or the whole name.
    Anywhere,
    /// Directly behind one of these beginnings.
    Behind(&'static [&'static str]),
    /// At the end of a name with this beginning, behind any text.
    AtEndOf(&'static str),
    /// Behind a date, the process number and a hyphen.
    BehindProcess,
}

/// A maker of temporary names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Maker {
    /// The function or program.
    #[cfg_attr(not(test), expect(dead_code, reason = "documents the row"))]
    pub(super) name: &'static str,
    pub(super) alphabet: Alphabet,
    pub(super) lengths: &'static [usize],
    pub(super) place: Place,
    /// The mode of the file, if the maker chooses it.
    pub(super) mode: Option<u32>,
    /// True if the maker also creates directories; their mode is 0700.
    pub(super) directory: bool,
    /// Project and file with these facts.
    #[cfg_attr(not(test), expect(dead_code, reason = "documents the row"))]
    pub(super) source: &'static str,
}

const PRIVATE: Option<u32> = Some(0o600);

use Alphabet::{Alnum, Base36, Digits, Hex, Letters, LowerWord, SixteenLetters, UpperHex, Word};
use Place::{Anywhere, AtEndOf, Behind, BehindProcess};

/// The makers. Rows that differ in nothing but name and source are kept: they show which makers were examined.
#[rustfmt::skip]
pub(super) const MAKERS: &[Maker] = &[
    Maker { name: "mkstemp, mkdtemp", alphabet: Alnum, lengths: &[6], place: Anywhere, mode: PRIVATE, directory: true, source: "glibc sysdeps/posix/tempname.c" },
    Maker { name: "tempnam, tmpnam", alphabet: Alnum, lengths: &[6], place: Anywhere, mode: None, directory: false, source: "glibc stdio-common/tempnam.c, tmpnam.c" },
    Maker { name: "tmpfile", alphabet: Alnum, lengths: &[6], place: Behind(&["tmpf"]), mode: PRIVATE, directory: false, source: "glibc stdio-common/tmpfile.c" },
    Maker { name: "mkstemp, mkdtemp", alphabet: SixteenLetters, lengths: &[6], place: Anywhere, mode: PRIVATE, directory: true, source: "musl src/temp/__randname.c" },
    Maker { name: "mktemp", alphabet: Alnum, lengths: &[10], place: Behind(&["tmp."]), mode: PRIVATE, directory: true, source: "coreutils src/mktemp.c" },
    Maker { name: "mktemp TEMPLATE", alphabet: Alnum, lengths: &[8, 10, 12], place: Anywhere, mode: PRIVATE, directory: true, source: "coreutils src/mktemp.c" },
    Maker { name: "mktemp", alphabet: Alnum, lengths: &[6], place: Behind(&["tmp."]), mode: PRIVATE, directory: true, source: "busybox debianutils/mktemp.c" },
    Maker { name: "tempfile", alphabet: LowerWord, lengths: &[8], place: Behind(&["tmp"]), mode: None, directory: true, source: "CPython Lib/tempfile.py" },
    Maker { name: "tempfile, own prefix", alphabet: LowerWord, lengths: &[8], place: Anywhere, mode: PRIVATE, directory: true, source: "CPython Lib/tempfile.py" },
    Maker { name: "multiprocessing", alphabet: LowerWord, lengths: &[8], place: Behind(&["mp-", "pymp-"]), mode: PRIVATE, directory: true, source: "CPython Lib/multiprocessing/synchronize.py, util.py" },
    Maker { name: "shared_memory", alphabet: Hex, lengths: &[8], place: Behind(&["psm_"]), mode: PRIVATE, directory: false, source: "CPython Lib/multiprocessing/shared_memory.py" },
    Maker { name: "os.CreateTemp, os.MkdirTemp", alphabet: Digits, lengths: &[6, 7, 8, 9, 10], place: Anywhere, mode: PRIVATE, directory: true, source: "Go src/os/tempfile.go" },
    Maker { name: "File.createTempFile", alphabet: Digits, lengths: &[16, 17, 18, 19, 20], place: Anywhere, mode: None, directory: false, source: "OpenJDK java/io/File.java" },
    Maker { name: "Files.createTempFile", alphabet: Digits, lengths: &[16, 17, 18, 19, 20], place: Anywhere, mode: PRIVATE, directory: true, source: "OpenJDK java/nio/file/TempFileHelper.java" },
    Maker { name: "fs.mkdtemp", alphabet: Alnum, lengths: &[6], place: Anywhere, mode: None, directory: true, source: "libuv src/unix/fs.c (mkdtemp)" },
    Maker { name: "tempfile", alphabet: Alnum, lengths: &[6], place: Behind(&[".tmp", "rustc"]), mode: PRIVATE, directory: true, source: "tempfile src/lib.rs, src/util.rs" },
    Maker { name: "File::Temp", alphabet: Word, lengths: &[6, 8, 10], place: Anywhere, mode: PRIVATE, directory: true, source: "Perl File/Temp.pm" },
    Maker { name: "tempnam, tmpfile", alphabet: Alnum, lengths: &[6], place: Behind(&["php"]), mode: PRIVATE, directory: false, source: "PHP main/php_open_temporary_file.c" },
    Maker { name: "opcache", alphabet: Alnum, lengths: &[6], place: Behind(&[".ZendSem."]), mode: PRIVATE, directory: false, source: "PHP ext/opcache/zend_shared_alloc.c" },
    Maker { name: "Tempfile, Dir.mktmpdir", alphabet: Base36, lengths: &[6, 7], place: BehindProcess, mode: PRIVATE, directory: true, source: "Ruby lib/tmpdir.rb" },
    Maker { name: "tempfn_random", alphabet: Hex, lengths: &[16], place: AtEndOf(".#"), mode: None, directory: false, source: "systemd src/basic/tmpfile-util.c" },
    Maker { name: "QTemporaryFile, QSaveFile", alphabet: Letters, lengths: &[6], place: Anywhere, mode: PRIVATE, directory: true, source: "Qt src/corelib/io/qtemporaryfile.cpp" },
    Maker { name: "g_mkstemp, g_file_set_contents", alphabet: Alnum, lengths: &[6], place: Anywhere, mode: PRIVATE, directory: true, source: "GLib glib/gfileutils.c" },
    Maker { name: "objects, packs", alphabet: Alnum, lengths: &[6], place: Behind(&["tmp_obj_", "tmp_pack_", "tmp_idx_", "tmp_rev_", "tmp_mtimes_", "tmp_bitmap_"]), mode: Some(0o444), directory: false, source: "git object-file.c, pack-write.c, pack-bitmap-write.c, wrapper.c" },
    Maker { name: "rsync", alphabet: Alnum, lengths: &[6], place: Anywhere, mode: PRIVATE, directory: false, source: "rsync receiver.c (.NAME.XXXXXX)" },
    Maker { name: "sed -i", alphabet: Alnum, lengths: &[6], place: Behind(&["sed"]), mode: PRIVATE, directory: false, source: "GNU sed sed/execute.c" },
    Maker { name: "gcc", alphabet: Alnum, lengths: &[6], place: Behind(&["cc"]), mode: PRIVATE, directory: false, source: "GCC libiberty/make-temp-file.c, mkstemps.c" },
    Maker { name: "create_temp_file", alphabet: Alnum, lengths: &[6], place: Behind(&["MY", "ML", "ib"]), mode: PRIVATE, directory: false, source: "MariaDB mysys/mf_tempfile.c" },
    Maker { name: "queue ids", alphabet: UpperHex, lengths: &[8, 9, 10, 11, 12, 13, 14], place: Anywhere, mode: None, directory: false, source: "Postfix src/global/mail_queue.c (five digits of microseconds, then the inode)" },
    Maker { name: "hex digits", alphabet: Hex, lengths: &[8, 10, 12, 14, 16, 20, 24, 32, 40, 56, 64], place: Anywhere, mode: None, directory: false, source: "hashes and tokens of many programs" },
];

/// Text that programs put around the final name of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around {
    pub(super) before: &'static str,
    pub(super) after: &'static str,
    /// The program and the file with the fact.
    #[cfg_attr(not(test), expect(dead_code, reason = "documents the row"))]
    pub(super) source: &'static str,
}

/// The fixed text that may surround a final name. A generated part may follow the text before it, too.
#[rustfmt::skip]
pub(super) const AROUND: &[Around] = &[
    Around { before: "", after: "~", source: "vim src/bufwrite.c, emacs lisp/files.el: the earlier content" },
    Around { before: ".", after: ".swp", source: "vim src/memline.c" },
    Around { before: ".", after: ".swx", source: "vim src/memline.c" },
    Around { before: "#", after: "#", source: "emacs lisp/files.el: automatic copies" },
    Around { before: ".#", after: "", source: "emacs src/filelock.c: a link" },
    Around { before: "", after: ".lock", source: "git lockfile.h" },
    Around { before: "", after: ".dpkg-new", source: "dpkg lib/dpkg/dpkg.h" },
    Around { before: "", after: ".dpkg-tmp", source: "dpkg lib/dpkg/dpkg.h" },
    Around { before: "", after: ".dpkg-old", source: "dpkg lib/dpkg/dpkg.h" },
    Around { before: "", after: "-journal", source: "SQLite src/pager.c" },
    Around { before: "", after: "-wal", source: "SQLite src/wal.c" },
    Around { before: "", after: "-shm", source: "SQLite src/os_unix.c" },
    Around { before: "", after: ".part", source: "Firefox and other downloads" },
    Around { before: "", after: ".crdownload", source: "Chromium components/download" },
    Around { before: "", after: ".partial", source: "apt apt-pkg/acquire-item.cc" },
    Around { before: "", after: ".new", source: "many programs" },
    Around { before: "", after: ".tmp", source: "many programs" },
    Around { before: "", after: ".temp", source: "many programs" },
    Around { before: "", after: ".bak", source: "many programs: the earlier content" },
    Around { before: "", after: ".old", source: "many programs: the earlier content" },
    Around { before: ".", after: "", source: "rsync receiver.c (.NAME.XXXXXX)" },
    Around { before: ".~", after: "", source: "rsync options.c, LibreOffice locks" },
    Around { before: "~", after: "", source: "many programs" },
    Around { before: ".tmp-", after: "", source: "many programs" },
    Around { before: ".tmp.", after: "", source: "many programs" },
    Around { before: "tmp-", after: "", source: "many programs" },
    Around { before: "tmp.", after: "", source: "many programs" },
    Around { before: "tmp_", after: "", source: "many programs" },
    Around { before: "new-", after: "", source: "many programs" },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_source_and_characters_that_the_class_covers() {
        for maker in MAKERS {
            assert!(!maker.name.is_empty() && !maker.source.is_empty());
            assert!(!maker.lengths.is_empty(), "{}", maker.name);
            // `{tmp}` covers six or more of A-Za-z0-9_.
            assert!(maker.lengths.iter().all(|length| *length >= 6));
            let outside = |byte: &u8| maker.alphabet.contains(*byte) && !Word.contains(*byte);
            assert!(!(0..=255).any(|byte| outside(&byte)), "{}", maker.name);
        }
        assert!(AROUND.iter().all(|around| !around.source.is_empty()));
    }
}
