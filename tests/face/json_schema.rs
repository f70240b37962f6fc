//! The JSON report against its schema and its documentation.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use serde_json::{Value, json};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file that can be read")
}

fn schema() -> Value {
    serde_json::from_str(&read("docs/json.schema.json")).expect("valid JSON")
}

/// The one pattern of the schema: an integer, a fraction or a decimal.
const NUMBER: &str = "^-?[0-9]+(/[0-9]+|\\.[0-9]+(e-?[0-9]+)?)?$";

fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    if let Some((n, d)) = text.split_once('/') {
        return digits(n) && digits(d);
    }
    match text.split_once('.') {
        None => digits(text),
        Some((whole, rest)) => {
            let (part, power) = rest.split_once('e').unwrap_or((rest, "1"));
            digits(whole) && digits(part) && digits(power.strip_prefix('-').unwrap_or(power))
        }
    }
}

fn is_a(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => panic!("a type that this test does not know: {kind}"),
    }
}

/// Checks a value against the keywords that our schema uses; any other is refused, never passed over.
fn check(value: &Value, schema: &Value, root: &Value) -> Result<(), String> {
    let rules = schema.as_object().expect("a schema is an object");
    let no = |why: &str| Err(format!("{why}: {value:.200}"));
    for (keyword, rule) in rules {
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "additionalProperties" => {}
            "$ref" => {
                let name =
                    rule.as_str().and_then(|rule| rule.strip_prefix("#/$defs/")).expect("a definition");
                check(value, &root["$defs"][name], root)?;
            }
            "type" => {
                let all = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
                if !all.iter().any(|kind| is_a(value, kind.as_str().expect("a type"))) {
                    return no(&format!("not of type {rule}"));
                }
            }
            "const" => {
                if value != rule {
                    return no(&format!("not {rule}"));
                }
            }
            "enum" => {
                if !rule.as_array().expect("a list").contains(value) {
                    return no(&format!("none of {rule}"));
                }
            }

            "pattern" => {
                assert_eq!(rule, NUMBER);
                if !value.as_str().is_some_and(is_number) {
                    return no("no number");
                }
            }
            "minItems" | "maxItems" => {
                let (length, limit) =
                    (value.as_array().map_or(0, Vec::len) as u64, rule.as_u64().expect("a number"));
                if if keyword == "minItems" { length < limit } else { length > limit } {
                    return no("wrong length");
                }
            }
            "items" => value.as_array().into_iter().flatten().try_for_each(|item| check(item, rule, root))?,
            "oneOf" => {
                let results: Vec<_> =
                    rule.as_array().expect("a list").iter().map(|one| check(value, one, root)).collect();
                if results.iter().filter(|result| result.is_ok()).count() != 1 {
                    return no(&format!("not one of {} kinds: {results:?}", results.len()));
                }
            }
            "properties" => properties(value, schema, root)?,
            "required" => required(value, rule)?,
            other => panic!("a keyword that this test does not know: {other}"),
        }
    }
    if !rules.contains_key("properties") && rules.contains_key("additionalProperties") {
        properties(value, schema, root)?;
    }
    Ok(())
}

fn required(value: &Value, names: &Value) -> Result<(), String> {
    let Some(fields) = value.as_object() else { return Ok(()) };
    let missing = names
        .as_array()
        .expect("a list")
        .iter()
        .find(|name| !fields.contains_key(name.as_str().expect("a name")));
    missing.map_or(Ok(()), |name| Err(format!("no {name}: {value:.200}")))
}

fn properties(value: &Value, schema: &Value, root: &Value) -> Result<(), String> {
    let Some(fields) = value.as_object() else { return Ok(()) };
    for (name, field) in fields {
        match (schema["properties"].get(name), &schema["additionalProperties"]) {
            (Some(rule), _) | (None, rule @ Value::Object(_)) => {
                check(field, rule, root).map_err(|why| format!("{name}: {why}"))?;
            }
            (None, _) => return Err(format!("a field that is not in the schema: {name}")),
        }
    }
    Ok(())
}

