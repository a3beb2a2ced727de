//! Stores (tenants) and their settings.

use crate::audit::{Facts, Object};
use crate::authz::Action;
use crate::cx::Cx;
use crate::error::{Conflict, Error, Result, Violation};
use crate::ids::TenantId;
use crate::money::Currency;
use crate::page::{After, Key, Page, PageRequest, SortKey};
use crate::reports::Counts;
use crate::text::{Lines, Search, clean, fold_seen, in_word};
use crate::time::Timestamp;
use std::fmt;
use unicode_normalization::char::is_combining_mark;

/// The name of a store: 1 to 100 characters on one line; unique on the installation as [`fold_seen`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreName(String);

impl StoreName {
    /// What a store has kept, which [`Self::parse`] has checked before: not checked again.
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// A name within its bounds.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let name = clean(text, Lines::One, 1, 100)?;
        if Slug::of(&name).is_none() {
            return Err(Violation::new("must have at least one letter or digit"));
        }
        Ok(Self(name))
    }

    /// The name as typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as compared.
    pub fn key(&self) -> String {
        fold_seen(&self.0)
    }
}

/// The name of a store in addresses and headers: lower-case letters and digits, with hyphens between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slug(String);

impl Slug {
    /// What a store has kept, which [`Self::of`] has checked before: not checked again.
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// Made from a name; `None` if nothing of it can stand in a slug.
    ///
    /// ```
    /// # use haat_domain::tenancy::Slug;
    /// assert_eq!(Slug::of("  Anna's Tea & Co. ").unwrap().as_str(), "anna-s-tea-co");
    /// ```
    pub fn of(name: &str) -> Option<Self> {
        let folded = fold_seen(name);
        let words = folded.split(|c| !in_word(c)).map(|word| word.trim_start_matches(is_combining_mark));
        let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
        (!words.is_empty()).then(|| Self(words.join("-")))
    }

    /// The same with a number behind it, for a name that makes a slug that is taken.
    #[must_use]
    pub fn numbered(&self, number: u32) -> Self {
        Self(format!("{}-{number}", self.0))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a store is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantStatus {
    /// Open.
    Active,
    /// Closed by a platform admin: its users are turned away, its data is kept.
    Suspended,
}

impl TenantStatus {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Active, Self::Suspended];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }

    /// What a platform admin does to bring a store here.
    pub const fn set_by(self) -> Action {
        match self {
            Self::Active => Action::ResumeTenant,
            Self::Suspended => Action::SuspendTenant,
        }
    }

    /// The status of that name.
    pub fn parse(name: &str) -> Result<Self, Violation> {
        Self::ALL
            .into_iter()
            .find(|status| status.name() == name)
            .ok_or_else(|| Violation::new("must be one of active, suspended"))
    }
}

impl fmt::Display for TenantStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its number.
    pub id: TenantId,
    /// Its name.
    pub name: StoreName,
    /// Its name in addresses and headers; never changes.
    pub slug: Slug,
    /// The currency of its prices.
    pub currency: Currency,
    /// Open or not.
    pub status: TenantStatus,
    /// When it was opened.
    pub created_at: Timestamp,
}

/// A store to be.
#[derive(Debug, Clone)]
pub struct NewTenant {
    /// Its name.
    pub name: StoreName,
    /// The currency of its prices.
    pub currency: Currency,
}

/// Changes to a store; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct TenantPatch {
    /// A new name.
    pub name: Option<StoreName>,
    /// A new currency, while there are no products.
    pub currency: Option<Currency>,
}

/// The sortable columns of the list of stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantKey {
    /// In the order of opening.
    Id,
}

impl SortKey for TenantKey {
    const LIST: &'static str = "tenants";
    const ALL: &'static [(&'static str, Self)] = &[("id", Self::Id)];
}

/// Which stores a list shows.
#[derive(Debug, Clone, Default)]
pub struct TenantFilter {
    /// With this status.
    pub status: Option<TenantStatus>,
    /// With these words in the name.
    pub search: Option<Search>,
}

