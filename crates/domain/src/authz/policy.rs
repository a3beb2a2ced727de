use super::{Action, Role};

/// What the policy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Yes, on everything in the store.
    Allow,
    /// Yes, on what the store shows to the public: published products, its name.
    Public,
    /// Yes, on what is the caller's own.
    Own,
    /// Never.
    Deny,
}

/// The policy: every role, every action, one answer. No wildcard, so that a new role or action does not compile
/// until it is decided here. `docs/authorization.md` shows it as a table, compared by a test.
#[expect(clippy::too_many_lines, reason = "a table: one line for each decision")]
pub const fn verdict(role: Role, action: Action) -> Verdict {
    match role {
        Role::Owner => match action {
            Action::ReadSelf | Action::UpdateSelf | Action::ChangePassword | Action::EndSession => {
                Verdict::Own
            }
            Action::ReadStore
            | Action::UpdateStore
            | Action::ReadUsers
            | Action::CreateUser
            | Action::UpdateUser
            | Action::DeleteUser
            | Action::ReadInvitations
            | Action::CreateInvitation
            | Action::RevokeInvitation
            | Action::ReadCustomers
            | Action::ReadAudit
            | Action::ReadReports
            | Action::ReadProducts
            | Action::CreateProduct
            | Action::UpdateProduct
            | Action::DeleteProduct
            | Action::ReadOrders
            | Action::PlaceOrder
            | Action::UpdateOrder
            | Action::CancelOrder
            | Action::DeleteOrder => Verdict::Allow,
            Action::FoundStore
            | Action::JoinStore
            | Action::RedeemInvitation
            | Action::SignIn
            | Action::ReadTenants
            | Action::CreateTenant
            | Action::UpdateTenant
            | Action::SuspendTenant
            | Action::ResumeTenant
            | Action::EnterStore
            | Action::ReadAdmins
            | Action::AppointAdmin
            | Action::VerifyPlatform => Verdict::Deny,
        },
        Role::Staff => match action {
            Action::ReadSelf | Action::UpdateSelf | Action::ChangePassword | Action::EndSession => {
                Verdict::Own
            }
            Action::ReadStore
            | Action::ReadCustomers
            | Action::ReadReports
            | Action::ReadProducts
            | Action::CreateProduct
            | Action::UpdateProduct
            | Action::DeleteProduct
            | Action::ReadOrders
            | Action::PlaceOrder
            | Action::UpdateOrder
            | Action::CancelOrder
            | Action::DeleteOrder => Verdict::Allow,
            Action::UpdateStore
            | Action::ReadUsers
            | Action::CreateUser
            | Action::UpdateUser
            | Action::DeleteUser
            | Action::ReadInvitations
            | Action::CreateInvitation
            | Action::RevokeInvitation
            | Action::ReadAudit
            | Action::FoundStore
            | Action::JoinStore
            | Action::RedeemInvitation
            | Action::SignIn
            | Action::ReadTenants
            | Action::CreateTenant
            | Action::UpdateTenant
            | Action::SuspendTenant
            | Action::ResumeTenant
            | Action::EnterStore
            | Action::ReadAdmins
            | Action::AppointAdmin
            | Action::VerifyPlatform => Verdict::Deny,
        },
        Role::Customer => match action {
            Action::ReadStore | Action::ReadProducts => Verdict::Public,
            Action::ReadSelf
            | Action::UpdateSelf
            | Action::ChangePassword
            | Action::EndSession
            | Action::ReadOrders
            | Action::PlaceOrder
            | Action::CancelOrder => Verdict::Own,
            Action::UpdateStore
            | Action::ReadUsers
            | Action::CreateUser
            | Action::UpdateUser
            | Action::DeleteUser
            | Action::ReadInvitations
            | Action::CreateInvitation
            | Action::RevokeInvitation
            | Action::ReadCustomers
            | Action::ReadAudit
            | Action::ReadReports
            | Action::CreateProduct
            | Action::UpdateProduct
            | Action::DeleteProduct
            | Action::UpdateOrder
            | Action::DeleteOrder
            | Action::FoundStore
            | Action::JoinStore
            | Action::RedeemInvitation
            | Action::SignIn
            | Action::ReadTenants
            | Action::CreateTenant
            | Action::UpdateTenant
            | Action::SuspendTenant
            | Action::ResumeTenant
            | Action::EnterStore
            | Action::ReadAdmins
            | Action::AppointAdmin
            | Action::VerifyPlatform => Verdict::Deny,
        },
        Role::Superuser => match action {
            Action::ReadSelf | Action::UpdateSelf | Action::ChangePassword | Action::EndSession => {
                Verdict::Own
            }
            Action::ReadStore
            | Action::UpdateStore
            | Action::ReadUsers
            | Action::CreateUser
            | Action::UpdateUser
            | Action::DeleteUser
            | Action::ReadInvitations
            | Action::CreateInvitation
            | Action::RevokeInvitation
            | Action::ReadCustomers
            | Action::ReadAudit
            | Action::ReadReports
            | Action::ReadProducts
            | Action::CreateProduct
            | Action::UpdateProduct
            | Action::DeleteProduct
            | Action::ReadOrders
            | Action::PlaceOrder
            | Action::UpdateOrder
            | Action::CancelOrder
            | Action::DeleteOrder
            | Action::ReadTenants
            | Action::CreateTenant
            | Action::UpdateTenant
            | Action::SuspendTenant
            | Action::ResumeTenant
            | Action::EnterStore
            | Action::ReadAdmins
            | Action::AppointAdmin
            | Action::VerifyPlatform => Verdict::Allow,
            Action::FoundStore | Action::JoinStore | Action::RedeemInvitation | Action::SignIn => {
                Verdict::Deny
            }
        },
        Role::Anonymous => match action {
            Action::FoundStore | Action::JoinStore | Action::RedeemInvitation | Action::SignIn => {
                Verdict::Own
            }
            Action::ReadSelf
            | Action::UpdateSelf
            | Action::ChangePassword
            | Action::EndSession
            | Action::ReadStore
            | Action::UpdateStore
            | Action::ReadUsers
            | Action::CreateUser
            | Action::UpdateUser
            | Action::DeleteUser
            | Action::ReadInvitations
            | Action::CreateInvitation
            | Action::RevokeInvitation
            | Action::ReadCustomers
            | Action::ReadAudit
            | Action::ReadReports
            | Action::ReadProducts
            | Action::CreateProduct
            | Action::UpdateProduct
            | Action::DeleteProduct
            | Action::ReadOrders
            | Action::PlaceOrder
            | Action::UpdateOrder
            | Action::CancelOrder
            | Action::DeleteOrder
            | Action::ReadTenants
            | Action::CreateTenant
            | Action::UpdateTenant
            | Action::SuspendTenant
            | Action::ResumeTenant
            | Action::EnterStore
            | Action::ReadAdmins
            | Action::AppointAdmin
            | Action::VerifyPlatform => Verdict::Deny,
        },
    }
}
