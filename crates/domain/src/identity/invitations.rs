use super::{Email, NewUser, User};
use crate::audit::{Facts, Object};
use crate::authz::{Action, Role};
use crate::cx::{Cx, Shop};
use crate::error::{Conflict, Denied, Error, Result, Violation};
use crate::ids::{InvitationId, TenantId, UserId};
use crate::page::{After, Key, Page, PageRequest, SortKey};
use crate::tenancy::TenantStatus;
use crate::text::hex;
use crate::time::Timestamp;
use sha2::{Digest, Sha256};
use std::fmt;

/// Lets somebody with this e-mail address become this in the store, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its number.
    pub id: InvitationId,
    /// Who is invited.
    pub email: Email,
    /// As what: owner, staff or customer.
    pub role: Role,
    /// Who invites; `None`: a platform admin. It holds as long as they are an active owner.
    pub invited_by: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When somebody registered with it.
    pub redeemed_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

impl Invitation {
    /// It is good for so many days.
    pub const DAYS: i64 = 7;

    /// Where it is at this time.
    pub fn status(&self, now: Timestamp) -> InvitationStatus {
        match self {
            Self { redeemed_at: Some(_), .. } => InvitationStatus::Redeemed,
            Self { revoked_at: Some(_), .. } => InvitationStatus::Revoked,
            Self { expires_at, .. } if *expires_at <= now => InvitationStatus::Expired,
            _ => InvitationStatus::Pending,
        }
    }
}

/// Where an invitation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationStatus {
    /// It can be redeemed.
    Pending,
    /// Somebody has registered with it.
    Redeemed,
    /// It was taken back.
    Revoked,
    /// Nobody came in time.
    Expired,
}

impl InvitationStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Redeemed, Self::Revoked, Self::Expired];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Redeemed => "redeemed",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }

    /// The status of that name.
    pub fn parse(name: &str) -> Result<Self, Violation> {
        let known = Self::ALL.into_iter().find(|status| status.name() == name);
        known.ok_or_else(|| Violation::new("must be one of pending, redeemed, revoked, expired"))
    }
}

/// What an invited person shows: the store's number, which is no secret, and 128 random bits.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteToken {
    tenant: TenantId,
    secret: String,
}

impl InviteToken {
    /// A token of this store.
    pub fn new(tenant: TenantId, random: [u8; 16]) -> Self {
        Self { tenant, secret: hex(&random) }
    }

    /// Reads a token as it was shown.
    ///
    /// ```
    /// # use haat_domain::{identity::InviteToken, ids::TenantId};
    /// let token = InviteToken::new(TenantId::new(7), [0xab; 16]);
    /// assert_eq!(token.expose(), "invite-7-abababababababababababababababab");
    /// assert!(InviteToken::parse(&token.expose()).is_ok_and(|same| same == token));
    /// ```
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let wrong = || Violation::new("is no invitation");
        let (tenant, secret) =
            text.trim().strip_prefix("invite-").and_then(|rest| rest.split_once('-')).ok_or_else(wrong)?;
        let tenant = tenant.parse().map(TenantId::new).map_err(|_| wrong())?;
        let plain =
            secret.len() == 32 && secret.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if plain && tenant.get() > 0 { Ok(Self { tenant, secret: secret.to_owned() }) } else { Err(wrong()) }
    }

    /// The store that it leads to, as it says itself.
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The text in clear, to be shown once.
    pub fn expose(&self) -> String {
        format!("invite-{}-{}", self.tenant, self.secret)
    }

    /// What is stored of it: SHA-256. There is nothing to guess in 128 random bits, so nothing slower is needed.
    pub fn hash(&self) -> String {
        hex(&Sha256::digest(self.expose()))
    }
}

impl fmt::Debug for InviteToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InviteToken({}, ..)", self.tenant)
    }
}

/// An invitation to be.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// Who is invited.
    pub email: Email,
    /// As what.
    pub role: Role,
    /// Who invites, if they belong to the store.
    pub invited_by: Option<UserId>,
    /// [`InviteToken::hash`].
    pub token_hash: String,
    /// When it is made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// The sortable columns of the list of invitations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationKey {
    /// In the order of creation.
    Id,
}

impl SortKey for InvitationKey {
    const LIST: &'static str = "invitations";
    const ALL: &'static [(&'static str, Self)] = &[("id", Self::Id)];
}

