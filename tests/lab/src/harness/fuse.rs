// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A small FUSE server: read-only files with any name, also longer than other file systems allow, and files that never
//! answer a read.

use std::ffi::CString;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

/// The number of the root in the protocol.
const ROOT: u64 = 1;
/// Longest time that the kernel keeps names and attributes, in seconds.
const VALID: u64 = 3600;
/// Room for one request: the protocol needs at least 8 KiB, and more than a path.
const REQUEST_BYTES: usize = 1 << 17;
/// `struct fuse_in_header`
const HEADER: usize = 40;

const FOLDER_MODE: u32 = libc::S_IFDIR | 0o755;
const FILE_MODE: u32 = libc::S_IFREG | 0o755;

/// A file or folder; its number is its place in the list, plus [`ROOT`].
struct Node {
    parent: u64,
    name: Vec<u8>,
    content: Content,
}

enum Content {
    Folder,
    File(Vec<u8>),
    /// Has a page, and does not answer when it is read.
    Silent,
}

/// The files of a file system that is not mounted yet.
pub(crate) struct FuseFiles(Vec<Node>);

impl FuseFiles {
    pub(crate) fn new() -> Self {
        Self(vec![Node {
            parent: 0,
            name: Vec::new(),
            content: Content::Folder,
        }])
    }

    /// Adds a file with a path below the root.
    pub(crate) fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.add(path, Content::File(content.into()));
        self
    }

    /// Adds a file that never answers a read.
    pub(crate) fn silent(mut self, path: &str) -> Self {
        self.add(path, Content::Silent);
        self
    }

    fn add(&mut self, path: &str, content: Content) {
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut parent = ROOT;
        for folder in folders.split('/').filter(|folder| !folder.is_empty()) {
            parent = match self.find(parent, folder.as_bytes()) {
                Some(number) => number,
                None => self.push(parent, folder, Content::Folder),
            };
        }
        self.push(parent, name, content);
    }

    fn push(&mut self, parent: u64, name: &str, content: Content) -> u64 {
        self.0.push(Node {
            parent,
            name: name.as_bytes().to_vec(),
            content,
        });
        self.0.len() as u64
    }

    fn find(&self, parent: u64, name: &[u8]) -> Option<u64> {
        let at = self
            .0
            .iter()
            .position(|node| node.parent == parent && node.name == name)?;
        Some(at as u64 + ROOT)
    }

    fn node(&self, number: u64) -> Option<&Node> {
        self.0.get(usize::try_from(number - ROOT).ok()?)
    }

    /// `struct fuse_attr`
    fn attributes(&self, number: u64) -> Option<Vec<u8>> {
        let (mode, size) = match &self.node(number)?.content {
            Content::Folder => (FOLDER_MODE, 0),
            Content::File(bytes) => (FILE_MODE, bytes.len() as u64),
            Content::Silent => (FILE_MODE, 4096),
        };
        let mut bytes = Vec::new();
        // Number, size, blocks, three times.
        for value in [number, size, size.div_ceil(512), 0, 0, 0] {
            bytes.extend_from_slice(&value.to_ne_bytes());
        }
        // Fractions of the times, mode, links, user, group, device, block size, flags.
        for value in [0, 0, 0, mode, 1, 0, 0, 0, 4096, 0] {
            bytes.extend_from_slice(&value.to_ne_bytes());
        }
        Some(bytes)
    }

    /// Returns the answer to a request, or the number of an error.
    fn answer(&self, request: &Request<'_>) -> Result<Answer, i32> {
        let missing = libc::ENOENT;
        Ok(Answer::Bytes(match request.kind {
            Request::LOOKUP => {
                let name = request.body.strip_suffix(b"\0").unwrap_or(request.body);
                let number = self.find(request.node, name).ok_or(missing)?;
                // struct fuse_entry_out: number, generation, two times of validity and their fractions, attributes
                let head = [number, 0, VALID, VALID, 0].map(u64::to_ne_bytes).concat();
                [head, self.attributes(number).ok_or(missing)?].concat()
            }
            Request::GETATTR => {
                // struct fuse_attr_out: time of validity and its fraction, attributes
                let head = [VALID, 0].map(u64::to_ne_bytes).concat();
                [head, self.attributes(request.node).ok_or(missing)?].concat()
            }
            // struct fuse_open_out: handle, flags
            Request::OPEN => vec![0; 16],
            Request::READ => {
                // struct fuse_read_in: handle, offset, size
                let number = |at: usize| request.number(at).ok_or(libc::EINVAL);
                let start = usize::try_from(number(8)?).map_err(|_| libc::EINVAL)?;
                let size = usize::try_from(number(16)? & 0xffff_ffff).map_err(|_| libc::EINVAL)?;
                match &self.node(request.node).ok_or(missing)?.content {
                    Content::File(bytes) => {
                        let rest = bytes.get(start..).unwrap_or_default();
                        rest[..size.min(rest.len())].to_vec()
                    }
                    Content::Silent => return Ok(Answer::Never),
                    Content::Folder => return Err(libc::EISDIR),
                }
            }
            Request::FLUSH | Request::RELEASE | Request::DESTROY => Vec::new(),
            Request::INIT => init(),
            Request::FORGET | Request::BATCH_FORGET | Request::INTERRUPT => {
                return Ok(Answer::None);
            }
            _ => return Err(libc::ENOSYS),
        }))
    }
}

enum Answer {
    Bytes(Vec<u8>),
    /// The protocol has no answer to it.
    None,
    /// The caller waits until the file system is unmounted.
    Never,
}

