//! What the domain needs from the world. Synchronous traits; an adapter implements them.
//!
//! Looking up answers `Option`: absence is no error. A mutation says whether it found its row, by an internal error
//! where its answer has no other way to say so.
//! The transaction *is* the set of repositories: what is reached through a [`Tx`] commits together or not at all.

mod store;
mod vitals;

pub use store::{Access, Job, Store, Work, outcome};
pub use vitals::{BatchVitals, PoolVitals, QueueVitals, Vitals};

use crate::audit::{AuditFilter, Entry, Link, Recorded};
use crate::authz::{PlatformScope, TenantScope};
use crate::catalog::{Product, ProductDetails, ProductFilter, ProductKey, Taken};
use crate::error::Result;
use crate::idempotency::{Answer, Claim, IdempotencyKey, Kept};
use crate::identity::{
    Account, Credential, Entrance, Failures, Grant, Invitation, InvitationStatus, NewInvitation, NewPassword,
    NewSession, NewUser, PasswordHash, Refresh, Session, Subject, TokenPair, User, UserFilter, UserKey,
    Username, Verified,
};
use crate::ids::{InvitationId, OrderId, ProductId, SessionId, TenantId, UserId};
use crate::money::Currency;
use crate::orders::{Line, Opened, Order, OrderFilter, OrderKey};
use crate::page::{After, Sort};
use crate::pricing::Quantity;
use crate::reports::{BestSeller, Counts, Joined, Sold};
use crate::tenancy::{NewTenant, Slug, Tenant, TenantFilter, TenantKey};
use crate::time::Timestamp;

/// One open transaction.
///
/// What is locked, by a method that says so or by changing it, is locked in this order, so that no two transactions
/// wait for each other in a circle: a claimed idempotency key, failed logins, active owners, users, sessions, orders,
/// products by their numbers, the end of the audit log.
pub trait Tx {
    /// What may be looked up before anybody is known.
    fn directory(&mut self) -> &mut dyn Directory;
    /// One tenant's repositories.
    fn tenant(&mut self, scope: &TenantScope) -> Result<&mut dyn TenantTx>;
    /// The installation's repositories.
    fn platform(&mut self, scope: &PlatformScope) -> Result<&mut dyn PlatformTx>;
}

/// The repositories of one tenant. Nothing reached through this concerns another.
pub trait TenantTx {
    /// The store's own settings.
    fn settings(&mut self) -> &mut dyn Settings;
    /// Accounts.
    fn users(&mut self) -> &mut dyn Users;
    /// Login sessions.
    fn sessions(&mut self) -> &mut dyn Sessions;
    /// Invitations.
    fn invitations(&mut self) -> &mut dyn Invitations;
    /// Products.
    fn products(&mut self) -> &mut dyn Products;
    /// Orders.
    fn orders(&mut self) -> &mut dyn Orders;
    /// The audit log.
    fn audit(&mut self) -> &mut dyn Audit;
    /// Answers that are given once more.
    fn replays(&mut self) -> &mut dyn Replays;
    /// Figures.
    fn reports(&mut self) -> &mut dyn Reports;
}

/// The repositories of the installation.
pub trait PlatformTx {
    /// All stores.
    fn tenants(&mut self) -> &mut dyn Tenants;
}

/// What may be looked up before anybody is known: the names of stores, who first took a username, and the account of
/// a verified token.
pub trait Directory {
    /// A store (never the platform) whose folded name or whose slug this is.
    fn store_by_key(&mut self, key: &str) -> Result<Option<Tenant>>;
    /// A tenant, the platform included.
    fn store_by_id(&mut self, id: TenantId) -> Result<Option<Tenant>>;
    /// Inserts an active store; `None`: name or slug is taken.
    fn insert_store(&mut self, new: &NewTenant, slug: &Slug, now: Timestamp) -> Result<Option<Tenant>>;
    /// The tenant in which a folded username was first taken on this server.
    fn first_claim(&mut self, username_key: &str) -> Result<Option<TenantId>>;
    /// User, store and session of a credential, if all three are there.
    fn account(&mut self, credential: &Credential) -> Result<Option<Account>>;
    /// The failed logins of a subject.
    fn failures(&mut self, subject: &Subject) -> Result<Option<Failures>>;
    /// The same, kept from others' changes until the transaction ends; none, if there were none.
    fn lock_failures(&mut self, subject: &Subject, now: Timestamp) -> Result<Failures>;
    /// Writes the failed logins of a subject that was locked.
    fn keep_failures(&mut self, subject: &Subject, failures: &Failures) -> Result<()>;
    /// Forgets the failed logins of a subject.
    fn forgive_failures(&mut self, subject: &Subject) -> Result<()>;
    /// Forgets some failed logins of subjects whose last one lies before this time, and waits for nobody.
    fn forget_failures(&mut self, before: Timestamp) -> Result<()>;
}