/// Invites somebody into the caller's store. `random` makes the token, which is shown now and never again.
pub fn invite(
    cx: &mut Cx<'_>,
    email: Email,
    role: Role,
    random: [u8; 16],
) -> Result<(Invitation, InviteToken)> {
    let mut shop = cx.enter(Action::CreateInvitation)?;
    Role::parse_member(role.name()).map_err(|violation| violation.on("role"))?;
    if shop.tx.users().find_by_email(&email.key())?.is_some() {
        return Err(Error::Conflict(Conflict::EmailTaken));
    }
    let token = InviteToken::new(shop.scope.tenant(), random);
    let expires_at = shop.now.plus_seconds(Invitation::DAYS * 24 * 60 * 60);
    let invited_by = shop.scope.member();
    let new =
        NewInvitation { email, role, invited_by, token_hash: token.hash(), created_at: shop.now, expires_at };
    let id = shop.tx.invitations().insert(&new)?;
    let NewInvitation { email, role, created_at, .. } = new;
    let invitation = Invitation {
        id,
        email,
        role,
        invited_by,
        created_at,
        expires_at,
        redeemed_at: None,
        revoked_at: None,
    };
    shop.record(Object::Invitation(id), Facts::default(), (&invitation).into())?;
    Ok((invitation, token))
}

/// The invitations of the caller's store, with this status or with any.
pub fn list_invitations(
    cx: &mut Cx<'_>,
    status: Option<InvitationStatus>,
    request: &PageRequest<InvitationKey>,
) -> Result<Page<Invitation>> {
    let shop = cx.enter(Action::ReadInvitations)?;
    let tenant = shop.scope.tenant();
    let after = request.position(tenant)?;
    let InvitationKey::Id = request.sort.by;
    let (down, limit) = (request.sort.descending, request.limit.and_one());
    let rows = shop.tx.invitations().page(status, shop.now, down, after.map(|after| after.id), limit)?;
    Ok(Page::of(tenant, request, rows, |last| After { key: Key::Id, id: last.id.get() }))
}

/// One invitation of the caller's store.
pub fn read_invitation(cx: &mut Cx<'_>, id: InvitationId) -> Result<Invitation> {
    cx.enter(Action::ReadInvitations)?.tx.invitations().find(id)?.ok_or(Error::NotFound)
}

/// Takes an invitation back. One that nobody can redeem any more stays as it is.
pub fn revoke_invitation(cx: &mut Cx<'_>, id: InvitationId) -> Result<()> {
    let mut shop = cx.enter(Action::RevokeInvitation)?;
    let invitation = shop.tx.invitations().find(id)?.ok_or(Error::NotFound)?;
    if shop.tx.invitations().revoke(id, shop.now)? {
        shop.record(Object::Invitation(id), (&invitation).into(), Facts::default())?;
    }
    Ok(())
}

/// What whoever holds this token and has this address is invited to be, if they are.
pub fn invited_as(cx: &mut Cx<'_>, token: &InviteToken, email: &Email) -> Result<Role> {
    look_up(cx, token, None, email).map(|(_, invitation)| invitation.role)
}

/// The store that a token leads to and the invitation, if all that it is bound to is so.
pub(super) fn look_up<'c>(
    cx: &'c mut Cx<'_>,
    token: &InviteToken,
    role: Option<Role>,
    email: &Email,
) -> Result<(Shop<'c>, Invitation)> {
    let refused = || Error::Forbidden(Denied::InvitationRequired);
    let store = cx.directory().store_by_id(token.tenant)?;
    let store = store.filter(|store| store.status == TenantStatus::Active).ok_or_else(refused)?;
    let shop = cx.visit(&store, Action::RedeemInvitation)?;
    let found = shop.tx.invitations().find_by_token(&token.hash())?;
    let bound = |invitation: &Invitation| {
        invitation.status(shop.now) == InvitationStatus::Pending
            && role.is_none_or(|role| invitation.role == role)
            && invitation.email.key() == email.key()
    };
    let invitation = found.filter(bound).ok_or_else(refused)?;
    if let Some(inviter) = invitation.invited_by {
        // Whoever is no owner any more invites nobody.
        let owner = |user: &User| user.is_active && user.role == Role::Owner;
        shop.tx.users().find(inviter)?.filter(owner).ok_or_else(refused)?;
    }
    Ok((shop, invitation))
}

/// Makes the invited person a user. Of several who show the same token at once, one is let in.
pub(super) fn redeem(cx: &mut Cx<'_>, token: &InviteToken, user: &NewUser) -> Result<User> {
    let (mut shop, invitation) = look_up(cx, token, Some(user.role), &user.email)?;
    if !shop.tx.invitations().redeem(invitation.id, shop.now)? {
        return Err(Error::Forbidden(Denied::InvitationRequired));
    }
    super::users::insert(&mut shop, user)
}
