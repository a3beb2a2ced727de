//! What was just done, said once on the next page. A cookie holds its name, never its text: nobody can have the panel
//! say anything else.

macro_rules! flashes {
    ($($(#[$doc:meta])* $name:ident = $text:literal $said:literal),+ $(,)?) => {
        /// Something that was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Flash { $($(#[$doc])* $name),+ }

        impl Flash {
            /// What the cookie holds.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// What is said.
            pub(crate) const fn said(self) -> &'static str {
                match self { $(Self::$name => $said),+ }
            }

            /// What a cookie has held.
            pub(crate) fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

flashes! {
    SignedOut = "signed-out" "You are signed out.",
    SignedOutEverywhere = "signed-out-everywhere" "You are signed out here and everywhere else.",
    PasswordChanged = "password-changed" "Your password was changed. All other sessions have ended.",
    AccountChanged = "account-changed" "Your account was changed.",
    PreferencesKept = "preferences-kept" "This browser will remember that.",
    ProductCreated = "product-created" "The product was added.",
    ProductChanged = "product-changed" "The product was changed.",
    ProductDeleted = "product-deleted" "The product was removed.",
    ProductsActivated = "products-activated" "The chosen products are on sale.",
    ProductsArchived = "products-archived" "The chosen products are archived.",
    NothingChosen = "nothing-chosen" "Nothing was chosen.",
    OrderPlaced = "order-placed" "The order was placed.",
    OrderMoved = "order-moved" "The order was moved.",
    OrderDeleted = "order-deleted" "The order was cancelled and hidden.",
    UserCreated = "user-created" "The user was created.",
    UserChanged = "user-changed" "The user was changed.",
    UserDeleted = "user-deleted" "The user was removed.",
    Joined = "joined" "Welcome. Sign in with what you have chosen.",
    InvitationRevoked = "invitation-revoked" "The invitation was taken back.",
    StoreChanged = "store-changed" "The settings were changed.",
    TenantCreated = "tenant-created" "The store was opened.",
    TenantChanged = "tenant-changed" "The store was changed.",
    TenantSuspended = "tenant-suspended" "The store is suspended: its people are turned away from now on.",
    TenantResumed = "tenant-resumed" "The store is open again.",
    StoreEntered = "store-entered" "You are in the store now. Whatever you look at there is in its audit log.",
    StoreLeft = "store-left" "You have left the store.",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_named_is_said() {
        assert_eq!(Flash::parse(Flash::OrderMoved.name()), Some(Flash::OrderMoved));
        assert_eq!(Flash::parse("Your account is locked, call 555-1234"), None);
    }
}