struct Request<'a> {
    kind: u32,
    unique: u64,
    node: u64,
    body: &'a [u8],
}

impl<'a> Request<'a> {
    const LOOKUP: u32 = 1;
    const FORGET: u32 = 2;
    const GETATTR: u32 = 3;
    const OPEN: u32 = 14;
    const READ: u32 = 15;
    const RELEASE: u32 = 18;
    const FLUSH: u32 = 25;
    const INIT: u32 = 26;
    const INTERRUPT: u32 = 36;
    const DESTROY: u32 = 38;
    const BATCH_FORGET: u32 = 42;

    /// `struct fuse_in_header`: length, kind, unique number, node, and numbers of the caller.
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let whole = Request {
            kind: 0,
            unique: 0,
            node: 0,
            body: bytes,
        };
        Some(Self {
            kind: u32::from_ne_bytes(bytes.get(4..8)?.try_into().ok()?),
            unique: whole.number(8)?,
            node: whole.number(16)?,
            body: bytes.get(HEADER..)?,
        })
    }

    fn number(&self, at: usize) -> Option<u64> {
        let bytes = self.body.get(at..at + 8)?;
        Some(u64::from_ne_bytes(bytes.try_into().ok()?))
    }
}

/// `struct fuse_init_out`: the version with 64 bytes of it, no optional feature.
fn init() -> Vec<u8> {
    let mut bytes = Vec::new();
    for value in [7_u32, 31, 4096, 0] {
        bytes.extend_from_slice(&value.to_ne_bytes());
    }
    // Requests in the background, and where the kernel slows down: more than a test has.
    for value in [1024_u16, 1024] {
        bytes.extend_from_slice(&value.to_ne_bytes());
    }
    // Longest write, granularity of times.
    for value in [4096_u32, 1] {
        bytes.extend_from_slice(&value.to_ne_bytes());
    }
    bytes.resize(64, 0);
    bytes
}

/// A mounted file system, until this is dropped. Then reads that were not answered fail.
pub(crate) struct Fuse {
    path: CString,
    waiting: Arc<AtomicUsize>,
    server: Option<JoinHandle<()>>,
}

impl Fuse {
    /// Mounts files on a folder, and serves them in a thread. `None` if the kernel has no FUSE.
    pub(crate) fn mount(path: &str, files: FuseFiles) -> Option<Self> {
        std::fs::create_dir_all(path).expect("cannot make a folder");
        // SAFETY: a C string and flags.
        let device = unsafe { libc::open(c"/dev/fuse".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) };
        if device < 0 {
            return None;
        }
        // SAFETY: `open` has just returned this descriptor; nothing else owns it.
        let device = unsafe { OwnedFd::from_raw_fd(device) };
        let options = format!(
            "fd={},rootmode={FOLDER_MODE:o},user_id=0,group_id=0,allow_other",
            device.as_raw_fd()
        );
        let options = CString::new(options).expect("no NUL");
        let path = CString::new(path).expect("no NUL");
        // SAFETY: C strings that live through the call.
        let mounted = unsafe {
            libc::mount(
                c"lab".as_ptr(),
                path.as_ptr(),
                c"fuse".as_ptr(),
                0,
                options.as_ptr().cast(),
            )
        };
        assert_eq!(
            mounted,
            0,
            "cannot mount: {}",
            std::io::Error::last_os_error()
        );
        let waiting = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&waiting);
        let server = std::thread::spawn(move || serve(&device, &files, &count));
        Some(Self {
            path,
            waiting,
            server: Some(server),
        })
    }

    /// Returns the number of reads that got no answer.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }
}

impl Drop for Fuse {
    fn drop(&mut self) {
        // MNT_FORCE ends the connection, so that the server's next read fails.
        // SAFETY: a C string and flags.
        unsafe { libc::umount2(self.path.as_ptr(), libc::MNT_FORCE) };
        // SAFETY: as above.
        unsafe { libc::umount2(self.path.as_ptr(), libc::MNT_DETACH) };
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

/// Answers requests until the file system is unmounted.
fn serve(device: &OwnedFd, files: &FuseFiles, waiting: &AtomicUsize) {
    let mut buffer = vec![0_u8; REQUEST_BYTES];
    loop {
        // SAFETY: a live buffer and its length.
        let length =
            unsafe { libc::read(device.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) };
        let Ok(length) = usize::try_from(length) else {
            match std::io::Error::last_os_error().raw_os_error() {
                // The request was interrupted before it was read.
                Some(libc::EINTR | libc::EAGAIN | libc::ENOENT) => continue,
                _ => return,
            }
        };
        let Some(request) = Request::parse(&buffer[..length]) else {
            return;
        };
        let (error, body) = match files.answer(&request) {
            Ok(Answer::Bytes(bytes)) => (0, bytes),
            Ok(Answer::None) => continue,
            Ok(Answer::Never) => {
                waiting.fetch_add(1, Ordering::SeqCst);
                continue;
            }
            Err(error) => (-error, Vec::new()),
        };
        // struct fuse_out_header: length, error, unique number
        let length = u32::try_from(16 + body.len()).unwrap_or(u32::MAX);
        let mut answer = length.to_ne_bytes().to_vec();
        answer.extend_from_slice(&error.to_ne_bytes());
        answer.extend_from_slice(&request.unique.to_ne_bytes());
        answer.extend_from_slice(&body);
        // The caller may have given up, which is no error here.
        // SAFETY: a live slice and its length.
        unsafe { libc::write(device.as_raw_fd(), answer.as_ptr().cast(), answer.len()) };
    }
}