/// A store's own settings.
pub trait Settings {
    /// Reads them.
    fn read(&mut self) -> Result<Tenant>;
    /// Reads them and keeps others from changing them until the transaction ends.
    fn lock(&mut self) -> Result<Tenant>;
    /// Writes name, currency and status.
    fn update(&mut self, store: &Tenant) -> Result<()>;
}

/// All stores, the platform itself not among them.
pub trait Tenants {
    /// One store.
    fn find(&mut self, id: TenantId) -> Result<Option<Tenant>>;
    /// One store, kept from others' changes until the transaction ends.
    fn lock(&mut self, id: TenantId) -> Result<Option<Tenant>>;
    /// At most `limit` stores.
    fn page(
        &mut self,
        filter: &TenantFilter,
        sort: Sort<TenantKey>,
        after: Option<After>,
        limit: i64,
    ) -> Result<Vec<Tenant>>;
    /// Writes name, currency and status.
    fn update(&mut self, store: &Tenant) -> Result<()>;
}

/// Accounts. Removed ones are found by nothing but their names.
pub trait Users {
    /// Inserts an active account; `None`: username or e-mail address is taken.
    fn insert(&mut self, new: &NewUser, now: Timestamp) -> Result<Option<UserId>>;
    /// One account.
    fn find(&mut self, id: UserId) -> Result<Option<User>>;
    /// One account, kept from others' changes until the transaction ends.
    fn lock(&mut self, id: UserId) -> Result<Option<User>>;
    /// The account with this folded username, and its password hash.
    fn find_login(&mut self, username_key: &str) -> Result<Option<(UserId, PasswordHash)>>;
    /// The account with this folded e-mail address.
    fn find_by_email(&mut self, email_key: &str) -> Result<Option<UserId>>;
    /// At most `limit` accounts.
    fn page(
        &mut self,
        filter: &UserFilter,
        sort: Sort<UserKey>,
        after: Option<After>,
        limit: i64,
    ) -> Result<Vec<User>>;
    /// What the accounts with these numbers are called, removed ones included.
    fn names(&mut self, ids: &[UserId]) -> Result<Vec<(UserId, Username)>>;
    /// The active owners, kept from others' changes until the transaction ends.
    fn lock_active_owners(&mut self) -> Result<Vec<UserId>>;
    /// Writes e-mail address, role and state.
    fn update(&mut self, user: &User) -> Result<()>;
    /// Writes the password hash.
    fn set_password(&mut self, id: UserId, hash: &PasswordHash) -> Result<()>;
    /// Raises the token version.
    fn bump_token_version(&mut self, id: UserId) -> Result<()>;
    /// Removes the account, frees its name and address, and gives up its claim.
    fn delete(&mut self, id: UserId, now: Timestamp) -> Result<()>;
    /// Claims a folded username for logins that name no store, if nobody has.
    fn claim_login(&mut self, username_key: &str, id: UserId) -> Result<()>;
}

