//! The grammar that editors colour specs by says what the lexer says, on every spec, and knows the same words.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use convproof::syntax::{Part, highlight};
use convproof::words;
use fancy_regex::Regex;
use serde_json::Value;

const GRAMMAR: &str = "editors/vscode/syntaxes/convproof.tmLanguage.json";

/// A rule: the name of its scope, and how what it colours begins and ends.
struct Rule {
    scope: String,
    begins: Regex,
    ends: Option<Regex>,
}

fn grammar() -> Option<Value> {
    // It is no part of the package that is published.
    Some(serde_json::from_str(&std::fs::read_to_string(GRAMMAR).ok()?).unwrap())
}

fn rules(grammar: &Value) -> Vec<Rule> {
    let regex = |pattern: &Value| Regex::new(&format!("(?m){}", pattern.as_str().unwrap())).unwrap();
    let included = grammar["patterns"].as_array().unwrap().iter();
    included
        .map(|pattern| {
            let rule = &grammar["repository"][&pattern["include"].as_str().unwrap()[1..]];
            let begins = if rule["match"].is_null() { &rule["begin"] } else { &rule["match"] };
            let ends = Some(&rule["end"]).filter(|end| !end.is_null()).map(regex);
            Rule { scope: rule["name"].as_str().unwrap().to_owned(), begins: regex(begins), ends }
        })
        .collect()
}

/// What an editor colours: of all rules the one that matches first, of these the first in order.
fn coloured<'r>(rules: &'r [Rule], text: &str) -> Vec<(&'r str, usize, usize)> {
    let next = |rule: &Rule, at| {
        let found = rule.begins.find_from_pos(text, at).unwrap()?;
        Some((found.start(), found.end()))
    };
    let (mut at, mut parts) = (0, Vec::new());
    // A rule's next match stays its next until something before it was coloured beyond its start.
    let mut nexts: Vec<_> = rules.iter().map(|rule| next(rule, 0)).collect();
    while at < text.len() {
        for (rule, found) in rules.iter().zip(&mut nexts) {
            if found.is_some_and(|(start, _)| start < at) {
                *found = next(rule, at);
            }
        }
        let found = rules.iter().zip(&nexts).filter_map(|(rule, found)| found.map(|found| (found, rule)));
        let Some(((start, mut end), rule)) = found.min_by_key(|((start, _), _)| *start) else { break };
        if let Some(ends) = &rule.ends {
            end = ends.find_from_pos(text, end).unwrap().map_or(text.len(), |found| found.end());
        }
        parts.push((rule.scope.as_str(), start, end));
        at = end;
    }
    parts
}

/// What the lexer calls what has this scope.
fn part(scope: &str) -> Option<Part> {
    Some(match scope.strip_suffix(".convproof").unwrap() {
        "string.quoted.triple" => Part::Prose,
        "comment.line.number-sign" => Part::Comment,
        "string.quoted.double" => Part::Text,
        "entity.name.function" => Part::Call,
        "keyword.control" => Part::Keyword,
        "constant.numeric" => Part::Number,
        "keyword.operator" => Part::Relation,
        _ => return None,
    })
}

fn specs(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            specs(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "cf") {
            all.push(path);
        }
    }
}

#[test]
fn every_token_of_every_spec_has_its_colour() {
    let Some(grammar) = grammar() else { return };
    let (rules, mut all) = (rules(&grammar), Vec::new());
    ["specs", "tests/corpus"].iter().for_each(|folder| specs(Path::new(folder), &mut all));
    assert!(all.len() > 40);
    for path in all {
        let text = std::fs::read_to_string(&path).unwrap();
        let lexer: Vec<_> =
            highlight(&text).into_iter().map(|(part, span)| (part, span.start, span.end)).collect();
        let editor: Vec<_> = coloured(&rules, &text)
            .into_iter()
            .filter_map(|(scope, start, end)| part(scope).map(|part| (part, start, end)))
            .collect();
        for (lexer, editor) in lexer.iter().zip(&editor) {
            let shown = |(_, start, end): &(Part, usize, usize)| text[*start..*end].to_owned();
            let place = path.display();
            assert_eq!(lexer, editor, "{place}: {:?} and {:?}", shown(lexer), shown(editor));
        }
        assert_eq!(lexer.len(), editor.len(), "{}", path.display());
    }
}

#[test]
fn the_grammar_knows_the_words_of_the_language() {
    let Some(grammar) = grammar() else { return };
    let listed = |rule: &str| -> BTreeSet<String> {
        let pattern = grammar["repository"][rule]["match"].as_str().unwrap();
        let inner = pattern.strip_prefix("\\b(?:").and_then(|rest| rest.strip_suffix(")\\b")).unwrap();
        inner.split('|').map(str::to_owned).collect()
    };
    let same = |rule, words: Vec<&str>| {
        let words: BTreeSet<String> = words.into_iter().map(str::to_owned).collect();
        assert_eq!(listed(rule), words, "the words of `{rule}` in {GRAMMAR}");
    };
    same("statement", words::statements());
    same("clause", words::clauses());
    same("constant", words::constants());
}
