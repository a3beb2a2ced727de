//! The OpenAPI 3.1 document, made from the handlers, and Swagger UI for it.
#![expect(
    clippy::indexing_slicing,
    reason = "serde_json's Value answers an unknown member with null, or makes it"
)]

mod requests;

use crate::auth::STORE_HEADER;
use crate::once::{KEY_HEADER, REPLAYED_HEADER};
use crate::operations::{Rule, rule};
use crate::problem::Problem;
use crate::routes;
use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_SECURITY_POLICY;
use haat_domain::authz::{Realm, Role, Verdict, verdict};
use serde_json::{Map, Value, json};
use std::sync::{Arc, OnceLock};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_actix_web::AppExt;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Haat",
        description = "Multi-tenant e-commerce: many stores on one ground, each stall its own.\n\n\
            Log in with `POST /api/auth/login/`, put the `access` token behind **Authorize**, and try things out. \
            Errors are `application/problem+json` (RFC 9457) with a stable `code`. Lists are bare arrays; a `Link` \
            header with `rel=\"next\"` leads to the next page. Money is a decimal string with exactly its currency's \
            digits; times are RFC 3339 in UTC. A path works with and without its trailing slash.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
        contact(name = "Haat", url = "https://haat.dev")
    ),
    servers((url = "/", description = "This server")),
    security(("bearer" = [])),
    components(schemas(Problem)),
    modifiers(&Bearer),
    tags(
        (name = "auth", description = "Registration, login, sessions, the own account"),
        (name = "store", description = "The own store"),
        (name = "users", description = "The users of a store, for its owner"),
        (name = "invitations", description = "Invitations into a store, for its owner"),
        (name = "products", description = "The catalogue"),
        (name = "orders", description = "Orders and their way from pending to delivered"),
        (name = "audit", description = "Who did what in a store, for its owner"),
        (name = "platform", description = "The installation, for platform admins"),
        (name = "system", description = "Health, public keys, and this document"),
    )
)]
struct Base;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("The `access` token of `POST /api/auth/login/`; it lives five minutes."))
            .build();
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// Requests and answers of a real run, by operation; a test takes them anew and compares.
const EXAMPLES: &str = include_str!("../../../openapi/examples.json");

/// The document as text, made once.
pub fn json() -> &'static str {
    static JSON: OnceLock<String> = OnceLock::new();
    JSON.get_or_init(|| {
        let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
        text.push('\n');
        text
    })
}

/// The document: what the handlers say, and what is the same everywhere.
pub fn document() -> Value {
    let collected = actix_web::App::new()
        .into_utoipa_app()
        .openapi(Base::openapi())
        .configure(routes::all)
        .split_for_parts()
        .1;
    let mut document = serde_json::to_value(collected).unwrap_or_default();
    let examples: Value = serde_json::from_str(EXAMPLES).unwrap_or_default();
    for (_, methods) in members(&mut document["paths"]) {
        for (method, operation) in members(methods) {
            finish(method, operation, &examples);
        }
    }
    let paths = document["paths"].to_string();
    let mut responses = problems();
    responses.retain(|name, _| paths.contains(&format!("/responses/{name}\"")));
    document["components"]["responses"] = Value::Object(responses);
    requests::describe(&mut document);
    document
}

/// Methods and templates of all paths.
pub fn paths() -> Vec<(String, String)> {
    let mut document = document();
    let mut all = Vec::new();
    for (path, methods) in members(&mut document["paths"]) {
        for (method, _) in members(methods) {
            all.push((method.to_uppercase(), path.clone()));
        }
    }
    all
}

fn members(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flatten()
}

/// Errors that may be the answer anywhere: name, status, what it means.
const PROBLEMS: &[(&str, &str, &str)] = &[
    (
        "BadRequest",
        "400",
        "The request is not valid: `validation`, with all faulty fields, or `malformed_json`",
    ),
    (
        "Unauthenticated",
        "401",
        "No, broken, expired or revoked credentials: `not_authenticated`, `token_not_valid`, `account_inactive`, `store_suspended`",
    ),
    ("Forbidden", "403", "This role may never do this: `permission_denied`, or `store_required`"),
    ("NotFound", "404", "No such thing here: `not_found`"),
    ("Slow", "408", "The body did not arrive in time: `request_timeout`"),
    ("Conflict", "409", "A conflict with the present state: `request_in_flight`"),
    ("Stale", "412", "It has changed since the client read what `If-Match` names: `precondition_failed`"),
    ("TooLarge", "413", "The body is too large: `body_too_large`"),
    ("WrongType", "415", "The body is not JSON in UTF-8, or compressed: `unsupported_media_type`"),
    ("KeyReused", "422", "The `Idempotency-Key` was used for another request: `idempotency_key_reused`"),
    ("Busy", "429", "Too many requests: `too_many_requests`; come back after `Retry-After` seconds"),
    ("Internal", "500", "Our fault: `internal`"),
    (
        "Unavailable",
        "503",
        "The database is away or overloaded: `unavailable`; come back after `Retry-After` seconds",
    ),
];

