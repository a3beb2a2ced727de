//! Pages by key (never by offset): a cursor names the last row seen, in the list and order it was seen in.

use crate::error::{Error, Result, Violation};
use crate::ids::TenantId;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;

/// How many rows a page may have: 1 to 200, 100 by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u8);

impl Limit {
    /// The most rows of a page.
    pub const MAX: i64 = 200;

    /// A limit within its bounds.
    pub fn parse(rows: i64) -> Result<Self, Violation> {
        u8::try_from(rows)
            .ok()
            .filter(|rows| (1..=Self::MAX).contains(&i64::from(*rows)))
            .map(Self)
            .ok_or_else(|| Violation::new(format!("must be between 1 and {}", Self::MAX)))
    }

    /// The number of rows.
    pub fn get(self) -> usize {
        usize::from(self.0)
    }

    /// The same, as stores count rows.
    pub fn rows(self) -> i64 {
        i64::from(self.0)
    }

    /// One more row than the page holds, to learn whether there is a next page.
    pub fn and_one(self) -> i64 {
        self.rows() + 1
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(100)
    }
}

/// The column by which a list is sorted, as text (`price`, `-created_at`); ties go by id in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort<K> {
    /// The column.
    pub by: K,
    /// Highest first.
    pub descending: bool,
}

/// The sortable columns of one list.
pub trait SortKey: Copy + PartialEq + 'static {
    /// The list, as cursors name it.
    const LIST: &'static str;
    /// The columns by their public names.
    const ALL: &'static [(&'static str, Self)];
}

impl<K: SortKey> Sort<K> {
    /// Reads "price" or "-price".
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        K::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, by)| Self { by: *by, descending })
            .ok_or_else(|| {
                let names: Vec<_> = K::ALL.iter().map(|(name, _)| *name).collect();
                Violation::new(format!("must be one of {}, with - in front for descending", names.join(", ")))
            })
    }

    /// The public name of the column.
    pub fn name(self) -> &'static str {
        K::ALL.iter().find(|(_, by)| *by == self.by).map_or("", |(name, _)| name)
    }
}

impl<K: SortKey> std::fmt::Display for Sort<K> {
    /// What [`Sort::parse`] reads.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let direction = if self.descending { "-" } else { "" };
        write!(f, "{direction}{}", self.name())
    }
}

/// The sorted column's value in the last row of a page. Keys of one kind sort as the rows do: texts by code points.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// Sorted by the id alone.
    Id,
    /// A number (minor units, microseconds).
    Number(i64),
    /// A text.
    Text(String),
}

/// Where a page begins: after the row with this key and id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct After {
    /// The sorted column's value.
    pub key: Key,
    /// The row's id.
    pub id: i64,
}

/// An opaque page mark, as clients hold it.
///
/// ```
/// # use haat_domain::{catalog::ProductKey, ids::TenantId, page::*};
/// let sort = Sort { by: ProductKey::Price, descending: false };
/// let after = After { key: Key::Number(129_900), id: 42 };
/// let cursor = Cursor::new(TenantId::new(7), sort, after.clone());
/// let back = Cursor::parse(&cursor.to_string()).unwrap();
/// assert_eq!(back.position(TenantId::new(7), sort).unwrap(), after);
/// assert!(back.position(TenantId::new(8), sort).is_err(), "a cursor of another store is refused");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    list: String,
    tenant: i64,
    after: After,
}

impl Cursor {
    /// A mark in the given list of the given tenant.
    pub fn new<K: SortKey>(tenant: TenantId, sort: Sort<K>, after: After) -> Self {
        Self { list: list_name(sort), tenant: tenant.get(), after }
    }

