//! The report for code scanners against what SARIF 2.1.0 requires of the objects that it has: sections 3.13 (log), 3.14 (run),
//! 3.18 and 3.19 (tool), 3.27 (result), 3.28 to 3.30 (location, place and region), 3.49 (rule). What is not listed here is refused.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::json_schema::formatted;

/// The fields of an object: those that must be there, and those that may.
fn object<'a>(
    value: &'a Value,
    required: &[&str],
    optional: &[&str],
) -> Result<&'a Map<String, Value>, String> {
    let fields = value.as_object().ok_or_else(|| format!("no object: {value:.100}"))?;
    if let Some(name) = required.iter().find(|name| !fields.contains_key(**name)) {
        return Err(format!("no {name} in {value:.100}"));
    }
    match fields.keys().find(|name| !required.contains(&name.as_str()) && !optional.contains(&name.as_str()))
    {
        Some(name) => Err(format!("{name} is not expected in {value:.100}")),
        None => Ok(fields),
    }
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().filter(|text| !text.is_empty()).ok_or_else(|| format!("no text: {value:.100}"))
}

fn list(value: &Value) -> Result<&Vec<Value>, String> {
    value.as_array().ok_or_else(|| format!("no list: {value:.100}"))
}

fn log(value: &Value) -> Result<usize, String> {
    let fields = object(value, &["version", "runs"], &["$schema"])?;
    if fields["version"] != "2.1.0" || !text(&fields["$schema"])?.starts_with("https://") {
        return Err("the version".to_owned());
    }
    list(&fields["runs"])?.iter().map(run).sum()
}

fn run(value: &Value) -> Result<usize, String> {
    let fields = object(value, &["tool", "results"], &["columnKind"])?;
    if !["utf16CodeUnits", "unicodeCodePoints"].contains(&text(&fields["columnKind"])?) {
        return Err("columns of no kind".to_owned());
    }
    let driver = &object(&fields["tool"], &["driver"], &[])?["driver"];
    let driver = object(driver, &["name"], &["semanticVersion", "rules"])?;
    text(&driver["name"])?;
    if text(&driver["semanticVersion"])?.split('.').filter(|part| part.parse::<u32>().is_ok()).count() != 3 {
        return Err("no semantic version".to_owned());
    }
    let mut rules = BTreeSet::new();
    for rule in list(&driver["rules"])? {
        if !rules.insert(text(&object(rule, &["id"], &[])?["id"])?) {
            return Err(format!("a rule twice: {rule}"));
        }
    }
    let results = list(&fields["results"])?;
    for one in results {
        result(one, &rules)?;
    }
    Ok(results.len())
}

fn result(value: &Value, rules: &BTreeSet<&str>) -> Result<(), String> {
    let fields = object(value, &["message"], &["ruleId", "level", "locations"])?;
    text(&object(&fields["message"], &["text"], &[])?["text"])?;
    if !["none", "note", "warning", "error"].contains(&text(&fields["level"])?) {
        return Err("an unknown level".to_owned());
    }
    if !rules.contains(text(&fields["ruleId"])?) {
        return Err(format!("no such rule: {}", fields["ruleId"]));
    }
    for location in list(&fields["locations"])? {
        let place = &object(location, &["physicalLocation"], &[])?["physicalLocation"];
        let place = object(place, &["artifactLocation"], &["region"])?;
        let uri = text(&object(&place["artifactLocation"], &["uri"], &[])?["uri"])?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/%?#".contains(c);
        if !uri.chars().all(allowed) {
            return Err(format!("no address: {uri}"));
        }
        region(&place["region"])?;
    }
    Ok(())
}

/// Lines and columns count from 1, and the end is not before the start.
fn region(value: &Value) -> Result<(), String> {
    let fields = object(value, &["startLine"], &["startColumn", "endLine", "endColumn"])?;
    let number = |name: &str, default: u64| match fields.get(name) {
        None => Ok(default),
        Some(value) => value.as_u64().filter(|n| *n > 0).ok_or_else(|| format!("{name}: {value}")),
    };
    let start = (number("startLine", 1)?, number("startColumn", 1)?);
    let end = (number("endLine", start.0)?, number("endColumn", u64::MAX)?);
    if end < start { Err(format!("it ends before it begins: {value}")) } else { Ok(()) }
}

fn report(arguments: &[&str]) -> Value {
    formatted("sarif", arguments)
}

#[test]
fn reports_have_what_the_standard_requires() {
    assert_eq!(log(&report(&["specs/gallery"])), Ok(0));
    // A mistake of every kind, and claims that fail.
    let many = log(&report(&[
        "tests/diagnostics",
        "tests/corpus/soundness.cf",
        "tests/corpus/unknowns.cf",
        "nowhere.cf",
    ]));
    assert!(many.as_ref().is_ok_and(|count| *count > 80), "{many:?}");
}

#[test]
fn what_the_standard_does_not_know_is_refused() {
    let good = report(&["tests/diagnostics/E0201.cf"]);
    assert_eq!(log(&good), Ok(1));
    let result = "/runs/0/results/0";
    for (at, wrong) in [
        ("/version", "2.0".into()),
        ("/runs/0/tool/driver/name", "".into()),
        (&format!("{result}/level"), "fatal".into()),
        (&format!("{result}/ruleId"), "E0000".into()),
        (&format!("{result}/message"), Value::Null),
        (&format!("{result}/locations/0/physicalLocation/region/endLine"), 0.into()),
        (&format!("{result}/locations/0/physicalLocation/artifactLocation/uri"), "a b".into()),
    ] {
        let mut changed = good.clone();
        *changed.pointer_mut(at).expect(at) = wrong;
        assert!(log(&changed).is_err(), "{at}");
    }
}
