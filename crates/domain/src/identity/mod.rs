//! People: accounts, passwords, sessions.

mod names;
mod password;
mod registration;
mod session;
mod users;

pub use names::{Email, Username};
pub use password::{NewPassword, PasswordHash, Verified};
pub use registration::{Enlist, may_register, register};
pub use session::{
    Account, Credential, Grant, Login, LoginAccount, NewSession, Refresh, Rotation, Session, TokenPair,
    check_refresh, end_all_sessions, end_session, find_account, open_session, refresh_session, resolve,
};
pub use users::{
    NewUser, User, UserFilter, UserKey, UserPatch, change_password, create_admin, create_user, delete_user,
    list_users, own_password, read_me, read_user, update_me, update_user,
};
