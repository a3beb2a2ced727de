//! What requests may hold, as exactly as JSON Schema can say it: whoever makes requests from the document alone, a
//! fuzzer for one (`cargo xtask fuzz-api`), should meet no refusal that the document does not announce.

use super::members;
use serde_json::{Value, json};

/// What a member of any request may hold, by its name.
const TEXTS: &[(&[&str], &str)] = &[
    // One line with something on it.
    (
        &["name", "tenant_name"],
        r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$",
    ),
    (&["description", "password", "old_password", "new_password", "store"], ANYTHING),
    (&["sku"], r"^[^\s\u0000-\u001f\u007f-\u009f]+$"),
    (&["currency"], "^[A-Z]{3}$"),
];

/// But NUL.
const ANYTHING: &str = r"^[^\u0000]*$";

/// Usernames that are made; one that is only looked up may be anything.
const USERNAME: &str = r"^[\w@.+-]+$";

/// With the most decimals that the store's currency has; most have two.
const PRICE: &str = r"^[0-9]{1,8}(\.[0-9]{1,2})?$";

/// Says it all.
pub(super) fn describe(document: &mut Value) {
    let mut bodies = Vec::new();
    for (_, methods) in members(&mut document["paths"]) {
        for (method, operation) in members(methods) {
            let Some(body) = operation.get_mut("requestBody") else { continue };
            // An empty body is an empty object, and changing nothing is no fault.
            body["required"] = (method != "patch").into();
            let schema = &body["content"]["application/json"]["schema"]["$ref"];
            bodies.extend(schema.as_str().and_then(|path| path.rsplit('/').next()).map(str::to_owned));
        }
    }
    bodies.push("OrderLineInput".to_owned());
    bodies.sort_unstable();
    bodies.dedup();
    for name in bodies {
        let schema = &mut document["components"]["schemas"][&name];
        let needed = schema["required"].clone();
        for (member, schema) in members(&mut schema["properties"]) {
            describe_member(&name, member, schema);
            if !needed.as_array().is_some_and(|needed| needed.iter().any(|one| one == member)) {
                allow_null(schema);
            }
        }
        if name == "OrderInput" {
            schema["anyOf"] = json!([
                { "title": "One line", "required": ["product", "quantity"],
                  "properties": { "product": { "type": "integer" }, "quantity": { "type": "integer" } } },
                { "title": "Any number of lines", "required": ["lines"],
                  "properties": { "lines": { "type": "array", "items": { "$ref": "#/components/schemas/OrderLineInput" } } } },
            ]);
        }
    }
}

fn describe_member(body: &str, name: &str, schema: &mut Value) {
    if let Some((_, pattern)) = TEXTS.iter().find(|(names, _)| names.contains(&name)) {
        schema["pattern"] = (*pattern).into();
    }
    if name == "username" {
        schema["pattern"] = if body == "Credentials" { ANYTHING } else { USERNAME }.into();
    }
    if name == "price" {
        schema["type"] = json!(["string", "number"]);
        schema["pattern"] = PRICE.into();
        schema["minimum"] = json!(0);
        schema["maximum"] = json!(99_999_999.99);
        schema["multipleOf"] = json!(0.01);
    }
}

/// Null is what absent is, where nothing else is said.
fn allow_null(schema: &mut Value) {
    // What refers to another schema has none of its own.
    let Some(known) = schema.get("type") else { return };
    let mut types = known.as_array().cloned().unwrap_or_else(|| vec![known.clone()]);
    if !types.iter().any(|one| one == "null") {
        types.push("null".into());
    }
    schema["type"] = types.into();
}
