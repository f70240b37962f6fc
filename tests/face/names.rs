//! One word for one thing: within each package no two types that others see have one name. And files that documents and
//! comments name are there.

use std::collections::BTreeMap;
use std::path::Path;

use super::circles::sources;

/// What is the same in several rooms of a package, or at home in one of them alone: the part of the path, and the names; all of
/// them where none is given. `docs/architecture.md` says why.
const ROOMS: [(&str, &[&str]); 5] = [
    ("engine/src/evaluate/", &[]),
    ("engine/src/forms/", &["Did", "Told"]),
    ("engine/src/symbolic/", &["Did"]),
    ("report/src/witness/", &["Matrix", "Step", "Entry"]),
    // The arguments of each command.
    ("convproof/src/cli/", &["Arguments"]),
];

/// The name of a type that a line begins to declare for others.
fn declared(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub")?;
    let rest =
        rest.strip_prefix('(').map_or(Some(rest), |rest| rest.split_once(')').map(|(_, rest)| rest))?;
    let kinds = [" struct ", " enum ", " trait ", " type "];
    let rest = kinds.iter().find_map(|kind| rest.strip_prefix(kind))?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

#[test]
fn declarations_are_found() {
    for (line, name) in [
        ("pub struct Kernel {", Some("Kernel")),
        ("pub(super) enum Kind<'a> {", Some("Kind")),
        ("pub(in crate::prove) type Pair = (u32, u32);", Some("Pair")),
        ("pub trait Number: Clone {", Some("Number")),
        ("pub fn kernel() {", None),
        ("struct Inner;", None),
        ("    pub struct Inside;", None),
    ] {
        assert_eq!(declared(line), name, "{line}");
    }
}

#[test]
fn a_name_means_one_thing_in_each_package() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let packages = std::fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let mut doubled = Vec::new();
    for package in packages.chain([root.to_owned()]) {
        let mut files = Vec::new();
        sources(&package.join("src"), &mut files);
        let name = package.file_name().unwrap().to_string_lossy();
        let name = if package == root { "convproof" } else { &name };
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for file in files {
            let place = format!("{name}/{}", file.strip_prefix(&package).unwrap().display());
            for line in std::fs::read_to_string(&file).unwrap().lines() {
                let Some(word) = declared(line) else { continue };
                let own = |(room, words): &(&str, &[&str])| {
                    place.starts_with(room) && (words.is_empty() || words.contains(&word))
                };
                if !ROOMS.iter().any(own) {
                    all.entry(word.to_owned()).or_default().push(place.clone());
                }
            }
        }
        doubled.extend(all.into_iter().filter(|(_, places)| places.len() > 1));
    }
    assert!(doubled.is_empty(), "{doubled:#?}");
}

/// The files of Rust that a line names between backticks.
fn files(line: &str) -> impl Iterator<Item = &str> {
    let quoted = line.split('`').skip(1).step_by(2);
    let plain = |text: &&str| text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '/');
    quoted.filter(move |text| text.strip_suffix(".rs").as_ref().is_some_and(plain))
}

#[test]
fn named_files_are_found() {
    let line = "`a.rs` and b.rs, `c/d.rs`, `e(f.rs)`, `g.md`";
    assert_eq!(files(line).collect::<Vec<_>>(), ["a.rs", "c/d.rs"]);
}

#[test]
fn files_that_are_named_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    for folder in ["crates", "src", "tests", "benches", "fuzz/fuzz_targets"] {
        sources(&root.join(folder), &mut all);
    }
    // `engine/src/prove/decide.rs` is called `engine/prove/decide.rs` as well.
    let short =
        |path: &Path| format!("/{}", path.strip_prefix(root).unwrap().display()).replace("/src/", "/");
    let there: Vec<String> = all.iter().map(|path| short(path)).collect();
    // The list leaves out files that are tests of a module.
    let is_there = |name: &str| {
        let name = format!("/{}", name.replace("src/", ""));
        name.ends_with("/tests.rs") || there.iter().any(|own| own.ends_with(&name))
    };
    let documents = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let documents = documents.chain(["README.md", "CONTRIBUTING.md"].map(|name| root.join(name)));
    let documents = documents.filter(|path| path.extension().is_some_and(|end| end == "md"));
    let mut missing = Vec::new();
    for path in documents.chain(all.iter().cloned()) {
        let comments = path.extension().is_some_and(|end| end == "rs");
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            if !comments || line.trim_start().starts_with("//") {
                let gone = files(line).filter(|name| !is_there(name));
                missing.extend(gone.map(|name| format!("{}: {name}", path.display())));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