fn problem_response(description: &str) -> Value {
    json!({
        "description": description,
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    })
}

fn problems() -> Map<String, Value> {
    PROBLEMS
        .iter()
        .map(|(name, status, text)| {
            let mut response = problem_response(text);
            if matches!(*status, "429" | "503") {
                response["headers"] = json!({ "Retry-After": {
                    "description": "Seconds to wait.", "schema": { "type": "integer", "minimum": 0 } } });
            }
            if *status == "429" {
                response["headers"]["RateLimit-Policy"] = json!({
                    "description": "The limits that apply: `q` requests in `w` seconds.", "schema": { "type": "string" } });
                response["headers"]["RateLimit"] = json!({
                    "description": "What is left under the tightest one.", "schema": { "type": "string" } });
            }
            if *status == "401" {
                response["headers"] = json!({ "WWW-Authenticate": {
                    "description": "The scheme: `Bearer` (RFC 6750).", "schema": { "type": "string" } } });
            }
            ((*name).to_owned(), response)
        })
        .collect()
}

fn finish(method: &str, operation: &mut Value, examples: &Value) {
    let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
    let rule = rule(&id);
    let has_body = operation.get("requestBody").is_some();
    let has = |place: &str| {
        operation["parameters"].as_array().is_some_and(|all| all.iter().any(|one| one["in"] == place))
    };
    let (has_query, has_id) = (has("query"), has("path"));
    let needs = matches!(rule, Some(Rule::Needs(_)));
    // What creates something has a place for it.
    let creates = operation["responses"].get("201").is_some() && id != "register";
    let changes = matches!(method, "put" | "patch" | "delete");
    let watches = matches!(id.as_str(), "get_health" | "get_readiness" | "get_metrics");
    let about_store = matches!(rule, Some(Rule::Needs(action)) if action.realm() == Realm::Store);

    for (name, status, _) in PROBLEMS {
        let possible = match *status {
            "400" => has_body || has_query,
            "401" => needs || id == "register",
            "403" => needs,
            "404" => has_id || about_store,
            "409" | "422" => creates,
            "412" => changes,
            "408" | "413" | "415" => has_body,
            "429" => !watches,
            "503" => !matches!(id.as_str(), "get_health" | "get_schema" | "get_metrics" | "get_jwks"),
            _ => true,
        };
        let responses = &mut operation["responses"];
        let described =
            responses.get(*status).and_then(|known| known["description"].as_str()).map(str::to_owned);
        match described {
            Some(text) if *status == "409" => {
                let more = if creates { ", or `request_in_flight`" } else { "" };
                let text = format!("A conflict with the present state: {text}{more}");
                responses[*status] = problem_response(&text);
            }
            Some(text) => responses[*status] = problem_response(&text),
            None if possible => {
                responses[*status] = json!({ "$ref": format!("#/components/responses/{name}") });
            }
            None => {}
        }
    }
    describe_headers(method, operation, has_query);
    for (needed, name, text) in [
        (
            about_store,
            STORE_HEADER,
            "For platform admins: name or slug of the store to act in. Anybody else's is ignored.",
        ),
        (
            creates,
            KEY_HEADER,
            "The client's name for this request, 1 to 255 visible ASCII characters, so that it can be \
            sent again: what was created is answered once more, for 24 hours, and nothing happens twice.",
        ),
        (
            has_tag(method, operation) && method == "get",
            "If-None-Match",
            "The `ETag` of an earlier answer: if it still holds, the answer is 304 without a body.",
        ),
        (
            changes,
            "If-Match",
            "The `ETag` of the state that the client has read: nothing happens if it has changed since.",
        ),
    ] {
        if needed {
            add_header_parameter(operation, name, text);
        }
    }
    operation["x-haat-action"] = match rule {
        Some(Rule::Needs(action) | Rule::Door(action)) => action.name().into(),
        Some(Rule::Open) | None => Value::Null,
    };
    describe_callers(operation, rule);
    insert_examples(operation, &examples[&id]);
}

/// Who may call it, as the policy says, behind what else is said.
fn describe_callers(operation: &mut Value, rule: Option<Rule>) {
    let callers = match rule {
        Some(Rule::Needs(action)) => {
            let allowed = |role: &Role| match verdict(*role, action) {
                Verdict::Allow => Some(role.name().to_owned()),
                Verdict::Public => Some(format!("{} (what is published)", role.name())),
                Verdict::Own => Some(format!("{} (what is their own)", role.name())),
                Verdict::Deny => None,
            };
            Role::ALL.iter().filter_map(allowed).collect::<Vec<_>>().join(", ")
        }
        Some(Rule::Door(_) | Rule::Open) | None => "anybody".to_owned(),
    };
    let known = operation["description"].as_str().map_or(String::new(), |text| format!("{text}\n\n"));
    operation["description"] = format!("{known}May be called by: {callers}.").into();
}

