//! Numbers of things in queries and bodies: another store's is taken for one that there never was.

use super::maker::{Maker, Victims};
use super::{Operation, Person, RANDOM};
use crate::support::Shop;
use serde_json::{Value, json};

/// Numbers that refer to something of the store. A new one must be put here or below.
const REFERENCES: [&str; 4] = ["product", "customer", "actor", "object_id"];
/// Numbers that are just numbers.
const PLAIN: [&str; 3] = ["limit", "quantity", "stock"];

/// Asks with another store's numbers and with random ones, in every place for one, and compares the answers.
pub(super) fn tell_nothing(
    maker: &Maker<'_>,
    operation: &Operation,
    person: &Person<'_>,
    home: &Shop,
    victim: &Victims<'_>,
) {
    for name in integers_of_query(operation) {
        let ask = |id: &str| {
            // Of which kind the number is, where several kinds may be meant: a product and an order may share one.
            let kind = if name == "object_id" { "object=product&" } else { "" };
            let path = format!("{}?{kind}{name}={id}", operation.path);
            person.client.call(&operation.method, &path, None).must(200).essence()
        };
        let what = format!("{} ?{name}= as {}", operation.id, person.label);
        assert_eq!(ask(&foreign(&name, victim)), ask(RANDOM), "{what}");
    }
    for place in references_of_body(operation) {
        // A number in a line is as good as the same number alone.
        let name = place.rsplit('/').next().unwrap();
        let id =
            if operation.has_id() { maker.thing(&operation.path, home).to_string() } else { String::new() };
        let ask = |number: &str| {
            let number: Value = number.parse().unwrap();
            let body = if place.starts_with("/lines") {
                json!({"lines": [{"product": number, "quantity": 1}]})
            } else {
                let mut body = maker.body(&operation.id, home).unwrap();
                body[name] = number;
                body
            };
            person.client.call(&operation.method, &operation.path(&id), Some(&body))
        };
        let what = format!("{} {place} as {}", operation.id, person.label);
        let (theirs, random) = (ask(&foreign(name, victim)), ask(RANDOM));
        // For whom somebody orders who may order for themselves alone is not looked at.
        if random.status == 201 {
            assert_eq!((theirs.status, name), (201, "customer"), "{what}");
            assert_eq!(theirs.json["customer"], random.json["customer"], "{what}");
        } else {
            assert_eq!(random.status, 400, "{what}: {}", random.text);
            assert_eq!(theirs.essence(), random.essence(), "{what}");
        }
    }
}

/// The number of something in the other store that such a reference could mean.
fn foreign(name: &str, victim: &Victims<'_>) -> String {
    match name {
        "product" | "object_id" => victim.id("/api/products/{id}/"),
        "customer" | "actor" => victim.id("/api/users/{id}/"),
        other => panic!("of what is {other} the number?"),
    }
}

fn is_reference(name: &str) -> bool {
    assert!(REFERENCES.contains(&name) || PLAIN.contains(&name), "does {name} refer to something?");
    REFERENCES.contains(&name)
}

fn integers_of_query(operation: &Operation) -> Vec<String> {
    let all = operation.document["parameters"].as_array().cloned().unwrap_or_default();
    let in_query = all.iter().filter(|one| one["in"] == "query" && is_integer(&one["schema"]));
    let names = in_query.map(|one| one["name"].as_str().unwrap().to_owned());
    names.filter(|name| is_reference(name)).collect()
}

fn references_of_body(operation: &Operation) -> Vec<String> {
    let document = haat_api::openapi::document();
    let mut found = Vec::new();
    let body = &operation.document["requestBody"]["content"]["application/json"]["schema"];
    collect(&document, body, "", &mut found);
    found
}

fn collect(document: &Value, schema: &Value, place: &str, found: &mut Vec<String>) {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let place = format!("{place}/{name}");
        if is_integer(property) && is_reference(name) {
            found.push(place.clone());
        }
        collect(document, property, &place, found);
    }
    if !schema["items"].is_null() {
        collect(document, &schema["items"], &format!("{place}/0"), found);
    }
    for one in ["oneOf", "anyOf", "allOf"].iter().filter_map(|of| schema[of].as_array()).flatten() {
        collect(document, one, place, found);
    }
}

fn is_integer(schema: &Value) -> bool {
    let kind = &schema["type"];
    kind == "integer" || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "integer"))
}
