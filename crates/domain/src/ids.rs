//! Typed identifiers: 64-bit numbers that cannot be confused with each other.

/// The largest number that every JSON client holds exactly (2^53 - 1).
pub const MAX_ID: i64 = 9_007_199_254_740_991;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
        pub struct $name(i64);

        impl $name {
            /// Wraps a number that a store has handed out.
            pub const fn new(id: i64) -> Self {
                Self(id)
            }

            /// The number itself.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

ids! {
    /// A store (tenant). [`TenantId::PLATFORM`] is the installation itself.
    TenantId,
    /// A person's account in one store, or a platform admin's in the platform.
    UserId,
    /// A login session: the family of refresh tokens that descend from one login.
    SessionId,
    /// An invitation into a store.
    InvitationId,
    /// A product.
    ProductId,
    /// An order.
    OrderId,
}

impl TenantId {
    /// The installation itself: the tenant whose users are the platform admins and that sells nothing.
    pub const PLATFORM: Self = Self(0);

    /// Whether this is [`TenantId::PLATFORM`].
    pub const fn is_platform(self) -> bool {
        self.0 == 0
    }

    /// The number, if it is a store's: the platform has none to show.
    pub const fn of_store(self) -> Option<i64> {
        if self.is_platform() { None } else { Some(self.0) }
    }
}
