//! People: accounts, passwords, sessions.

mod customers;
mod invitations;
mod names;
mod password;
mod registration;
mod session;
mod slowdown;
mod users;

pub use customers::{find_customer, list_admins, list_customers, names_of, read_customer};
pub use invitations::{
    Invitation, InvitationKey, InvitationStatus, InviteToken, NewInvitation, invite, invited_as,
    list_invitations, read_invitation, revoke_invitation,
};
pub use names::{Email, Username};
pub use password::{NewPassword, PasswordHash, Verified};
pub use registration::{Enlist, may_register, register};
pub use session::{
    Account, Attempt, Credential, Entrance, Grant, Login, LoginAccount, NewSession, Refresh, Rotation,
    Session, TokenPair, begin_login, check_refresh, continue_session, end_all_sessions, end_session,
    find_account, finish_login, open_session, refresh_session, resolve,
};
pub use slowdown::{Failures, Subject};
pub use users::{
    NewUser, User, UserFilter, UserKey, UserPatch, change_password, count_wrong_password, create_admin,
    create_user, delete_user, find_user, list_users, lock_me, lock_user, own_password, read_me, read_user,
    update_me, update_user,
};