/// Login sessions.
pub trait Sessions {
    /// Opens one, at generation 1.
    fn open(&mut self, new: &NewSession) -> Result<SessionId>;
    /// One session.
    fn find(&mut self, id: SessionId) -> Result<Option<Session>>;
    /// Raises the generation if it is still the given one, and the session is not revoked; says whether it did.
    fn rotate(&mut self, id: SessionId, generation: i64, idle_until: Timestamp) -> Result<bool>;
    /// Ends one.
    fn revoke(&mut self, id: SessionId, now: Timestamp) -> Result<()>;
    /// Ends all of a user's, but one.
    fn revoke_all(&mut self, user: UserId, except: Option<SessionId>, now: Timestamp) -> Result<()>;
}

/// Invitations into a store.
pub trait Invitations {
    /// Inserts an invitation.
    fn insert(&mut self, new: &NewInvitation) -> Result<InvitationId>;
    /// One invitation.
    fn find(&mut self, id: InvitationId) -> Result<Option<Invitation>>;
    /// The invitation with this hash of a token.
    fn find_by_token(&mut self, token_hash: &str) -> Result<Option<Invitation>>;
    /// At most `limit` invitations that have this status now, by number, after this one.
    fn page(
        &mut self,
        status: Option<InvitationStatus>,
        now: Timestamp,
        descending: bool,
        after: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Invitation>>;
    /// Takes a pending invitation back; says whether it was pending.
    fn revoke(&mut self, id: InvitationId, now: Timestamp) -> Result<bool>;
    /// Uses a pending invitation up, in one conditional statement; says whether it was pending.
    fn redeem(&mut self, id: InvitationId, now: Timestamp) -> Result<bool>;
}

/// Products. Deleted ones are found by nothing.
pub trait Products {
    /// Inserts a product; `None`: the SKU is taken.
    fn insert(
        &mut self,
        details: &ProductDetails,
        created_by: Option<UserId>,
        now: Timestamp,
    ) -> Result<Option<ProductId>>;
    /// One product.
    fn find(&mut self, id: ProductId) -> Result<Option<Product>>;
    /// One product, kept from others' changes until the transaction ends.
    fn lock(&mut self, id: ProductId) -> Result<Option<Product>>;
    /// The product with this folded SKU.
    fn find_by_sku(&mut self, sku_key: &str) -> Result<Option<ProductId>>;
    /// At most `limit` products.
    fn page(
        &mut self,
        filter: &ProductFilter,
        sort: Sort<ProductKey>,
        after: Option<After>,
        limit: i64,
    ) -> Result<Vec<Product>>;
    /// Whether there has ever been a product.
    fn any(&mut self) -> Result<bool>;
    /// Writes details and time of change.
    fn update(&mut self, product: &Product) -> Result<()>;
    /// Archives a product for good; says whether it was there.
    fn delete(&mut self, id: ProductId, now: Timestamp) -> Result<bool>;
    /// Takes pieces of an active product, in one conditional statement; `None`: no such product is active, or there
    /// are too few pieces.
    fn take(&mut self, id: ProductId, quantity: Quantity, now: Timestamp) -> Result<Option<Taken>>;
    /// Puts pieces back where stock is still counted, archived for good or not.
    fn put_back(&mut self, id: ProductId, pieces: i64, now: Timestamp) -> Result<()>;
}

/// Orders. Hidden ones are found by nothing.
pub trait Orders {
    /// Takes pieces of a product as [`Products::take`] does and, if there are so many, draws the numbers of an order:
    /// one trip to the database where the engine can. The last that an order takes comes this way; nobody else of the
    /// store draws a number until the transaction ends. `people`: who places it and whose it is, who may be one.
    fn open(
        &mut self,
        product: ProductId,
        quantity: Quantity,
        people: [UserId; 2],
        now: Timestamp,
    ) -> Result<Option<Opened>>;
    /// Writes a new order with its lines, and its entry behind the last one of the audit log, as [`Audit::record`] does.
    fn insert(&mut self, order: &Order, entry: &Entry) -> Result<()>;
    /// One order with its lines.
    fn find(&mut self, id: OrderId) -> Result<Option<Order>>;
    /// One order with its lines, kept from others' changes until the transaction ends.
    fn lock(&mut self, id: OrderId) -> Result<Option<Order>>;
    /// At most `limit` orders with their lines.
    fn page(
        &mut self,
        filter: &OrderFilter,
        sort: Sort<OrderKey>,
        after: Option<After>,
        limit: i64,
    ) -> Result<Vec<Order>>;
    /// Writes status, total and time of change.
    fn update(&mut self, order: &Order) -> Result<()>;
    /// Writes other lines.
    fn replace_lines(&mut self, id: OrderId, lines: &[Line]) -> Result<()>;
    /// Hides an order for good.
    fn hide(&mut self, id: OrderId, now: Timestamp) -> Result<()>;
}

/// The audit log. Entries are only ever added.
pub trait Audit {
    /// Adds an entry behind the last one; nobody else adds one until the transaction ends.
    fn record(&mut self, entry: &Entry) -> Result<()>;
    /// At most `limit` entries by number, after this one.
    fn page(
        &mut self,
        filter: &AuditFilter,
        descending: bool,
        after: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Recorded>>;
    /// How many entries were written, and the link of the last.
    fn head(&mut self) -> Result<(i64, Link)>;
}

/// Answers that are given once more.
pub trait Replays {
    /// Claims a key that is free or was claimed before `stale`; `None`: it is the caller's now, if the transaction
    /// commits. Waits for a transaction that is about to claim it; [`Conflict::InFlight`](crate::error::Conflict) if
    /// that takes too long.
    fn claim(
        &mut self,
        user: UserId,
        claim: &Claim,
        now: Timestamp,
        stale: Timestamp,
    ) -> Result<Option<Kept>>;
    /// Writes the answer under a claimed key.
    fn keep(&mut self, user: UserId, key: &IdempotencyKey, answer: &Answer) -> Result<()>;
    /// Forgets some of what anybody in the store claimed by this time, and waits for nobody.
    fn forget(&mut self, stale: Timestamp) -> Result<()>;
}

/// Figures, each from all rows that there are. An order counts that is neither cancelled nor hidden.
pub trait Reports {
    /// Orders and revenue since this time, for each quarter of an hour in which there were any, oldest first.
    fn sales(&mut self, since: Timestamp, currency: Currency) -> Result<Vec<Sold>>;
    /// Customers who have joined since this time and were not removed, likewise.
    fn newcomers(&mut self, since: Timestamp) -> Result<Vec<Joined>>;
    /// The products with the highest revenue since this time, highest first.
    fn best(&mut self, since: Timestamp, currency: Currency, limit: i64) -> Result<Vec<BestSeller>>;
    /// Active products of which at most [`LOW_STOCK`](crate::reports::LOW_STOCK) pieces are left, fewest first.
    fn low(&mut self, limit: i64) -> Result<Vec<Product>>;
    /// How much there is.
    fn counts(&mut self) -> Result<Counts>;
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now, to the microsecond.
    fn now(&self) -> Timestamp;
}

/// Draws secrets.
pub trait Random: Send + Sync {
    /// 128 bits that nobody can guess.
    fn secret(&self) -> Result<[u8; 16]>;
}

/// Hashes passwords. Slow on purpose: never called while a transaction is open.
pub trait PasswordHasher: Send + Sync {
    /// The hash to store.
    fn hash(&self, password: &NewPassword) -> Result<PasswordHash>;
    /// A new hash of a password that an outdated one was verified with. It was good enough when it was set: today's
    /// rules are not asked.
    fn rehash(&self, verified: &str) -> Result<PasswordHash>;
    /// Whether the candidate is the password. `None` (no such account) takes as long and says no.
    fn verify(&self, candidate: &str, hash: Option<&PasswordHash>) -> Result<Verified>;
}

/// Issues and verifies tokens.
pub trait TokenIssuer: Send + Sync {
    /// A pair for this grant, to be renewed at this entrance.
    fn issue(&self, grant: &Grant, entrance: Entrance, now: Timestamp) -> Result<TokenPair>;
    /// What an access token says, if it is good.
    fn verify_access(&self, token: &str, now: Timestamp) -> Result<Credential>;
    /// What a refresh token of this entrance says, if it is good.
    fn verify_refresh(&self, token: &str, entrance: Entrance, now: Timestamp) -> Result<Refresh>;
}
