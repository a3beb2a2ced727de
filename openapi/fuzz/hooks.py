"""What `cargo xtask fuzz-api` does around each request. Two things only:

the accounts and stores that the run itself lives on outlive it, and a refusal that no JSON Schema can announce is no
failure. Nothing is left out otherwise: no operation, no check.
"""

import os
import re

import schemathesis

# A number that nothing has.
NOBODY = 9007199254740991


def kept(name):
    return {int(number) for number in os.environ[name].split(",")}


# The run logs in as these users, in these stores. Whoever changed their passwords, removed them or suspended their
# stores would turn every later request into a 401, and the rest of the run would test nothing.
KEPT = {
    ("PATCH", "/api/users/{id}/"): kept("KEPT_USERS"),
    ("DELETE", "/api/users/{id}/"): kept("KEPT_USERS"),
    ("POST", "/api/platform/tenants/{id}/suspend/"): kept("KEPT_STORES"),
}


@schemathesis.hook
def before_call(context, case, kwargs):
    numbers = KEPT.get((case.method.upper(), case.operation.path))
    number = str((case.path_parameters or {}).get("id", ""))
    if numbers and number.isdecimal() and int(number) in numbers:
        case.path_parameters["id"] = NOBODY


# Refusals (400) of requests that keep to the schema: field, message, why the schema cannot say it.
BEYOND_SCHEMA = [
    # Whether something is there, and what it is like, is in the database.
    (r"customer|lines\[\d+\]\.product|product", r"is no (user of this store|product that can be ordered here)"),
    (r"tenant_name", r"names no store that is open"),
    (r"lines", r"must be given, because the order has several lines"),
    (r"lines", r"must have 1 to 100 lines"),
    (r"old_password", r"is wrong"),
    # A cursor is the server's own; it fits one list of one store in one order.
    (r"cursor", r"is not a cursor of this API"),
    # A long list of words, the other members of the body, and who sends it.
    (r"(new_)?password", r"is one of those that are guessed first|must not be the username or the e-mail address"),
    (r"tenant_name", r"is required"),
    # The names of all actions, which grow with each release.
    (r"action", r"is no action that there is"),
    # ISO's list, which changes; and letters of every script, for which regular expressions have no common name.
    (r"currency", r"must be a currency code of ISO 4217, such as INR or EUR"),
    (r"name|tenant_name", r"must have at least one letter or digit"),
    (r"search", r"must have at most 8 words"),
    # For JSON Schema 94.0 is an integer. Here it is none: ids and counts are not computed in floats.
    (r"stock|quantity|product|customer|lines\[\d+\]\.(product|quantity)", r"must be an integer"),
]


def announced(field, message):
    return not any(re.fullmatch(f, field) and re.fullmatch(m, message) for f, m in BEYOND_SCHEMA)


# An empty member of a query is an absent one (docs/API.md). Where it is text the schema says so; of these it cannot.
EMPTY_IS_ABSENT = ["all", "in_stock", "is_active", "created_after", "created_before", "customer", "product",
                   "since", "until", "actor", "object_id"]


@schemathesis.hook
def filter_failure(context, failure, case, response):
    kind = type(failure).__name__
    # What state a thing is in, and what a key was used for before, no schema can say.
    if kind == "RejectedPositiveData" and response.status_code in (412, 422):
        return False
    if kind == "RejectedPositiveData" and response.status_code == 400:
        errors = response.json().get("errors", {})
        faults = [(field, message) for field, messages in errors.items() for message in messages]
        return not faults or any(announced(field, message) for field, message in faults)
    if kind == "AcceptedNegativeData":
        return not any((case.query or {}).get(name) == "" for name in EMPTY_IS_ABSENT)
    return True
