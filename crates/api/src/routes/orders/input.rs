//! What clients send about orders.

use crate::input::{optional, page, query_reference, reference};
use haat_domain::error::{Error, FieldErrors};
use haat_domain::ids::{ProductId, UserId};
use haat_domain::orders::{
    LineRequest, LinesChange, MAX_LINES, OrderFilter, OrderKey, OrderPatch, OrderStatus, PlaceOrder,
};
use haat_domain::page::{PageRequest, Sort};
use haat_domain::ports::Access;
use haat_domain::pricing::Quantity;
use haat_domain::time::Timestamp;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

/// A wish for some pieces of a product.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[schema(as = OrderLineInput)]
pub(super) struct LineInput {
    /// The product's number.
    #[validate(required(message = "is required"))]
    #[schema(required, nullable = false, example = 1)]
    product: Option<i64>,
    /// How many pieces, 1 to 1000000.
    #[validate(required(message = "is required"))]
    #[schema(required, nullable = false, minimum = 1, maximum = 1_000_000, example = 2)]
    quantity: Option<i64>,
}

/// Reads no more lines than an order may have: what is longer is refused before it costs anything.
fn few_lines<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<LineInput>>, D::Error> {
    struct Few;

    impl<'de> Visitor<'de> for Few {
        type Value = Vec<LineInput>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a sequence")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut lines = Vec::new();
            while let Some(line) = seq.next_element()? {
                if lines.len() == MAX_LINES {
                    return Err(serde::de::Error::custom(format!("must have 1 to {MAX_LINES} lines")));
                }
                lines.push(line);
            }
            Ok(lines)
        }
    }

    /// Null is nothing, too.
    struct Maybe;

    impl<'de> Visitor<'de> for Maybe {
        type Value = Option<Vec<LineInput>>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a sequence")
        }

        fn visit_none<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
            deserializer.deserialize_seq(Few).map(Some)
        }
    }

    deserializer.deserialize_option(Maybe)
}

/// A wish to order: `product` and `quantity`, or `lines`.
#[derive(Debug, Deserialize, Validate, ToSchema)]
pub(super) struct OrderInput {
    /// The product's number, in an order of one line.
    #[schema(nullable = false, example = 1)]
    product: Option<i64>,
    /// How many pieces, 1 to 1000000, in an order of one line.
    #[schema(nullable = false, minimum = 1, maximum = 1_000_000, example = 2)]
    quantity: Option<i64>,
    /// 1 to 100 lines; the same product twice is summed.
    #[serde(default, deserialize_with = "few_lines")]
    #[validate(nested)]
    #[schema(nullable = false, min_items = 1, max_items = 100)]
    lines: Option<Vec<LineInput>>,
    /// The user for whom owner or staff place the order; ignored when a customer sends it.
    #[schema(nullable = false)]
    customer: Option<i64>,
}

impl OrderInput {
    pub(super) fn into_wish(self, mut errors: FieldErrors) -> Result<PlaceOrder, Error> {
        // Beside lines it does not count; a number that nobody can order is a fault even there.
        if let (Some(_), Some(quantity)) = (&self.lines, self.quantity) {
            errors.check("quantity", Quantity::parse(quantity));
        }
        let lines = match self.lines {
            Some(lines) => many(&lines, &mut errors),
            // They are there, but faulty: nothing else is missed.
            None if errors.has("lines") => Vec::new(),
            None => single(self.product, self.quantity, &mut errors),
        };
        errors.finish()?;
        Ok(PlaceOrder { customer: self.customer.map(reference).map(UserId::new), lines })
    }
}

fn single(product: Option<i64>, quantity: Option<i64>, errors: &mut FieldErrors) -> Vec<LineRequest> {
    let product = product.or_else(|| errors.missing("product"));
    let quantity = match quantity {
        Some(quantity) => errors.check("quantity", Quantity::parse(quantity)),
        None => errors.missing("quantity"),
    };
    let line = product.zip(quantity).map(|(product, quantity)| LineRequest {
        product: ProductId::new(reference(product)),
        quantity,
        field: "product".to_owned(),
    });
    line.into_iter().collect()
}

fn many(lines: &[LineInput], errors: &mut FieldErrors) -> Vec<LineRequest> {
    if lines.is_empty() || lines.len() > MAX_LINES {
        errors.add("lines", format!("must have 1 to {MAX_LINES} lines"));
        return Vec::new();
    }
    let mut wanted = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        let quantity =
            errors.check(&format!("lines[{index}].quantity"), Quantity::parse(line.quantity.unwrap_or(0)));
        if let (Some(product), Some(quantity)) = (line.product, quantity) {
            let field = format!("lines[{index}].product");
            wanted.push(LineRequest { product: ProductId::new(reference(product)), quantity, field });
        }
    }
    wanted
}

