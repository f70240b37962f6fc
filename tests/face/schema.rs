//! A value against a JSON Schema, as far as our schemas go.

use serde_json::Value;

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
pub(crate) fn check(value: &Value, schema: &Value, root: &Value) -> Result<(), String> {
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