/// Looks a store up by what people type: its name or its slug.
pub fn find_store(cx: &mut Cx<'_>, name: &str) -> Result<Option<Tenant>> {
    // No store has such a name, and PostgreSQL takes no text with NUL.
    if name.contains('\0') { Ok(None) } else { cx.directory().store_by_key(&fold_seen(name)) }
}

/// The caller's store.
pub fn read_store(cx: &mut Cx<'_>) -> Result<Tenant> {
    let shop = cx.enter(Action::ReadStore)?;
    shop.tx.settings().read()
}

/// Changes the caller's store.
pub fn update_store(cx: &mut Cx<'_>, patch: TenantPatch) -> Result<Tenant> {
    cx.permit(Action::UpdateStore)?;
    let id = cx.known()?.tenant();
    check_name(cx, id, patch.name.as_ref())?;
    let mut shop = cx.enter(Action::UpdateStore)?;
    let mut store = shop.tx.settings().lock()?;
    let before = Facts::from(&store);
    if let Some(currency) = patch.currency.filter(|currency| *currency != store.currency) {
        if shop.tx.products().any()? {
            return Err(Error::Conflict(Conflict::CurrencyInUse));
        }
        store.currency = currency;
    }
    store.name = patch.name.unwrap_or(store.name);
    shop.tx.settings().update(&store)?;
    shop.record(Object::Store(store.id), before, (&store).into())?;
    Ok(store)
}

/// The caller's store as it is before a change, kept from others' changes until the transaction ends.
pub fn lock_store(cx: &mut Cx<'_>) -> Result<Tenant> {
    cx.enter(Action::UpdateStore)?.tx.settings().lock()
}

/// All stores. Platform admins only.
pub fn list_tenants(
    cx: &mut Cx<'_>,
    filter: &TenantFilter,
    request: &PageRequest<TenantKey>,
) -> Result<Page<Tenant>> {
    let platform = cx.enter_platform(Action::ReadTenants)?;
    let after = request.position(TenantId::PLATFORM)?;
    let rows = platform.tenants().page(filter, request.sort, after, request.limit.and_one())?;
    Ok(Page::of(TenantId::PLATFORM, request, rows, |last| After { key: Key::Id, id: last.id.get() }))
}

/// One store. Platform admins only.
pub fn read_tenant(cx: &mut Cx<'_>, id: TenantId) -> Result<Tenant> {
    cx.enter_platform(Action::ReadTenants)?.tenants().find(id)?.ok_or(Error::NotFound)
}

/// One store and how much there is in it; of what that is nothing is seen. Platform admins only.
pub fn measure_tenant(cx: &mut Cx<'_>, id: TenantId) -> Result<(Tenant, Counts)> {
    let store = read_tenant(cx, id)?;
    let counts = cx.look_into(&store, Action::ReadReports)?.reports().counts()?;
    Ok((store, counts))
}

/// Opens a store that has no users yet. Platform admins only.
pub fn create_tenant(cx: &mut Cx<'_>, new: &NewTenant) -> Result<Tenant> {
    cx.enter_platform(Action::CreateTenant)?;
    let store = found(cx, new)?;
    cx.record_in(&store, Action::CreateTenant, Facts::default(), (&store).into())?;
    Ok(store)
}

/// Renames a store. Platform admins only.
pub fn update_tenant(cx: &mut Cx<'_>, id: TenantId, name: Option<StoreName>) -> Result<Tenant> {
    cx.permit(Action::UpdateTenant)?;
    check_name(cx, id, name.as_ref())?;
    change_tenant(cx, id, Action::UpdateTenant, |store| store.name = name.unwrap_or(store.name.clone()))
}

/// Closes a store, or opens it again; what was so already stays so. Platform admins only.
pub fn set_tenant_status(cx: &mut Cx<'_>, id: TenantId, status: TenantStatus) -> Result<Tenant> {
    change_tenant(cx, id, status.set_by(), |store| store.status = status)
}

fn change_tenant(
    cx: &mut Cx<'_>,
    id: TenantId,
    action: Action,
    change: impl FnOnce(&mut Tenant),
) -> Result<Tenant> {
    let platform = cx.enter_platform(action)?;
    let mut store = platform.tenants().lock(id)?.ok_or(Error::NotFound)?;
    let before = Facts::from(&store);
    change(&mut store);
    platform.tenants().update(&store)?;
    cx.record_in(&store, action, before, (&store).into())?;
    Ok(store)
}

