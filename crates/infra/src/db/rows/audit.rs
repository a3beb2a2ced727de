use super::corrupt;
use crate::db::schema::audit_log;
use crate::db::types::DbInstant;
use diesel::prelude::*;
use haat_domain::audit::{Entry, Fact, Facts, Link, Object, Recorded};
use haat_domain::authz::{Action, Role};
use haat_domain::error::{Error, Result};
use haat_domain::ids::UserId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[derive(Debug, Clone, Queryable, Selectable, Insertable, Serialize, Deserialize)]
#[diesel(table_name = audit_log, treat_none_as_default_value = false)]
#[serde(deny_unknown_fields)]
pub(in crate::db) struct EntryRow {
    number: i64,
    at: DbInstant,
    actor_id: Option<i64>,
    actor_name: String,
    actor_role: String,
    action: String,
    object_kind: Option<String>,
    object_id: Option<i64>,
    request_id: Option<String>,
    facts_before: String,
    facts_after: String,
    link: String,
}

impl TryFrom<EntryRow> for Recorded {
    type Error = Error;

    fn try_from(row: EntryRow) -> Result<Self> {
        let number = row.number;
        let corrupt = |column| corrupt("audit_log", number, column);
        let role = Role::from_name(&row.actor_role).ok_or_else(|| corrupt("actor_role"))?;
        let object = match row.object_kind.as_deref().zip(row.object_id) {
            Some((kind, id)) => Some(Object::from_stored(kind, id).ok_or_else(|| corrupt("object_kind"))?),
            None => None,
        };
        let entry = Entry {
            at: row.at.0,
            actor: row.actor_id.map(UserId::new),
            actor_name: row.actor_name,
            actor_role: role.name(),
            action: Action::from_name(&row.action).ok_or_else(|| corrupt("action"))?,
            object,
            request: row.request_id,
            before: read(&row.facts_before).ok_or_else(|| corrupt("facts_before"))?,
            after: read(&row.facts_after).ok_or_else(|| corrupt("facts_after"))?,
        };
        Ok(Self { number, entry, link: Link::from_stored(row.link) })
    }
}

new_row! {
    pub(in crate::db) struct NewEntryRow<'e> into "audit_log" {
        pub(in crate::db) tenant_id: i64,
        pub(in crate::db) number: i64,
        pub(in crate::db) at: DbInstant,
        pub(in crate::db) actor_id: Option<i64>,
        pub(in crate::db) actor_name: &'e str,
        pub(in crate::db) actor_role: &'e str,
        pub(in crate::db) action: &'e str,
        pub(in crate::db) object_kind: Option<&'e str>,
        pub(in crate::db) object_id: Option<i64>,
        pub(in crate::db) request_id: Option<&'e str>,
        pub(in crate::db) facts_before: String,
        pub(in crate::db) facts_after: String,
        pub(in crate::db) link: &'e str,
    }
}

impl<'e> NewEntryRow<'e> {
    pub(in crate::db) fn of(tenant_id: i64, number: i64, entry: &'e Entry, link: &'e Link) -> Self {
        Self {
            tenant_id,
            number,
            at: DbInstant(entry.at),
            actor_id: entry.actor.map(UserId::get),
            actor_name: &entry.actor_name,
            actor_role: entry.actor_role,
            action: entry.action.name(),
            object_kind: entry.object.map(Object::kind),
            object_id: entry.object.map(Object::id),
            request_id: entry.request.as_deref(),
            facts_before: write(&entry.before),
            facts_after: write(&entry.after),
            link: link.as_str(),
        }
    }
}

/// Facts as a JSON object.
fn write(facts: &Facts) -> String {
    let value = |fact: &Fact| match fact {
        Fact::Null => Value::Null,
        Fact::Bool(value) => Value::Bool(*value),
        Fact::Number(value) => Value::from(*value),
        Fact::Text(text) => Value::String(text.clone()),
    };
    let all: Map<_, _> = facts.iter().map(|(name, fact)| (name.to_owned(), value(fact))).collect();
    Value::Object(all).to_string()
}

fn read(text: &str) -> Option<Facts> {
    let all: Map<String, Value> = serde_json::from_str(text).ok()?;
    let fact = |value: Value| match value {
        Value::Null => Some(Fact::Null),
        Value::Bool(value) => Some(Fact::Bool(value)),
        Value::Number(number) => number.as_i64().map(Fact::Number),
        Value::String(text) => Some(Fact::Text(text)),
        Value::Array(_) | Value::Object(_) => None,
    };
    all.into_iter().map(|(name, value)| Some((name, fact(value)?))).collect()
}