fn add_header_parameter(operation: &mut Value, name: &str, text: &str) {
    let Some(all) = operation.as_object_mut() else { return };
    let parameters = all.entry("parameters").or_insert_with(|| json!([]));
    if let Some(parameters) = parameters.as_array_mut() {
        let schema = match name {
            KEY_HEADER => {
                json!({ "type": "string", "pattern": "^[!-~]+$", "minLength": 1, "maxLength": 255 })
            }
            _ => json!({ "type": "string" }),
        };
        parameters.push(json!({
            "name": name, "in": "header", "required": false, "description": text, "schema": schema,
        }));
    }
}

/// Whether an operation's 200 has an `ETag`. Counters change with each request.
fn has_tag(method: &str, operation: &Value) -> bool {
    operation["operationId"] != "get_metrics"
        && matches!(method, "get" | "patch")
        && operation["responses"].get("200").is_some()
}

fn add_header(operation: &mut Value, status: &str, name: &str, text: &str) {
    let header = json!({ "description": text, "schema": { "type": "string" } });
    operation["responses"][status]["headers"][name] = header;
}

fn describe_headers(method: &str, operation: &mut Value, is_list: bool) {
    let tag = "The state that the body shows.";
    if operation["responses"].get("201").is_some() && operation["operationId"] != "register" {
        add_header(operation, "201", "Location", "Where the new thing is.");
        // An invitation's token is shown here and never again: there is nothing to compare the tag with.
        if operation["operationId"] != "create_invitation" {
            add_header(operation, "201", "ETag", tag);
        }
        let replayed = "`true`: this was the answer to an earlier request with the same `Idempotency-Key`.";
        add_header(operation, "201", REPLAYED_HEADER, replayed);
    }
    if is_list && operation["responses"]["200"]["content"]["application/json"]["schema"]["type"] == "array" {
        let text = "The next page, with `rel=\"next\"`, while there is one (RFC 8288).";
        add_header(operation, "200", "Link", text);
    }
    if has_tag(method, operation) {
        add_header(operation, "200", "ETag", tag);
        if method == "get" {
            operation["responses"]["304"] =
                json!({ "description": "What `If-None-Match` names still holds" });
            add_header(operation, "304", "ETag", tag);
        }
    }
    for (status, response) in members(&mut operation["responses"]) {
        // utoipa leaves an empty one out; a document without it is none. What refers to another response has it there.
        if response.get("$ref").is_some()
            || response["description"].as_str().is_some_and(|text| !text.is_empty())
        {
            continue;
        }
        let text = match status.as_str() {
            "200" => "Here it is",
            "201" => "It was created",
            _ => "It was done",
        };
        response["description"] = text.into();
    }
}

fn insert_examples(operation: &mut Value, example: &Value) {
    if let Some(request) = example.get("request") {
        operation["requestBody"]["content"]["application/json"]["example"] = request.clone();
    }
    let answer = example.get("response").zip(example.get("status").and_then(Value::as_str));
    if let Some((body, status)) = answer {
        operation["responses"][status]["content"]["application/json"]["example"] = body.clone();
    }
}

/// One of Swagger UI's files, from inside the binary.
pub fn swagger_file(path: &str) -> Option<HttpResponse> {
    static CONFIG: OnceLock<Arc<utoipa_swagger_ui::Config<'static>>> = OnceLock::new();
    let config = CONFIG.get_or_init(|| {
        let config = utoipa_swagger_ui::Config::new(["/api/schema/"])
            .try_it_out_enabled(true)
            .persist_authorization(true)
            .display_request_duration(true)
            .filter(true);
        Arc::new(config)
    });
    let file = utoipa_swagger_ui::serve(path, Arc::clone(config)).ok().flatten()?;
    let mut bytes = file.bytes.into_owned();
    if file.content_type == "text/html" {
        // The page names its files relative to itself, and it is served with and without the trailing slash.
        let page = String::from_utf8_lossy(&bytes).replacen("<head>", "<head><base href=\"/api/docs/\">", 1);
        bytes = page.into_bytes();
    }
    // Scripts and styles of this server and nothing else; Swagger UI's icons are `data:`.
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'";
    let mut answer = HttpResponse::Ok();
    Some(answer.content_type(file.content_type).insert_header((CONTENT_SECURITY_POLICY, policy)).body(bytes))
}
