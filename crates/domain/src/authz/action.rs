use std::fmt;

/// What kind of thing an action acts upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Realm {
    /// The door of a store: what somebody does who is not yet known.
    Door,
    /// The caller's own account and sessions, wherever that is.
    Account,
    /// One store.
    Store,
    /// The installation.
    Platform,
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $realm:ident $text:literal),+ $(,)?) => {
        /// Everything that can be done, named after what the code does, never after who may do it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action { $($(#[$doc])* $name),+ }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable name, as documents show it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// The action of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|action| action.name() == name)
            }

            /// What it acts upon.
            pub const fn realm(self) -> Realm {
                match self { $(Self::$name => Realm::$realm),+ }
            }
        }
    };
}

actions! {
    /// Open a new store and become its owner.
    FoundStore = Door "store.found",
    /// Become a customer of a store.
    JoinStore = Door "store.join",
    /// Become what an invitation says.
    RedeemInvitation = Door "invitation.redeem",
    /// Prove to be somebody, or go on being so.
    SignIn = Door "session.open",
    /// Read the own profile.
    ReadSelf = Account "self.read",
    /// Change the own profile.
    UpdateSelf = Account "self.update",
    /// Change the own password.
    ChangePassword = Account "self.password",
    /// End own sessions.
    EndSession = Account "session.end",
    /// Read the store's settings.
    ReadStore = Store "store.read",
    /// Change the store's settings.
    UpdateStore = Store "store.update",
    /// List and read users.
    ReadUsers = Store "user.read",
    /// Create a user.
    CreateUser = Store "user.create",
    /// Change a user's role, state or password.
    UpdateUser = Store "user.update",
    /// Remove a user.
    DeleteUser = Store "user.delete",
    /// List invitations.
    ReadInvitations = Store "invitation.read",
    /// Invite somebody.
    CreateInvitation = Store "invitation.create",
    /// Take an invitation back.
    RevokeInvitation = Store "invitation.revoke",
    /// List and read the accounts of customers, and the names of whoever ordered.
    ReadCustomers = Store "customer.read",
    /// Read the audit log.
    ReadAudit = Store "audit.read",
    /// Read the store's figures.
    ReadReports = Store "report.read",
    /// List and read products.
    ReadProducts = Store "product.read",
    /// Create a product.
    CreateProduct = Store "product.create",
    /// Change a product.
    UpdateProduct = Store "product.update",
    /// Archive a product for good.
    DeleteProduct = Store "product.delete",
    /// List and read orders.
    ReadOrders = Store "order.read",
    /// Place an order.
    PlaceOrder = Store "order.place",
    /// Move or change an order.
    UpdateOrder = Store "order.update",
    /// Cancel an order.
    CancelOrder = Store "order.cancel",
    /// Cancel and hide an order.
    DeleteOrder = Store "order.delete",
    /// List and read stores.
    ReadTenants = Platform "tenant.read",
    /// Create a store.
    CreateTenant = Platform "tenant.create",
    /// Rename a store.
    UpdateTenant = Platform "tenant.update",
    /// Suspend a store.
    SuspendTenant = Platform "tenant.suspend",
    /// Resume a store.
    ResumeTenant = Platform "tenant.resume",
    /// Act inside a store.
    EnterStore = Platform "tenant.enter",
    /// List the platform admins.
    ReadAdmins = Platform "admin.read",
    /// Appoint a platform admin. Only the program's command line does it.
    AppointAdmin = Platform "admin.appoint",
    /// Verify the platform's own audit log. Only the program's command line does it.
    VerifyPlatform = Platform "platform.verify",
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