    /// Reads what [`Cursor`]'s `Display` wrote.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        Self::decode(text).ok_or_else(|| Violation::new("is not a cursor of this API"))
    }

    fn decode(text: &str) -> Option<Self> {
        let plain = String::from_utf8(BASE64.decode(text).ok()?).ok()?;
        let mut parts = plain.splitn(5, '|');
        let mut next = || parts.next();
        let (list, tenant, id, kind, value) = (next()?, next()?, next()?, next()?, next()?);
        let key = match kind {
            "i" if value.is_empty() => Key::Id,
            "n" => Key::Number(value.parse().ok()?),
            "t" if !value.contains('\0') => Key::Text(value.to_owned()),
            _ => return None,
        };
        let after = After { key, id: id.parse().ok()? };
        Some(Self { list: list.to_owned(), tenant: tenant.parse().ok()?, after })
    }

    /// The position, if this cursor belongs to that list of that tenant in that order.
    pub fn position<K: SortKey>(&self, tenant: TenantId, sort: Sort<K>) -> Result<After> {
        let sorted_by_id = sort.name() == "id";
        if self.list == list_name(sort)
            && self.tenant == tenant.get()
            && sorted_by_id == (self.after.key == Key::Id)
        {
            Ok(self.after.clone())
        } else {
            Err(Error::invalid("cursor", "belongs to another list"))
        }
    }
}

fn list_name<K: SortKey>(sort: Sort<K>) -> String {
    format!("{}:{sort}", K::LIST)
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { list, tenant, after: After { key, id } } = self;
        let plain = match key {
            Key::Id => format!("{list}|{tenant}|{id}|i|"),
            Key::Number(number) => format!("{list}|{tenant}|{id}|n|{number}"),
            Key::Text(text) => format!("{list}|{tenant}|{id}|t|{text}"),
        };
        f.write_str(&BASE64.encode(plain))
    }
}

/// What a list query asks for.
#[derive(Debug, Clone)]
pub struct PageRequest<K> {
    /// The most rows wanted.
    pub limit: Limit,
    /// The order.
    pub sort: Sort<K>,
    /// Where to begin, if not at the start.
    pub cursor: Option<Cursor>,
}

impl<K: SortKey> PageRequest<K> {
    /// Where the page begins, if the cursor belongs to this list of this tenant.
    pub fn position(&self, tenant: TenantId) -> Result<Option<After>> {
        self.cursor.as_ref().map(|cursor| cursor.position(tenant, self.sort)).transpose()
    }
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// The mark of the next page, while there is more.
    pub next: Option<Cursor>,
}

impl<T> Default for Page<T> {
    /// A page with nothing on it, and none after it.
    fn default() -> Self {
        Self { items: Vec::new(), next: None }
    }
}