fn report(arguments: &[&str]) -> Value {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("convproof"))
        .args(["check", "--format", "json"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the program can be run");
    serde_json::from_slice(&output.stdout).expect("valid JSON")
}

/// Every witness of a report, those inside of others too.
fn witnesses(report: &Value) -> Vec<&Value> {
    let claims = report["files"].as_array().into_iter().flatten().flat_map(|file| file["claims"].as_array());
    let mut all: Vec<&Value> = claims.flatten().map(|claim| &claim["witness"]).collect();
    let mut at = 0;
    while at < all.len() {
        let inner = ["instance", "certificate"].map(|name| &all[at][name]);
        all.extend(inner.into_iter().filter(|inner| inner.get("type").is_some()));
        at += 1;
    }
    all
}

#[test]
fn reports_are_as_the_schema_says() {
    let schema = schema();
    let report = report(&["specs", "tests/corpus", "tests/diagnostics"]);
    check(&report, &schema, &schema).unwrap();
    // Every kind of witness that the schema knows occurs, so that none is there untested.
    let found = witnesses(&report);
    for kind in schema["$defs"]["witness"]["oneOf"].as_array().expect("a list") {
        let Some(name) = kind["properties"].get("type") else { continue };
        let by = kind["properties"].get("by").map(|by| &by["const"]);
        let is =
            |witness: &&&Value| witness["type"] == name["const"] && by.is_none_or(|by| witness["by"] == *by);
        assert!(found.iter().any(|witness| is(&witness)), "no report has {} {by:?}", name["const"]);
    }
}

#[test]
fn the_schema_refuses_what_is_wrong() {
    let schema = schema();
    let mut report = report(&["specs/gallery/01-two-are-one.cf"]);
    check(&report, &schema, &schema).unwrap();
    let claim = |report: &Value| report["files"][0]["claims"][0].clone();
    for (field, wrong) in [
        ("line", json!("1")),
        ("kind", json!("guess")),
        ("witness", json!({ "type": "equal" })),
        ("witness", json!({ "type": "numbers", "left": [1], "right": [] })),
        ("surplus", json!(1)),
    ] {
        let right = claim(&report);
        report["files"][0]["claims"][0][field] = wrong;
        assert!(check(&report, &schema, &schema).is_err(), "{field}");
        report["files"][0]["claims"][0] = right;
    }
    report["files"][0]["claims"][0].as_object_mut().expect("a claim").remove("method");
    assert!(check(&report, &schema, &schema).is_err());
}

#[test]
fn the_documentation_names_every_word_of_the_schema() {
    fn words(schema: &Value, into: &mut Vec<String>) {
        match schema {
            Value::Object(fields) => {
                for (name, field) in fields {
                    match name.as_str() {
                        "properties" => {
                            into.extend(field.as_object().into_iter().flat_map(|all| all.keys().cloned()));
                        }
                        "const" => into.extend(field.as_str().map(str::to_owned)),
                        "enum" => {
                            let all = field.as_array().into_iter().flatten();
                            into.extend(all.filter_map(Value::as_str).map(str::to_owned));
                        }
                        _ => {}
                    }
                    words(field, into);
                }
            }
            Value::Array(all) => all.iter().for_each(|one| words(one, into)),
            _ => {}
        }
    }
    let text = read("docs/json.md");
    let mut all = Vec::new();
    words(&schema(), &mut all);
    let missing: Vec<_> = all
        .into_iter()
        .filter(|word| !text.contains(&format!("`{word}`")) && !text.contains(&format!("\"{word}\"")))
        // Explained in the documents that the page links to.
        .filter(|word| !MULTIPLIERS.contains(&word.as_str()))
        .collect();
    assert!(missing.is_empty(), "docs/json.md does not name {missing:?}");
}

/// Fields of certificates, which `docs/semantics-bounds.md` explains, of factors, and of boxes.
const MULTIPLIERS: [&str; 18] = [
    "target",
    "known",
    "unit",
    "rounding",
    "bits",
    "least",
    "multipliers",
    "content",
    "row_shift",
    "column_shift",
    "multiplicity",
    "over_R",
    "over_C",
    "value",
    "factor",
    "polynomial",
    "height",
    "width",
];
