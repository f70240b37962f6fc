//! Reading specs and the files beside them, within limits. What is wrong with a file is a diagnostic or a message.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::check::Files;
use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// Bytes that a spec may have.
pub(crate) const MAX_SPEC: u64 = 16 << 20;
/// Bytes that a file named in a `load` may have.
pub(crate) const MAX_DATA: u64 = 256 << 20;

const UNREADABLE: &str = "E0001";
const NOT_UTF8: &str = "E0002";
const TOO_LARGE: &str = "E0003";

/// The folder of a spec, or the current one for standard input.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// The folder that a file is in.
    pub(crate) fn of(path: &Path) -> Self {
        Self(path.parent().map(Path::to_owned).unwrap_or_default())
    }

    /// Where a file named in a spec is.
    pub(crate) fn place(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }
}

impl Files for Folder {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let path = self.place(path);
        let in_words = |error: io::Error| format!("{}: {}", path.display(), words(&error));
        // A pipe or a device could keep the reader waiting for ever.
        if !fs::metadata(&path).map_err(in_words)?.is_file() {
            return Err(format!("{}: not a regular file", path.display()));
        }
        File::open(&path)
            .and_then(|file| read_up_to(file, MAX_DATA))
            .map_err(in_words)?
            .ok_or_else(|| format!("{}: larger than {} MiB", path.display(), MAX_DATA >> 20))
    }
}

/// The text of a spec.
pub(crate) fn spec(opened: io::Result<impl Read>) -> Result<String, Box<Diagnostic>> {
    let bytes = opened.and_then(|reader| read_up_to(reader, MAX_SPEC));
    let bytes = bytes.map_err(|error| unreadable(&error))?.ok_or_else(|| {
        problem(TOO_LARGE, format!("the spec is larger than {} MiB", MAX_SPEC >> 20))
            .with_hint("split it, or `load` its arrays from files")
    })?;
    Ok(String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        problem(NOT_UTF8, format!("the spec is not UTF-8: the byte at offset {at} begins no character"))
            .with_hint("save the file as UTF-8")
    })?)
}

/// Opens a file; a pipe or a device could keep the reader waiting for ever.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let kind = fs::metadata(path)?.file_type();
    if kind.is_file() || kind.is_dir() {
        File::open(path)
    } else {
        Err(io::Error::other("not a regular file; `-` reads standard input"))
    }
}

/// Everything there is to read, or `None` if that is more than `limit` bytes.
fn read_up_to(reader: impl Read, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let length = reader.take(limit + 1).read_to_end(&mut bytes)?;
    Ok(if length as u64 > limit { None } else { Some(bytes) })
}

/// What is wrong with a spec that cannot be read.
pub(crate) fn unreadable(error: &io::Error) -> Diagnostic {
    problem(UNREADABLE, format!("the spec cannot be read: {}", words(error)))
}

/// What is wrong with a spec as a whole.
pub(crate) fn problem(code: &'static str, message: String) -> Diagnostic {
    Diagnostic::new(code, message, Span::default(), "")
}

/// The system's words for common errors differ between systems; these do not.
fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_read_beside_the_spec_and_only_from_regular_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        fs::write(folder.path().join("data/w.npy"), b"\x93NUMPY").unwrap();
        let beside = Folder::of(&folder.path().join("a.cf"));
        assert_eq!(beside.read("data/w.npy").unwrap(), b"\x93NUMPY");
        assert!(beside.read("data").unwrap_err().ends_with("data: not a regular file"));
        assert!(beside.read("w.npy").unwrap_err().ends_with("w.npy: no such file"));
        assert!(beside.read("a\0b").is_err());
    }

    #[test]
    fn reading_stops_at_the_limit() {
        assert_eq!(read_up_to(&b"abc"[..], 3).unwrap(), Some(b"abc".to_vec()));
        assert_eq!(read_up_to(io::repeat(b'#'), 3).unwrap(), None);
    }
}
