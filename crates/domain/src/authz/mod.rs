//! Who may do what: a total function over closed enums, and the one door into a tenant's data.

mod action;
mod actor;
mod policy;
mod scope;

pub use action::{Action, Realm};
pub use actor::{Actor, Role};
pub use policy::{Verdict, verdict};
pub use scope::{PlatformScope, Reach, TenantScope, authorize, authorize_platform};
