//! What the README, the how-tos and the manuals show happens: specs are checked, output is compared, commands are read.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use convproof::algebra::Rational;
use convproof::load::{Loaded, write_npz};
use tempfile::TempDir;

const DOCUMENTS: [&str; 6] = [
    "README.md",
    "docs/howto-block.md",
    "docs/howto-model.md",
    "docs/howto-filter.md",
    "docs/language.md",
    "docs/reports.md",
];

/// A fenced block: its language, its text, and whether it is marked as output.
struct Block {
    language: String,
    text: String,
    output: bool,
}

fn blocks(document: &str) -> Vec<Block> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(document)).unwrap();
    let (mut blocks, mut before) = (Vec::new(), "");
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let output = before == "<!-- output -->";
            blocks.push(Block { language: language.to_owned(), text: body.join("\n") + "\n", output });
        }
        before = line;
    }
    blocks
}

/// A folder with the files that the how-tos speak of.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, divisor) in [("layer.npz", 100_000), ("rounded.npz", 10_000)] {
        let value = |n: i64| Rational::ratio(n * 293_003 % 200_000 / (100_000 / divisor), divisor).unwrap();
        let array = Loaded { dims: vec![2, 2, 3, 3], values: (0..36).map(value).collect() };
        fs::write(folder.path().join(name), write_npz(&[("weight".to_owned(), array)])).unwrap();
    }
    folder
}

fn convproof(folder: &TempDir, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_convproof"));
    command.args(arguments).current_dir(folder.path()).output().unwrap()
}

#[test]
fn shown_specs_hold_or_print_what_is_shown() {
    let mut shown = 0;
    for document in DOCUMENTS {
        let blocks = blocks(document);
        for (at, block) in blocks.iter().enumerate().filter(|(_, block)| block.language == "convproof") {
            let output = blocks.get(at + 1).filter(|next| next.output);
            // The first line of a report is the name of the spec.
            let name = output.and_then(|next| next.text.lines().next()).unwrap_or("spec.cf");
            let folder = folder();
            fs::write(folder.path().join(name), &block.text).unwrap();
            let found = convproof(&folder, &["check", name]);
            let stdout = String::from_utf8(found.stdout).unwrap();
            match output {
                Some(output) => assert_eq!(stdout, output.text, "{document}"),
                None => assert_eq!(found.status.code(), Some(0), "{document}:\n{}{stdout}", block.text),
            }
            shown += 1;
        }
    }
    assert!(shown >= 10, "only {shown} specs were found");
}

/// Arguments as a shell splits them, where nothing but double quotes and comments is special.
fn arguments(line: &str) -> Vec<String> {
    let line = line.split(" #").next().unwrap_or_default();
    let mut all = Vec::new();
    for (at, part) in line.split('"').enumerate() {
        if at % 2 == 1 {
            all.push(part.to_owned());
        } else {
            all.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    all
}

#[test]
fn shown_commands_are_understood() {
    let mut shown = 0;
    for document in DOCUMENTS {
        for block in blocks(document).iter().filter(|block| block.language == "sh") {
            for line in block.text.lines().filter_map(|line| line.strip_prefix("convproof ")) {
                let all = arguments(line);
                // These do not end by themselves.
                let all: Vec<&str> =
                    all.iter().map(String::as_str).filter(|word| *word != "--watch").collect();
                let found = convproof(&folder(), &all);
                let stderr = String::from_utf8(found.stderr).unwrap();
                assert!(!stderr.contains("Usage:"), "{document}: {line}\n{stderr}");
                // A kernel that is written down needs no file.
                if line.starts_with("factor \"") {
                    assert!(matches!(found.status.code(), Some(0 | 1)), "{document}: {line}\n{stderr}");
                }
                shown += 1;
            }
        }
    }
    assert!(shown >= 10, "only {shown} commands were found");
}

#[test]
fn documents_that_are_linked_to_are_there() {
    for document in DOCUMENTS.into_iter().chain(["docs/glossary.md"]) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
        let text = fs::read_to_string(&path).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") {
                assert!(path.parent().unwrap().join(file).exists(), "{document}: {link}");
            }
        }
    }
}
