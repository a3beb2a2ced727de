//! The OpenAPI document as version 3.0 has it, for generators that do not read 3.1 (progenitor). It says less, and
//! nothing that is wrong:
//!
//! - `"type": ["string", "null"]` becomes `"type": "string", "nullable": true`.
//! - Of several types only the first stays: a price may be sent as a number, and is sent as a string.
//! - `anyOf` beside `properties` is left out: which members of a wish to order go together is not said.
//! - `application/problem+json` becomes `application/json`: the generator reads no other kind of JSON.
//! - A body that may be absent must be there: it may be an empty object.
//! - The licence's SPDX expression is left out.
#![expect(
    clippy::indexing_slicing,
    reason = "serde_json's Value answers an unknown member with null, or makes it"
)]

use serde_json::{Map, Value, json};

/// Derives it.
pub(crate) fn downgrade(mut document: Value) -> Value {
    document["openapi"] = "3.0.3".into();
    if let Some(licence) = document.pointer_mut("/info/license").and_then(Value::as_object_mut) {
        licence.remove("identifier");
    }
    walk(&mut document);
    document
}

fn walk(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(walk),
        Value::Object(members) => {
            narrow_types(members);
            if members.contains_key("properties") {
                members.remove("anyOf");
            }
            if let Some(content) = members.get_mut("content").and_then(Value::as_object_mut)
                && let Some(problem) = content.remove("application/problem+json")
            {
                content.insert("application/json".to_owned(), problem);
            }
            if let Some(body) = members.get_mut("requestBody").and_then(Value::as_object_mut) {
                body.insert("required".to_owned(), true.into());
            }
            // What is in an example is data, whatever its members are called.
            members.iter_mut().filter(|(name, _)| *name != "example").for_each(|(_, member)| walk(member));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn narrow_types(schema: &mut Map<String, Value>) {
    let Some(Value::Array(types)) = schema.get("type") else { return };
    let nullable = types.iter().any(|one| one == "null");
    let first = types.iter().find(|one| *one != "null").cloned();
    if let Some(first) = first {
        if first == "string" {
            for name in ["minimum", "maximum", "multipleOf"] {
                schema.remove(name);
            }
        }
        schema.insert("type".to_owned(), first);
    }
    if nullable {
        schema.insert("nullable".to_owned(), json!(true));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_version_3_0_cannot_say_is_said_with_less() {
        let newer = json!({
            "openapi": "3.1.0",
            "info": { "license": { "name": "MIT", "identifier": "MIT" } },
            "paths": { "/": { "patch": {
                "requestBody": { "required": false, "content": { "application/json": { "example": { "type": ["a"] } } } },
                "responses": { "400": { "content": { "application/problem+json": {} } } },
            } } },
            "components": { "schemas": { "Wish": {
                "type": "object",
                "anyOf": [{ "required": ["price"] }],
                "properties": {
                    "price": { "type": ["string", "number", "null"], "minimum": 0, "pattern": "^1$" },
                    "stock": { "type": ["integer", "null"], "minimum": 0 },
                    "name": { "type": "string" },
                },
            } } },
        });
        let older = json!({
            "openapi": "3.0.3",
            "info": { "license": { "name": "MIT" } },
            "paths": { "/": { "patch": {
                "requestBody": { "required": true, "content": { "application/json": { "example": { "type": ["a"] } } } },
                "responses": { "400": { "content": { "application/json": {} } } },
            } } },
            "components": { "schemas": { "Wish": {
                "type": "object",
                "properties": {
                    "price": { "type": "string", "nullable": true, "pattern": "^1$" },
                    "stock": { "type": "integer", "nullable": true, "minimum": 0 },
                    "name": { "type": "string" },
                },
            } } },
        });
        assert_eq!(downgrade(newer), older);
    }
}