/// A store as it is before a change, kept from others' changes until the transaction ends. Platform admins only.
pub fn lock_tenant(cx: &mut Cx<'_>, id: TenantId) -> Result<Tenant> {
    cx.enter_platform(Action::UpdateTenant)?.tenants().lock(id)?.ok_or(Error::NotFound)
}

/// A new name must not name another store, in either way.
fn check_name(cx: &mut Cx<'_>, id: TenantId, name: Option<&StoreName>) -> Result<()> {
    let Some(name) = name else { return Ok(()) };
    match cx.directory().store_by_key(&name.key())? {
        Some(other) if other.id != id => Err(Error::Conflict(Conflict::StoreTaken)),
        _ => Ok(()),
    }
}

/// Inserts a store under the first slug that is free.
pub(crate) fn found(cx: &mut Cx<'_>, new: &NewTenant) -> Result<Tenant> {
    let taken = || Error::Conflict(Conflict::StoreTaken);
    let plain = Slug::of(new.name.as_str()).ok_or_else(taken)?;
    // A name is taken when it names a store in either way, so that nobody is ever mistaken for a neighbour.
    if cx.directory().store_by_key(&new.name.key())?.is_some() {
        return Err(taken());
    }
    let now = cx.now();
    for number in 1..100 {
        let slug = if number == 1 { plain.clone() } else { plain.numbered(number) };
        if cx.directory().store_by_key(slug.as_str())?.is_some() {
            continue;
        }
        match cx.directory().insert_store(new, &slug, now)? {
            Some(store) => return Ok(store),
            // Somebody was faster: with the name, or with the slug alone.
            None if cx.directory().store_by_key(&new.name.key())?.is_some() => break,
            None => {}
        }
    }
    Err(taken())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_slug_has_the_words_of_the_name() {
        for (name, slug) in [
            ("DreamKart", "dreamkart"),
            ("  Anna's  Tea & Co. ", "anna-s-tea-co"),
            ("Straße №5", "strasse-no5"),
            ("ＤＲＥＡＭ--kart", "dream-kart"),
            ("हाट बाज़ार", "हाट-बाज़ार"),
        ] {
            assert_eq!(Slug::of(name).unwrap().as_str(), fold_seen(slug), "{name}");
        }
        assert!(["", "--", "!?", "😀"].iter().all(|name| Slug::of(name).is_none()));
        assert_eq!(Slug::of("a").unwrap().numbered(2).as_str(), "a-2");
    }

    #[test]
    fn names_that_look_the_same_are_the_same() {
        let key = |name: &str| StoreName::parse(name).unwrap().key();
        for twin in ["Alpha\u{2060}", "Al\u{ad}pha", "Al\u{200b}pha", "alpha\u{3164}", "Al\u{202e}pha"] {
            assert_eq!(key(twin), key("Alpha"), "{twin:?}");
            assert_eq!(Slug::of(twin), Slug::of("Alpha"), "{twin:?}");
        }
    }

    #[test]
    fn a_store_name_has_a_letter_or_digit_and_at_most_100_characters() {
        assert!(["A", "7-Eleven", "हाट", &"x".repeat(100)].iter().all(|name| StoreName::parse(name).is_ok()));
        assert!(
            ["", " ", "&", "a\nb", "a\0", &"x".repeat(101)]
                .iter()
                .all(|name| StoreName::parse(name).is_err())
        );
    }

    proptest! {
        #[test]
        fn a_slug_is_its_own_slug_and_its_own_key(name in "(\\PC|\\pM|[a-z -]){0,30}") {
            if let Some(slug) = Slug::of(&name) {
                prop_assert_eq!(Slug::of(slug.as_str()), Some(slug.clone()));
                prop_assert_eq!(fold_seen(slug.as_str()), slug.as_str());
                prop_assert!(slug.as_str().split('-').all(|word| !word.is_empty() && word.chars().all(in_word)));
            }
        }
    }
}
