//! One word for one thing: within each package no two types that others see have one name.

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