/// Changes to an order; what is absent stays as it is. Lines change only while it is pending.
#[derive(Debug, Deserialize, Validate, ToSchema)]
pub(super) struct OrderChanges {
    /// Where to move it: `confirmed`, `shipped`, `delivered` or `cancelled`.
    #[schema(nullable = false, pattern = "^(pending|confirmed|shipped|delivered|cancelled)$")]
    status: Option<String>,
    /// Another product, in an order of one line.
    #[schema(nullable = false)]
    product: Option<i64>,
    /// Another number of pieces, in an order of one line.
    #[schema(nullable = false, minimum = 1, maximum = 1_000_000)]
    quantity: Option<i64>,
    /// Other lines altogether. What the order had keeps its price; what is new comes at today's.
    #[serde(default, deserialize_with = "few_lines")]
    #[validate(nested)]
    #[schema(nullable = false, min_items = 1, max_items = 100)]
    lines: Option<Vec<LineInput>>,
}

impl OrderChanges {
    pub(super) fn into_patch(self, mut errors: FieldErrors) -> Result<OrderPatch, Error> {
        let status = self.status.and_then(|status| errors.check("status", OrderStatus::parse(&status)));
        let quantity = self.quantity.and_then(|quantity| errors.check("quantity", Quantity::parse(quantity)));
        let product = self.product.map(reference).map(ProductId::new);
        let lines = match self.lines {
            Some(lines) => Some(LinesChange::All(many(&lines, &mut errors))),
            None if product.is_some() || quantity.is_some() => {
                Some(LinesChange::Single { product, quantity })
            }
            None => None,
        };
        errors.finish()?;
        Ok(OrderPatch { lines, status })
    }
}

/// Which orders, in which order, from where.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OrderQuery {
    /// At most so many rows (default 100).
    #[param(required = false, value_type = i64, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The mark of the page to begin at, as the `Link` header gave it.
    cursor: Option<String>,
    /// `id`, `created_at` or `total_price`; with `-` in front: descending. Default `-id`, the newest first.
    #[param(pattern = "^-?(id|created_at|total_price)$")]
    ordering: Option<String>,
    /// `pending`, `confirmed`, `shipped`, `delivered` or `cancelled`.
    #[param(pattern = "^(pending|confirmed|shipped|delivered|cancelled)?$")]
    status: Option<String>,
    /// Of this user.
    #[param(required = false, value_type = i64)]
    customer: Option<String>,
    /// With a line of this product.
    #[param(required = false, value_type = i64)]
    product: Option<String>,
    /// Placed at this time or later (RFC 3339).
    #[param(format = DateTime)]
    created_after: Option<String>,
    /// Placed before this time (RFC 3339).
    #[param(format = DateTime)]
    created_before: Option<String>,
}

impl OrderQuery {
    /// Whether answering takes looking at rows that are not shown.
    pub(super) fn access(&self) -> Access {
        let filtered = [&self.status, &self.product, &self.created_after, &self.created_before];
        if filtered.iter().any(|filter| filter.is_some()) { Access::Scan } else { Access::Read }
    }

    pub(super) fn parse(&self) -> Result<(OrderFilter, PageRequest<OrderKey>), Error> {
        let mut errors = FieldErrors::default();
        let newest = Sort { by: OrderKey::Id, descending: true };
        let (limit, cursor, ordering) =
            (self.limit.as_deref(), self.cursor.as_deref(), self.ordering.as_deref());
        let request = page(limit, cursor, ordering, newest, &mut errors);
        let errors_in = &mut errors;
        let filter = OrderFilter {
            status: optional(errors_in, "status", self.status.as_deref(), OrderStatus::parse),
            customer: optional(errors_in, "customer", self.customer.as_deref(), query_reference)
                .map(UserId::new),
            product: optional(errors_in, "product", self.product.as_deref(), query_reference)
                .map(ProductId::new),
            created_after: optional(
                errors_in,
                "created_after",
                self.created_after.as_deref(),
                Timestamp::parse,
            ),
            created_before: optional(
                errors_in,
                "created_before",
                self.created_before.as_deref(),
                Timestamp::parse,
            ),
            ..OrderFilter::default()
        };
        errors.finish()?;
        Ok((filter, request))
    }
}
