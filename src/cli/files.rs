//! Which specs the arguments name, and their texts. What is wrong with a file is a diagnostic of that file.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::Diagnostic;
use crate::folder::{self, Folder, problem, unreadable};
use crate::report::FileReport;
use crate::source::Source;

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
        match &self.path {
            None => folder::spec(Ok(io::stdin().lock())),
            Some(path) => folder::spec(folder::open(path)),
        }
    }

    /// The files that the spec loads, relative to its folder.
    pub(super) fn folder(&self) -> Folder {
        Folder::of(self.path.as_deref().unwrap_or(Path::new("")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_is_named_once() {
        let specs = collect(&["-", "a.cf", "-", "a.cf", "b.cf"].map(PathBuf::from));
        assert_eq!(specs.iter().map(Spec::name).collect::<Vec<_>>(), ["<stdin>", "a.cf", "b.cf"]);
    }
}
