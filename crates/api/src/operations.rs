//! Every operation of the API and the action that the policy is asked about. A test holds this to the OpenAPI
//! document in both directions, and another calls each operation as each role.

use haat_domain::authz::Action;

/// What an operation asks of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The caller must be permitted this.
    Needs(Action),
    /// Anybody may call it; what it does at the door of a store is this.
    Door(Action),
    /// Anybody may call it; it is about no store.
    Open,
}

/// Operation ids and their rules.
pub const OPERATIONS: &[(&str, Rule)] = &[
    ("register", Rule::Door(Action::JoinStore)),
    ("login", Rule::Door(Action::SignIn)),
    ("refresh", Rule::Door(Action::SignIn)),
    ("verify", Rule::Door(Action::SignIn)),
    ("logout", Rule::Needs(Action::EndSession)),
    ("change_password", Rule::Needs(Action::ChangePassword)),
    ("get_me", Rule::Needs(Action::ReadSelf)),
    ("update_me", Rule::Needs(Action::UpdateSelf)),
    ("get_store", Rule::Needs(Action::ReadStore)),
    ("update_store", Rule::Needs(Action::UpdateStore)),
    ("list_users", Rule::Needs(Action::ReadUsers)),
    ("create_user", Rule::Needs(Action::CreateUser)),
    ("get_user", Rule::Needs(Action::ReadUsers)),
    ("update_user", Rule::Needs(Action::UpdateUser)),
    ("delete_user", Rule::Needs(Action::DeleteUser)),
    ("list_invitations", Rule::Needs(Action::ReadInvitations)),
    ("create_invitation", Rule::Needs(Action::CreateInvitation)),
    ("get_invitation", Rule::Needs(Action::ReadInvitations)),
    ("revoke_invitation", Rule::Needs(Action::RevokeInvitation)),
    ("list_products", Rule::Needs(Action::ReadProducts)),
    ("create_product", Rule::Needs(Action::CreateProduct)),
    ("get_product", Rule::Needs(Action::ReadProducts)),
    ("replace_product", Rule::Needs(Action::UpdateProduct)),
    ("update_product", Rule::Needs(Action::UpdateProduct)),
    ("delete_product", Rule::Needs(Action::DeleteProduct)),
    ("list_orders", Rule::Needs(Action::ReadOrders)),
    ("place_order", Rule::Needs(Action::PlaceOrder)),
    ("get_order", Rule::Needs(Action::ReadOrders)),
    ("update_order", Rule::Needs(Action::UpdateOrder)),
    ("delete_order", Rule::Needs(Action::DeleteOrder)),
    ("cancel_order", Rule::Needs(Action::CancelOrder)),
    ("list_audit", Rule::Needs(Action::ReadAudit)),
    ("list_tenants", Rule::Needs(Action::ReadTenants)),
    ("create_tenant", Rule::Needs(Action::CreateTenant)),
    ("get_tenant", Rule::Needs(Action::ReadTenants)),
    ("update_tenant", Rule::Needs(Action::UpdateTenant)),
    ("suspend_tenant", Rule::Needs(Action::SuspendTenant)),
    ("resume_tenant", Rule::Needs(Action::ResumeTenant)),
    ("get_health", Rule::Open),
    ("get_readiness", Rule::Open),
    ("get_schema", Rule::Open),
    ("get_metrics", Rule::Open),
    ("get_jwks", Rule::Open),
];

/// The rule of an operation.
pub fn rule(operation: &str) -> Option<Rule> {
    OPERATIONS.iter().find(|(id, _)| *id == operation).map(|(_, rule)| *rule)
}