impl<T> Page<T> {
    /// Makes a page of the rows that a port found, of which there is one more than wanted while there is more.
    pub fn of<K: SortKey>(
        tenant: TenantId,
        request: &PageRequest<K>,
        mut rows: Vec<T>,
        mark: impl FnOnce(&T) -> After,
    ) -> Self {
        let more = rows.len() > request.limit.get();
        rows.truncate(request.limit.get());
        let next = rows.last().filter(|_| more).map(|last| Cursor::new(tenant, request.sort, mark(last)));
        Self { items: rows, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::ProductKey;
    use crate::orders::OrderKey;
    use proptest::prelude::*;

    fn any_sort() -> impl Strategy<Value = Sort<ProductKey>> {
        let columns: Vec<_> = ProductKey::ALL.iter().map(|(_, by)| *by).collect();
        (proptest::sample::select(columns), any::<bool>())
            .prop_map(|(by, descending)| Sort { by, descending })
    }

    fn any_key(by: ProductKey) -> BoxedStrategy<Key> {
        match by {
            ProductKey::Id => Just(Key::Id).boxed(),
            ProductKey::Name => "[^\0]{0,40}".prop_map(Key::Text).boxed(),
            ProductKey::Price | ProductKey::CreatedAt => any::<i64>().prop_map(Key::Number).boxed(),
        }
    }

    #[test]
    fn a_limit_is_between_1_and_200() {
        assert!(
            [1, 100, 200]
                .into_iter()
                .all(|rows| Limit::parse(rows).is_ok_and(|limit| limit.and_one() == rows + 1))
        );
        assert!(
            [i64::MIN, -1, 0, 201, 256, 257, i64::MAX].into_iter().all(|rows| Limit::parse(rows).is_err())
        );
        assert_eq!(Limit::default().get(), 100);
    }

    #[test]
    fn an_order_is_a_column_with_a_minus_for_descending() {
        assert_eq!(Sort::parse("price"), Ok(Sort { by: ProductKey::Price, descending: false }));
        assert_eq!(Sort::parse("-created_at"), Ok(Sort { by: ProductKey::CreatedAt, descending: true }));
        for wrong in ["", "-", "--price", "+price", "Price", "price,id", "tenant_id", "password_hash"] {
            assert!(Sort::<ProductKey>::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_last_page_has_no_mark() {
        let request = |limit| PageRequest {
            limit: Limit::parse(limit).unwrap(),
            sort: Sort { by: ProductKey::Id, descending: false },
            cursor: None,
        };
        let page = |limit, rows| {
            Page::of(TenantId::new(1), &request(limit), rows, |id| After { key: Key::Id, id: *id })
        };
        let (first, last, empty) = (page(2, vec![5, 6, 7]), page(2, vec![7, 8]), page(2, vec![]));
        assert_eq!((first.items, last.items), (vec![5, 6], vec![7, 8]));
        assert_eq!(first.next.unwrap().after, After { key: Key::Id, id: 6 });
        assert!(last.next.is_none() && empty.next.is_none());
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let sort = Sort { by: ProductKey::CreatedAt, descending: false };
        let cursor = Cursor::new(TenantId::new(1), sort, After { key: Key::Number(1), id: 1 });
        let upside_down = Sort { descending: true, ..sort };
        let other_column = Sort { by: ProductKey::Price, ..sort };
        let other_list = Sort { by: OrderKey::CreatedAt, descending: false };
        assert!(cursor.position(TenantId::new(1), sort).is_ok());
        assert!(cursor.position(TenantId::new(2), sort).is_err());
        assert!(cursor.position(TenantId::new(1), upside_down).is_err());
        assert!(cursor.position(TenantId::new(1), other_column).is_err());
        assert!(cursor.position(TenantId::new(1), other_list).is_err());
    }

    #[test]
    fn a_forged_cursor_is_none() {
        for forged in [
            "",
            "products",
            "products:id|1|1|i",
            "products:id|1|1|i|x",
            "products:id|1||i|",
            "products:id|x|1|i|",
            "products:id|1|99999999999999999999|i|",
            "products:price|1|1|n|",
            "products:price|1|1|n|1.5",
            "products:name|1|1|t|\0",
            "products:name|1|1|z|x",
        ] {
            assert!(Cursor::parse(&BASE64.encode(forged)).is_err(), "{forged}");
        }
        assert!(Cursor::parse("a=").is_err() && Cursor::parse("%").is_err());
    }

    proptest! {
        #[test]
        fn a_cursor_survives_its_text(
            (sort, key) in any_sort().prop_flat_map(|sort| (Just(sort), any_key(sort.by))),
            id: i64,
            tenant: i64,
        ) {
            let after = After { key, id };
            let cursor = Cursor::new(TenantId::new(tenant), sort, after.clone());
            let text = cursor.to_string();
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{}", text);
            let back = Cursor::parse(&text).unwrap();
            prop_assert_eq!(back.position(TenantId::new(tenant), sort).unwrap(), after);
        }

        #[test]
        fn whatever_is_no_cursor_is_refused_quietly(text in ".{0,60}", plain in ".{0,60}") {
            let sort = Sort { by: ProductKey::Id, descending: false };
            for text in [text, BASE64.encode(&plain), BASE64.encode(format!("products:id|1|{plain}|i|"))] {
                if let Ok(cursor) = Cursor::parse(&text) {
                    drop(cursor.position(TenantId::new(1), sort));
                }
            }
        }

        #[test]
        fn a_broken_cursor_is_refused_quietly(id: i64, at in 0..40_usize, with in "[A-Za-z0-9_-]") {
            let sort = Sort { by: ProductKey::Id, descending: false };
            let mut text = Cursor::new(TenantId::new(1), sort, After { key: Key::Id, id }).to_string();
            let at = at % text.len();
            text.replace_range(at..=at, &with);
            if let Ok(cursor) = Cursor::parse(&text) {
                drop(cursor.position(TenantId::new(1), sort));
            }
        }
    }
}
