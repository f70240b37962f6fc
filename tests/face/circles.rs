//! No circles of imports: the modules of each package stand in an order in which each imports only those before it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// All files of Rust below a folder.
pub(super) fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// The names that a path goes on with: one, or those of a list.
fn names(rest: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(list) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let (mut depth, mut start, mut all) = (1, 0, Vec::new());
    for (at, c) in list.char_indices() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if depth == 0 || depth == 1 && c == ',' {
            all.push(name(&list[start..at]));
            start = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    all
}

/// The modules of the package that a file `levels` below its root names.
fn named(code: &str, levels: usize) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        found.extend(names(&code[at + "crate::".len()..]));
    }
    let up = "super::".repeat(levels);
    for (at, _) in code.match_indices(&up) {
        let whole = !code[..at].ends_with("super::") && !code[at + up.len()..].starts_with("super::");
        if whole {
            found.extend(names(&code[at + up.len()..]));
        }
    }
    found
}

/// For each module right below a folder those that it imports.
fn imports(root: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut files = Vec::new();
    sources(root, &mut files);
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files {
        let mut parts: Vec<String> = file
            .strip_prefix(root)
            .unwrap()
            .with_extension("")
            .iter()
            .map(|part| part.to_str().unwrap().to_owned())
            .collect();
        parts.retain(|part| part != "mod");
        if ["lib", "main"].contains(&&*parts[0]) {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let code: String =
            code.lines().map(|line| line.split("//").next().unwrap().to_owned() + "\n").collect();
        let found = named(&code, parts.len()).into_iter().filter(|name| *name != parts[0]);
        all.entry(parts[0].clone()).or_default().extend(found);
    }
    all
}

#[test]
fn modules_import_each_other_in_no_circle() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = std::fs::read_dir(package.join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let roots: Vec<PathBuf> = crates.chain([package.to_owned()]).map(|path| path.join("src")).collect();
    assert!(roots.len() > 6, "the packages are elsewhere");
    for root in roots {
        let mut left = imports(&root);
        // Whatever imports nothing that is left comes next in the order.
        while let Some(next) = left
            .iter()
            .find(|(_, imported)| !imported.iter().any(|name| left.contains_key(name)))
            .map(|(name, _)| name.clone())
        {
            left.remove(&next);
        }
        assert!(left.is_empty(), "{}: a circle among {left:#?}", root.display());
    }
}

#[test]
fn imports_are_found() {
    let code = "use crate::{a, b::{c, d}};\nuse super::super::e::f;\nuse super::g;\npub(super) fn h() { crate::i::j() }";
    assert_eq!(named(code, 2), ["a", "b", "i", "e"]);
    assert_eq!(named(code, 1), ["a", "b", "i", "g"]);
}
