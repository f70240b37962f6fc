//! Which specs the arguments name, and their texts. What is wrong with a file is a diagnostic of that file.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::check::Files;
use crate::diagnostic::Diagnostic;
use crate::report::FileReport;
use crate::source::{Source, Span};

/// Bytes that a spec may have.
const MAX_SPEC: u64 = 16 << 20;
/// Bytes that a file named in a `load` may have.
const MAX_DATA: u64 = 256 << 20;

const UNREADABLE: &str = "E0001";
const NOT_UTF8: &str = "E0002";
const TOO_LARGE: &str = "E0003";
const NO_SPECS: &str = "E0004";

/// One spec to work on.
pub(super) struct Spec {
    /// Where it is; `None` is standard input.
    pub(super) path: Option<PathBuf>,
    /// Its place below the folder that was named, or its file name.
    pub(super) relative: PathBuf,
    /// What was found wrong with it before it was read.
    problem: Option<Diagnostic>,
}

/// The specs that the arguments name, in order: files as they are, folders with all `*.cf` below them in order
/// of their names, `-` for standard input. A file that was named before is left out.
pub(super) fn collect(arguments: &[PathBuf]) -> Vec<Spec> {
    let mut specs = Vec::new();
    for argument in arguments {
        if argument.as_os_str() == "-" {
            specs.push(Spec { path: None, relative: PathBuf::from("stdin.cf"), problem: None });
        } else if argument.is_dir() {
            let before = specs.len();
            walk(argument, Path::new(""), &mut specs);
            if specs.len() == before {
                let problem = problem(NO_SPECS, "this folder has no specs".to_owned())
                    .with_hint("the names of specs end in `.cf`");
                specs.push(Spec {
                    path: Some(argument.clone()),
                    relative: PathBuf::new(),
                    problem: Some(problem),
                });
            }
        } else {
            let relative = argument.file_name().map_or_else(|| argument.clone(), PathBuf::from);
            specs.push(Spec { path: Some(argument.clone()), relative, problem: None });
        }
    }
    let mut seen = HashSet::new();
    specs.retain(|spec| seen.insert(spec.path.clone()));
    specs
}

/// Adds the specs below a folder. Links to folders are not followed, so this ends.
fn walk(root: &Path, below: &Path, specs: &mut Vec<Spec>) {
    let folder = if below.as_os_str().is_empty() { root.to_owned() } else { root.join(below) };
    let mut names = Vec::new();
    let listed = fs::read_dir(&folder).and_then(|entries| {
        for entry in entries {
            let entry = entry?;
            names.push((entry.file_name(), entry.file_type()?.is_dir()));
        }
        Ok(())
    });
    if let Err(error) = listed {
        let problem = Some(unreadable(&error));
        specs.push(Spec { path: Some(folder), relative: below.to_owned(), problem });
        return;
    }
    names.sort();
    for (name, is_folder) in names {
        let relative = below.join(&name);
        if is_folder {
            walk(root, &relative, specs);
        } else if relative.extension().is_some_and(|extension| extension == "cf") {
            specs.push(Spec { path: Some(folder.join(&name)), relative, problem: None });
        }
    }
}

impl Spec {
    /// The name that the user knows the spec by.
    pub(super) fn name(&self) -> String {
        self.path.as_ref().map_or_else(|| "<stdin>".to_owned(), |path| path.display().to_string())
    }

    /// Reads the spec, or reports what is wrong with its file.
    pub(super) fn read(&self) -> Result<Source, Box<FileReport>> {
        self.text().map(|text| Source::new(self.name(), text)).map_err(|error| {
            let source = Source::new(self.name(), "");
            Box::new(FileReport { source, entries: Vec::new(), errors: vec![*error] })
        })
    }

    fn text(&self) -> Result<String, Box<Diagnostic>> {
        if let Some(problem) = &self.problem {
            return Err(Box::new(problem.clone()));
        }
        let bytes = match &self.path {
            None => read_up_to(io::stdin().lock(), MAX_SPEC),
            Some(path) => File::open(path).and_then(|file| read_up_to(file, MAX_SPEC)),
        };
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

    /// The files that the spec loads, relative to its folder.
    pub(super) fn folder(&self) -> Folder {
        Folder(self.path.as_deref().and_then(Path::parent).map(Path::to_owned).unwrap_or_default())
    }
}

/// The folder of a spec, or the current one for standard input.
pub(super) struct Folder(PathBuf);

impl Files for Folder {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let path = self.0.join(path);
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

/// Everything there is to read, or `None` if that is more than `limit` bytes.
fn read_up_to(reader: impl Read, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let length = reader.take(limit + 1).read_to_end(&mut bytes)?;
    Ok(if length as u64 > limit { None } else { Some(bytes) })
}

fn unreadable(error: &io::Error) -> Diagnostic {
    problem(UNREADABLE, format!("the spec cannot be read: {}", words(error)))
}

fn problem(code: &'static str, message: String) -> Diagnostic {
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
        let spec = &collect(&[folder.path().join("a.cf")])[0];
        assert_eq!(spec.folder().read("data/w.npy").unwrap(), b"\x93NUMPY");
        assert!(spec.folder().read("data").unwrap_err().ends_with("data: not a regular file"));
        assert!(spec.folder().read("w.npy").unwrap_err().ends_with("w.npy: no such file"));
        assert!(spec.folder().read("a\0b").is_err());
    }

    #[test]
    fn reading_stops_at_the_limit() {
        assert_eq!(read_up_to(&b"abc"[..], 3).unwrap(), Some(b"abc".to_vec()));
        assert_eq!(read_up_to(io::repeat(b'#'), 3).unwrap(), None);
    }

    #[test]
    fn a_spec_is_named_once() {
        let specs = collect(&["-", "a.cf", "-", "a.cf", "b.cf"].map(PathBuf::from));
        assert_eq!(specs.iter().map(Spec::name).collect::<Vec<_>>(), ["<stdin>", "a.cf", "b.cf"]);
    }
}
